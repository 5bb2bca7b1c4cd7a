/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a pipeline together: configuration, connectors, instances, and the
 * services behind the host's functions.
 */
#ifndef EZCDC_RUNNER_ASSEMBLY_H
#define EZCDC_RUNNER_ASSEMBLY_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/error.h"
#include "core/keeper/link.h"
#include "core/pipeline/pipeline.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/policy.h"
#include "core/runner/config.h"
#include "core/tls/certificate.h"
#include "core/runner/confine.h"

/* A connection that TLS was negotiated for (or not), for status. */
#define ASSEMBLY_CONNECTIONS 256

struct assembly_connection {
  char section[8];
  char peer[128];
  char version[16]; /* "" : in the clear */
  char cipher[64];
  struct certificate certificate; /* of the peer; no fingerprint: none */
  int64_t expiry_days;            /* ssl_expiry_days of its section */
  bool expiry_told;               /* it was warned of */
};

/* One side of the pipeline. */
struct side {
  const char *section; /* "source" or "sink" */
  struct ezcdc_instance *instance;
  char waiting[512]; /* what it waits for, under assembly.lock; "": nothing */
};

struct assembly {
  struct config config;
  struct confinement confinement;
  struct keeper_link *link; /* lent */
  struct connector_policy policy;
  struct loader *loader;
  struct instance_services services;
  struct side source;
  struct side sink;
  struct pipeline_settings settings;
  struct pipeline *pipeline; /* lent by assembly_pipeline's caller, or NULL */
  /* check: what host->report does; NULL: a line of the log. */
  void (*report) (const char *section, uint32_t outcome, const char *subject,
                  const char *finding, const char *remedy);

  pthread_mutex_t lock; /* guards what follows */
  struct assembly_connection connections[ASSEMBLY_CONNECTIONS];
  size_t connection_count;
};

/* Reads the file, loads both connectors and checks their sections; no
 * connection is made. assembly is filled in place, since the services point
 * at it; assembly_free also after a failure. */
int assembly_make (struct assembly *assembly, const char *path,
                   struct keeper_link *link, struct error *error);
void assembly_free (struct assembly *assembly);

/* Calls open of both connectors (which make no connection either). */
int assembly_open (struct assembly *assembly, struct error *error);

/* Points a pipeline and the assembly at each other; settings.until_caught_up,
 * state and so on are the caller's. */
void assembly_pipeline (struct assembly *assembly, struct pipeline *pipeline);

/* SIGHUP: reads certificates and keys again. */
void assembly_reload (struct assembly *assembly);

#endif
