/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc reseal: encrypts sealed values anew after a change of keys. */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/log.h"
#include "core/base/print.h"
#include "core/cli/command.h"
#include "core/cli/seal_file.h"
#include "core/crypto/envelope.h"
#include "core/crypto/key_source.h"
#include "core/keeper/credentials.h"
#include "core/keeper/harden.h"

struct tally {
  size_t sealed; /* values in the file */
  size_t stale;  /* of them, under another key than the primary */
};

/* Whether a value is under the primary key already. */
static bool
is_fresh (const struct key_ring *ring, const char *value)
{
  unsigned char id[KEY_ID_SIZE];

  return envelope_key_id (value, id) == ENVELOPE_FINE
         && memcmp (id, key_ring_id (ring, 0), sizeof id) == 0;
}

/* Opens a value, and seals it anew if it is stale. One that is fresh is
 * opened too: a file with a value that does not open is not in order. */
static int
reseal_key (struct seal_file *file, const struct ini_section *section,
            const struct ini_key *key, struct tally *tally,
            struct error *error)
{
  CLEANUP_OPENED struct opened_value value = { 0 };
  enum envelope_fault fault = credential_open (file->ring, file->settings.name,
                                               section, key, &value);

  if (fault != ENVELOPE_FINE)
    return credential_error (error, file->edit.ini, section, key, file->ring,
                             fault);
  tally->sealed++;
  if (is_fresh (file->ring, key->value))
    return 0;
  tally->stale++;
  return seal_file_set (file, section, key->name, value.data, value.length,
                        error);
}

static int
reseal_keys (struct seal_file *file, struct tally *tally, struct error *error)
{
  int code = 0;

  for (const struct ini_section *section = ini_sections (file->edit.ini);
       section != NULL; section = section->next) {
    if (!section_has_credentials (section))
      continue;
    for (const struct ini_key *key = section->keys; key != NULL && code == 0;
         key = key->next)
      if (envelope_is_sealed (key->value))
        code = reseal_key (file, section, key, tally, error);
  }
  return code;
}

static int
reseal_file (const char *path, const struct key_ring *ring, bool dry_run)
{
  struct seal_file file = SEAL_FILE_EMPTY;
  struct tally tally = { 0 };
  struct error error = { 0 };
  char id[KEY_ID_TEXT_SIZE];
  int code = seal_file_open (path, ring, &file, &error);

  if (code == 0 && !dry_run)
    ini_edit_sweep (&file.edit);
  if (code == 0)
    code = reseal_keys (&file, &tally, &error);
  if (code == 0 && tally.stale > 0 && !dry_run)
    code = seal_file_commit (&file, "credential.resealed", &error);
  seal_file_close (&file);
  if (code != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return seal_exit_code (&error);
  }
  key_id_text (key_ring_id (ring, 0), id);
  print_line ("%s: %zu of %zu sealed values %s under key %s", path,
              tally.stale, tally.sealed,
              dry_run ? "would be resealed" : "resealed", id);
  return EXIT_OK;
}

static int
run (int argc, char **argv)
{
  struct error error = { 0 };
  bool dry_run = false;
  int first = 1;
  int exit_code = EXIT_OK;

  for (; first < argc && argv[first][0] == '-'; first++) {
    if (strcmp (argv[first], "--") == 0) {
      first++;
      break;
    }
    if (strcmp (argv[first], "--dry-run") != 0)
      return command_usage_error (&command_reseal, "unknown option %s",
                                  argv[first]);
    dry_run = true;
  }
  if (first >= argc)
    return command_usage_error (&command_reseal, "which files?");
  harden_process ();
  struct key_ring *ring = key_ring_from_environment (&error);
  if (ring == NULL) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return seal_exit_code (&error);
  }
  /* One file that is not in order does not keep the others from it. */
  for (int i = first; i < argc; i++) {
    int code = reseal_file (argv[i], ring, dry_run);
    if (exit_code == EXIT_OK)
      exit_code = code;
  }
  key_ring_free (ring);
  return exit_code;
}

const struct command command_reseal = {
  .name = "reseal",
  .summary = "encrypt sealed values anew, after a change of keys",
  .usage =
    "Usage: ezcdc reseal [--dry-run] FILE...\n"
    "\n"
    "Opens every sealed value of each FILE and seals those that are under an\n"
    "older key anew, under the primary one. Each file is replaced at once or\n"
    "stays as it is, so this can be repeated at any time. Each value is an\n"
    "audit record of its pipeline.\n"
    "\n"
    "  --dry-run  only say how many values are under an older key\n"
    "\n"
    "To change the key of pipelines without stopping them:\n"
    "\n"
    "  1. give the new key to every process as an old one\n"
    "     (CONFIG_ENCRYPTION_KEYS_OLD_FILE), and send SIGHUP\n"
    "  2. exchange the two keys everywhere, and send SIGHUP\n"
    "  3. ezcdc reseal every file, and send SIGHUP\n"
    "  4. ezcdc key retire its id, with every file; if it ends with 0, remove\n"
    "     the former key, and send SIGHUP\n"
    "\n"
    "A process that got its key in its environment has to be restarted\n"
    "instead, with both keys.\n",
  .run = run,
};
