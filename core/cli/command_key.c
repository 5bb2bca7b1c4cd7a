/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc key: makes keys and tells their ids and use. */

#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "core/base/log.h"
#include "core/base/print.h"
#include "core/cli/command.h"
#include "core/cli/key_use.h"
#include "core/crypto/digest.h"
#include "core/crypto/key_ring.h"
#include "core/crypto/key_source.h"
#include "core/keeper/harden.h"

/* Prints a key. It goes to standard output and nowhere else. */
static int
key_new (void)
{
  unsigned char key[KEY_SIZE];
  char digits[2 * KEY_SIZE + 1];

  do {
    if (RAND_bytes (key, sizeof key) != 1) {
      log_message (LEVEL_ERROR, "make a key: OpenSSL has no random bytes");
      return EXIT_RUN_FAILED;
    }
  } while (key_weakness (key) != NULL);
  digest_hex (key, sizeof key, digits);
  /* No buffer of stdio gets to see the key. */
  setvbuf (stdout, NULL, _IONBF, 0);
  puts (digits);
  explicit_bzero (key, sizeof key);
  explicit_bzero (digits, sizeof digits);
  return EXIT_OK;
}

/* Prints the id of the key that seals. */
static int
key_id (void)
{
  struct error error = { 0 };
  char id[KEY_ID_TEXT_SIZE];

  harden_process ();
  struct key_ring *ring = key_ring_from_environment (&error);
  if (ring == NULL) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return EXIT_USAGE;
  }
  key_id_text (key_ring_id (ring, 0), id);
  puts (id);
  key_ring_free (ring);
  return EXIT_OK;
}

/* The words behind "status"; argv ends with NULL. */
static int
run_status (char **words)
{
  bool json = false;

  for (; *words != NULL && **words == '-'; words++) {
    if (strcmp (*words, "--") == 0) {
      words++;
      break;
    }
    if (strcmp (*words, "--json") != 0)
      return command_usage_error (&command_key, "unknown option %s", *words);
    json = true;
  }
  if (*words == NULL)
    return command_usage_error (&command_key, "which files?");
  return key_status (words, json);
}

static int
run (int argc, char **argv)
{
  if (argc < 2)
    return command_usage_error (&command_key, "new, id, status or retire?");
  if (strcmp (argv[1], "status") == 0)
    return run_status (argv + 2);
  if (strcmp (argv[1], "retire") == 0)
    return argc > 3 ? key_retire (argv[2], argv + 3)
                    : command_usage_error (&command_key,
                                           "which key, and which files?");
  if (argc > 2)
    return command_usage_error (&command_key, "\"%s\" is one word too many",
                                print_given (argv[2]));
  if (strcmp (argv[1], "new") == 0)
    return key_new ();
  if (strcmp (argv[1], "id") == 0)
    return key_id ();
  return command_usage_error (
    &command_key, "\"%s\" is unknown; new, id, status and retire are known",
    print_given (argv[1]));
}

const struct command command_key = {
  .name = "key",
  .summary = "make an encryption key, or show which keys are in use",
  .usage =
    "Usage: ezcdc key new\n"
    "       ezcdc key id\n"
    "       ezcdc key status [--json] FILE...\n"
    "       ezcdc key retire ID FILE...\n"
    "\n"
    "new prints a new key as 64 hexadecimal digits. Whoever has it can open\n"
    "every value that is sealed under it, so keep it out of the folder with\n"
    "the configuration, for example:\n"
    "\n"
    "  (umask 077; ezcdc key new > /etc/ezcdc/key)\n"
    "\n"
    "id prints the id of the key that is in use; an id is not secret.\n"
    "\n"
    "status says of each sealed value of each FILE under which key it is, and\n"
    "of each key that is given how many values need it. It opens none. It\n"
    "ends with 3 if a value is under a key that is not given. With --json it\n"
    "prints one object.\n"
    "\n"
    "retire says whether the old key with that ID may be removed: only if no\n"
    "value of any FILE is under it. It ends with 3 otherwise, and names the\n"
    "values. If it may, that is an audit record of each pipeline. It removes\n"
    "no key itself; name every FILE that the key was used for.\n"
    "\n"
    "The key is read from CONFIG_ENCRYPTION_KEY (64 hexadecimal digits), from\n"
    "the file that CONFIG_ENCRYPTION_KEY_FILE names, from the program that\n"
    "CONFIG_ENCRYPTION_KEY_COMMAND starts, or from the systemd credential\n"
    "config-encryption-key. Older keys, which only open, are read from\n"
    "CONFIG_ENCRYPTION_KEYS_OLD (between commas), ..._OLD_FILE,\n"
    "..._OLD_COMMAND, or config-encryption-keys-old.\n",
  .run = run,
};
