/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's name and where its files lie. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/names.h"
#include "core/base/pem_mark.h"
#include "core/base/text.h"
#include "core/keeper/run_lock.h"
#include "core/keeper/settings.h"

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

/* Perhaps there is one with nearly its name. */
static int
fail_without_pipeline (const struct ini *ini, struct error *error)
{
  static const char *const wanted[] = { "pipeline" };

  for (const struct ini_section *section = ini_sections (ini); section != NULL;
       section = section->next)
    if (nearest_name (section->kind, wanted, 1) != NULL)
      return ini_error (error, ini, section->name, NULL, section->line,
                        "unknown section, did you mean [pipeline]?");
  return ini_error (error, ini, NULL, NULL, 0,
                    "there is no section [pipeline]");
}

static int
read_name (const struct ini *ini, char **ret_name, struct error *error)
{
  const struct ini_section *section = ini_section (ini, "pipeline");

  if (section == NULL)
    return fail_without_pipeline (ini, error);
  const struct ini_key *key = ini_key (section, "name");
  if (key == NULL)
    return ini_error (error, ini, "pipeline", "name", section->line,
                      "is missing: letters a-z, digits and _, at most %d",
                      PIPELINE_NAME_MAX);
  size_t length = strlen (key->value);
  if (length == 0 || length > PIPELINE_NAME_MAX
      || strspn (key->value, name_letters) != length)
    return ini_error (error, ini, "pipeline", "name", key->line,
                      "a pipeline's name has 1 to %d letters a-z, digits and "
                      "_",
                      PIPELINE_NAME_MAX);
  *ret_name = strdup (key->value);
  return 0;
}

static char *
absolute_path (const char *path)
{
  CLEANUP_FREE char *current = NULL;
  struct text text = { 0 };

  if (path[0] == '/')
    return strdup (path);
  current = get_current_dir_name ();
  if (current == NULL)
    return NULL;
  text_printf (&text, "%s/%s", current, path);
  return text_take (&text);
}

/* A path, or NULL if the key is not there. */
static int
read_path (const struct ini *ini, const char *name, char **ret_path,
           struct error *error)
{
  const struct ini_key *key = ini_get (ini, "pipeline", name);

  if (key == NULL)
    return 0;
  if (key->value[0] == '\0')
    return ini_error (error, ini, "pipeline", name, key->line,
                      "is empty: a path is needed");
  if (strstr (key->value, PEM_BEGIN) != NULL)
    return ini_error (error, ini, "pipeline", name, key->line,
                      "has a PEM text, where a path is needed");
  *ret_path = absolute_path (key->value);
  if (*ret_path == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  return 0;
}

static int
fill_settings (const struct ini *ini, struct pipeline_settings *settings,
               struct error *error)
{
  struct text folder = { 0 };
  struct text audit_log = { 0 };
  int code = read_name (ini, &settings->name, error);

  if (code == 0)
    code = read_path (ini, "state_dir", &settings->state_dir, error);
  if (code == 0)
    code = read_path (ini, "audit_log", &settings->audit_log, error);
  if (code == 0)
    code = read_path (ini, "audit_syslog", &settings->audit_syslog, error);
  if (code != 0)
    return code;
  if (settings->state_dir == NULL)
    settings->state_dir = strdup (PIPELINE_STATE_DIR);
  if (settings->state_dir != NULL && settings->name != NULL)
    text_printf (&folder, "%s/%s", settings->state_dir, settings->name);
  settings->folder = text_take (&folder);
  if (settings->audit_log == NULL && settings->folder != NULL) {
    text_printf (&audit_log, "%s/audit.jsonl", settings->folder);
    settings->audit_log = text_take (&audit_log);
  }
  if (settings->name == NULL || settings->folder == NULL
      || settings->audit_log == NULL)
    return error_set (error, EZCDC_E_MEMORY,
                      "out of memory for the configuration");
  return 0;
}

int
pipeline_settings_read (const struct ini *ini,
                        struct pipeline_settings *ret_settings,
                        struct error *error)
{
  struct pipeline_settings settings = { 0 };
  int code = fill_settings (ini, &settings, error);

  if (code == 0)
    *ret_settings = settings;
  else
    pipeline_settings_free (&settings);
  return code;
}

void
pipeline_settings_free (struct pipeline_settings *settings)
{
  free (settings->name);
  free (settings->state_dir);
  free (settings->folder);
  free (settings->audit_log);
  free (settings->audit_syslog);
  *settings = (struct pipeline_settings){ 0 };
}

/* ---- Folders ----------------------------------------------------------- */

static char *
folder_above (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash == path ? strdup ("/")
                       : strndup (path, (size_t) (slash - path));
}

/* Gives a folder that root has just made to the owner of the one above. */
static int
adopt_owner (const char *path, const char *above, struct error *error)
{
  struct stat status;
  CLEANUP_CLOSE int folder = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                                           | O_CLOEXEC);

  if (folder < 0 || stat (above, &status) != 0
      || fchown (folder, status.st_uid, status.st_gid) != 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "give the folder %s to the owner of %s: %m", path,
                      above);
  return 0;
}

static int
make_folder (const char *path, struct error *error)
{
  CLEANUP_FREE char *above = folder_above (path);
  struct stat status;

  if (above == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  if (stat (path, &status) == 0 && S_ISDIR (status.st_mode))
    return 0;
  int code = folder_make (above, error);
  if (code != 0)
    return code;
  if (mkdir (path, 0700) != 0)
    return errno == EEXIST ? 0
                           : error_set (error, EZCDC_E_CONFIG,
                                        "make the folder %s: %m", path);
  return geteuid () == 0 ? adopt_owner (path, above, error) : 0;
}

int
pipeline_folders_make (const struct pipeline_settings *settings,
                       struct error *error)
{
  CLEANUP_FREE char *log_folder = folder_above (settings->audit_log);
  int code = make_folder (settings->folder, error);

  if (code != 0)
    return error_prefix (error, "pipeline.state_dir");
  if (log_folder == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  code = make_folder (log_folder, error);
  return code == 0 ? 0 : error_prefix (error, "pipeline.audit_log");
}

static bool
run_lives (const struct pipeline_settings *settings)
{
  bool alive;
  pid_t holder;

  return run_lock_probe (settings->folder, &alive, &holder, NULL) != 0
         || alive;
}

struct audit_log *
pipeline_audit_enter (const struct pipeline_settings *settings,
                      const struct key_ring *ring, struct error *error)
{
  return audit_log_open_copied (settings->audit_log, settings->audit_syslog,
                                ring, error);
}

struct audit_log *
pipeline_audit_open (const struct pipeline_settings *settings,
                     const struct key_ring *ring, struct error *error)
{
  if (pipeline_folders_make (settings, error) != 0)
    return NULL;
  struct audit_log *log = pipeline_audit_enter (settings, ring, error);
  if (log == NULL)
    return NULL;
  int code = run_lives (settings) ? audit_log_bridge (log, ring, error)
                                  : audit_log_rekey (log, ring, error);
  if (code == 0)
    return log;
  audit_log_free (log);
  return NULL;
}
