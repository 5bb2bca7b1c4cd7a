/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys the sealed values of configuration files need. */

#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/print.h"
#include "core/cli/command.h"
#include "core/cli/key_use.h"
#include "core/cli/seal_file.h"
#include "core/crypto/envelope.h"
#include "core/crypto/key_source.h"
#include "core/keeper/credentials.h"
#include "core/keeper/harden.h"

int
key_use_count (const struct ini *ini, const struct key_ring *ring,
               key_use_visit *visit, void *context, struct key_use *use,
               struct error *error)
{
  for (const struct ini_section *section = ini_sections (ini); section != NULL;
       section = section->next)
    for (const struct ini_key *key = section->keys; key != NULL;
         key = key->next) {
      unsigned char id[KEY_ID_SIZE];
      if (!envelope_is_sealed (key->value))
        continue;
      enum envelope_fault fault = envelope_key_id (key->value, id);
      if (fault != ENVELOPE_FINE)
        return credential_error (error, ini, section, key, ring, fault);
      int index = key_ring_find (ring, id);
      *(index < 0 ? &use->under_missing : &use->under[index]) += 1;
      visit (context, ini, section, key, id, index);
    }
  return 0;
}

/* Each file, also behind one that is not in order; the first error decides
 * the exit code. */
static int
count_files (char **paths, const struct key_ring *ring, key_use_visit *visit,
             void *context, struct key_use *use)
{
  int exit_code = EXIT_OK;

  for (; *paths != NULL; paths++) {
    CLEANUP_INI struct ini *ini = NULL;
    struct error error = { 0 };
    int code = ini_load (*paths, &ini, &error);
    if (code == 0)
      code = key_use_count (ini, ring, visit, context, use, &error);
    if (code == 0)
      continue;
    log_message (LEVEL_ERROR, "%s", error.text);
    if (exit_code == EXIT_OK)
      exit_code = seal_exit_code (&error);
  }
  return exit_code;
}

static struct key_ring *
load_ring (void)
{
  struct error error = { 0 };

  harden_process ();
  struct key_ring *ring = key_ring_from_environment (&error);
  if (ring == NULL)
    log_message (LEVEL_ERROR, "%s", error.text);
  return ring;
}

static void
print_value (const struct ini *ini, const struct ini_section *section,
             const struct ini_key *key, const unsigned char id[KEY_ID_SIZE],
             const char *remark)
{
  char text[KEY_ID_TEXT_SIZE];

  key_id_text (id, text);
  print_line ("%s:%u: %s.%s: sealed under key %s%s", ini_path (ini), key->line,
              section->name, key->name, text, remark);
}

/* ---- status ------------------------------------------------------------- */

/* What a key of the ring is for; NULL if it is not there. */
static const char *
use_of (int index)
{
  return index == 0 ? "primary" : index > 0 ? "old" : NULL;
}

static void
show_value (void *context, const struct ini *ini,
            const struct ini_section *section, const struct ini_key *key,
            const unsigned char id[KEY_ID_SIZE], int index)
{
  (void) context;
  print_value (ini, section, key, id,
               index == 0  ? " (primary)"
               : index > 0 ? " (old)"
                           : " (not in the ring)");
}

static void
show_keys (const struct key_ring *ring, const struct key_use *use)
{
  char id[KEY_ID_TEXT_SIZE];

  for (size_t i = 0; i < key_ring_count (ring); i++) {
    key_id_text (key_ring_id (ring, i), id);
    print_line ("key %s (%s): %zu sealed values", id, use_of ((int) i),
                use->under[i]);
  }
  if (use->under_missing > 0)
    print_line ("keys that are not in the ring: %zu sealed values",
                use->under_missing);
}

static int
status_code (const struct key_use *use, int exit_code)
{
  return exit_code == EXIT_OK && use->under_missing > 0 ? EXIT_FOUND
                                                        : exit_code;
}

static int
status_as_text (char **paths, const struct key_ring *ring)
{
  struct key_use use = { 0 };
  int exit_code = count_files (paths, ring, show_value, NULL, &use);

  show_keys (ring, &use);
  return status_code (&use, exit_code);
}

static void
describe_value (void *context, const struct ini *ini,
                const struct ini_section *section, const struct ini_key *key,
                const unsigned char id[KEY_ID_SIZE], int index)
{
  struct json *json = context;
  char text[KEY_ID_TEXT_SIZE];

  key_id_text (id, text);
  json_object_begin (json);
  json_member_text (json, "file", ini_path (ini));
  json_member_uint64 (json, "line", key->line);
  json_member_text (json, "section", section->name);
  json_member_text (json, "option", key->name);
  json_member_text (json, "key", text);
  json_member_text (json, "use", use_of (index));
  json_object_end (json);
}

static void
describe_keys (const struct key_ring *ring, const struct key_use *use,
               struct json *json)
{
  char id[KEY_ID_TEXT_SIZE];

  json_array_begin (json);
  for (size_t i = 0; i < key_ring_count (ring); i++) {
    key_id_text (key_ring_id (ring, i), id);
    json_object_begin (json);
    json_member_text (json, "id", id);
    json_member_text (json, "use", use_of ((int) i));
    json_member_uint64 (json, "values", use->under[i]);
    json_object_end (json);
  }
  json_array_end (json);
}

static int
status_as_json (char **paths, const struct key_ring *ring)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  struct key_use use = { 0 };

  json_object_begin (&json);
  json_key (&json, "values");
  json_array_begin (&json);
  int exit_code = count_files (paths, ring, describe_value, &json, &use);
  json_array_end (&json);
  json_key (&json, "keys");
  describe_keys (ring, &use, &json);
  json_member_uint64 (&json, "missing", use.under_missing);
  exit_code = status_code (&use, exit_code);
  json_member_bool (&json, "ok", exit_code == EXIT_OK);
  json_object_end (&json);
  if (text.failed) {
    log_message (LEVEL_ERROR, "describe keys: out of memory");
    return EXIT_RUN_FAILED;
  }
  puts (text.data);
  return exit_code;
}

int
key_status (char **paths, bool json)
{
  struct key_ring *ring = load_ring ();

  if (ring == NULL)
    return EXIT_USAGE;
  int exit_code = json ? status_as_json (paths, ring)
                       : status_as_text (paths, ring);
  key_ring_free (ring);
  return exit_code;
}

/* ---- retire ------------------------------------------------------------- */

struct retirement {
  int index;      /* of the key that is to go */
  const char *id; /* its id, as it was given */
  char **paths;
  const struct key_ring *ring;
};

static void
show_obstacle (void *context, const struct ini *ini,
               const struct ini_section *section, const struct ini_key *key,
               const unsigned char id[KEY_ID_SIZE], int index)
{
  const struct retirement *retirement = context;

  if (index == retirement->index)
    print_value (ini, section, key, id, "");
}

/* The index of the key, or -1 if no key of the ring has that id. */
static int
find_id (const struct key_ring *ring, const char *id)
{
  char text[KEY_ID_TEXT_SIZE];

  for (size_t i = 0; i < key_ring_count (ring); i++) {
    key_id_text (key_ring_id (ring, i), text);
    if (strcmp (text, id) == 0)
      return (int) i;
  }
  return -1;
}

static int
audit_file (const struct pipeline_settings *settings, const char *action,
            const char *path, const struct retirement *retirement,
            struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct audit_record record = { .action = action,
                                 .outcome = AUDIT_SUCCESS,
                                 .resource_id = settings->name };

  json_object_begin (&json);
  json_member_text (&json, "key", retirement->id);
  json_member_text (&json, "file", path);
  json_object_end (&json);
  if (detail.failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "out of memory for an audit record");
  record.detail = detail.data;
  struct audit_log *log = pipeline_audit_open (settings, retirement->ring,
                                               error);
  if (log == NULL)
    return error->code;
  int code = audit_log_write (log, &record, error);
  audit_log_free (log);
  return code;
}

/* In the log of each pipeline. Opening a log makes it ready for the primary
 * key as well, so that it can go on without the former one. */
static int
write_records (const struct retirement *retirement, struct error *error)
{
  int code = 0;

  for (char **path = retirement->paths; *path != NULL && code == 0; path++) {
    CLEANUP_INI struct ini *ini = NULL;
    struct pipeline_settings settings = { 0 };
    code = ini_load (*path, &ini, error);
    if (code == 0)
      code = pipeline_settings_read (ini, &settings, error);
    if (code == 0)
      code = audit_file (&settings, "key.retired", *path, retirement, error);
    pipeline_settings_free (&settings);
  }
  return code;
}

static int
retire (struct retirement *retirement)
{
  struct key_use use = { 0 };
  struct error error = { 0 };

  if (retirement->index < 0) {
    log_message (LEVEL_ERROR,
                 "key %s is not in the ring; \"ezcdc key status\" lists the "
                 "keys that are",
                 print_given (retirement->id));
    return EXIT_USAGE;
  }
  if (retirement->index == 0) {
    log_message (LEVEL_ERROR,
                 "key %s is the primary key, which seals; make another key "
                 "primary first",
                 retirement->id);
    return EXIT_FOUND;
  }
  int exit_code = count_files (retirement->paths, retirement->ring,
                               show_obstacle, retirement, &use);
  size_t remaining = use.under[retirement->index];
  if (remaining > 0)
    log_message (LEVEL_ERROR,
                 "key %s has to stay: %zu sealed values are under it; "
                 "\"ezcdc reseal\" seals them anew",
                 retirement->id, remaining);
  if (exit_code != EXIT_OK || remaining > 0)
    return exit_code != EXIT_OK ? exit_code : EXIT_FOUND;
  if (write_records (retirement, &error) != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return seal_exit_code (&error);
  }
  print_line (
    "key %s: no sealed value of these files is under it; it may be "
    "removed. Copies of the files, such as backups, may need it still.",
    retirement->id);
  return EXIT_OK;
}

int
key_retire (const char *id, char **paths)
{
  struct key_ring *ring = load_ring ();

  if (ring == NULL)
    return EXIT_USAGE;
  struct retirement retirement = {
    .index = find_id (ring, id), .id = id, .paths = paths, .ring = ring
  };
  int exit_code = retire (&retirement);
  key_ring_free (ring);
  return exit_code;
}
