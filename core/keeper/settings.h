/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper, and commands that need no connector, have to know of a
 * pipeline: its name and where its files lie. The whole of the configuration
 * is checked by the runner, which has the connectors' option tables. */

#ifndef EZCDC_KEEPER_SETTINGS_H
#define EZCDC_KEEPER_SETTINGS_H

#include "core/audit/log.h"
#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/crypto/key_ring.h"

#define PIPELINE_NAME_MAX 40
#define PIPELINE_STATE_DIR "/var/lib/ezcdc" /* where nothing else is said */

/* Begins as { 0 }; owns its strings, pipeline_settings_free frees them. */
struct pipeline_settings {
  char *name;         /* [a-z0-9_]{1,40} */
  char *state_dir;    /* absolute */
  char *folder;       /* state_dir/NAME */
  char *audit_log;    /* absolute path */
  char *audit_syslog; /* absolute path of a socket; NULL: no copies */
};

/* Reads [pipeline] name, state_dir and audit_.... EZCDC_E_CONFIG with file,
 * line and key if one is missing or wrong. Relative paths start from the
 * current folder. */
int pipeline_settings_read (const struct ini *ini,
                            struct pipeline_settings *ret_settings,
                            struct error *error)
  __attribute__ ((nonnull (1, 2)));
void pipeline_settings_free (struct pipeline_settings *settings)
  __attribute__ ((nonnull));

/* Makes the pipeline's folder and the audit log's, mode 0700, where they are
 * missing. What root makes belongs to the owner of the folder above, so that
 * root can seal and check for a service. */
int pipeline_folders_make (const struct pipeline_settings *settings,
                           struct error *error) __attribute__ ((nonnull (1)));

/* Opens the audit log, with copies if they are wanted. */
struct audit_log *pipeline_audit_enter (
  const struct pipeline_settings *settings, const struct key_ring *ring,
  struct error *error) __attribute__ ((nonnull (1, 2)));

/* Makes the folders and opens the audit log, for others than a run. The log
 * goes over to the primary key, or, as long as a run lives, which may know an
 * older one only, is made ready for that. NULL on failure. */
struct audit_log *pipeline_audit_open (
  const struct pipeline_settings *settings, const struct key_ring *ring,
  struct error *error) __attribute__ ((nonnull (1, 2)));

#endif
