/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the requests of a runner. */

#ifndef EZCDC_KEEPER_SERVE_H
#define EZCDC_KEEPER_SERVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/audit/log.h"
#include "core/base/ini.h"
#include "core/crypto/key_ring.h"
#include "core/keeper/budget.h"
#include "core/keeper/protocol.h"
#include "core/keeper/settings.h"
#include "core/keeper/trouble.h"
#include "core/keeper/watch.h"

/* What an answer needs. The keeper owns all of it. */
struct service {
  const struct pipeline_settings *settings;
  const struct ini *ini;
  const struct key_ring *ring;
  struct audit_log *audit;
  struct audit_trouble *trouble; /* with it; NULL: nobody asks */
  struct budget *budget;         /* for it; NULL: there is none */
  int lock;                      /* of the run; -1: none */
  pid_t runner;                  /* for records */
  int socket;                    /* the keeper's end */
  struct watch watch;            /* over the runner's system calls */
  bool heard;                    /* this runner, at least once */
  bool watch_asked;              /* for this runner */
  bool confinement_told;         /* by this runner */
  bool done;                     /* this runner has said so, */
  int32_t exit_code;             /* and that it ends with this */
  struct message message;        /* the request being answered */
};

enum service_state {
  SERVICE_GOES_ON,
  SERVICE_ENDED,   /* the runner has closed its end */
  SERVICE_BROKEN,  /* the runner does not keep to the protocol */
  SERVICE_FLOODED, /* the runner has too many audit records written */
};

/* Answers every request that waits. */
enum service_state serve (struct service *service) __attribute__ ((nonnull));

/* Writes a record of the keeper about the pipeline itself. detail is a JSON
 * object or NULL. */
int service_audit (const struct service *service, const char *action,
                   const char *outcome, const char *detail,
                   struct error *error) __attribute__ ((nonnull (1, 2, 3)));

#endif
