/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc audit checkpoint, public-key, setup-keys. */

#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <ezcdc/connector.h>

#include "core/audit/checkpoint.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/cli/audit_words.h"
#include "core/cli/command.h"
#include "core/crypto/digest.h"
#include "core/crypto/key_source.h"
#include "core/crypto/secret.h"
#include "core/keeper/harden.h"
#include "core/keeper/run_lock.h"
#include "core/keeper/settings.h"

static int
tell (const struct error *error)
{
  log_message (LEVEL_ERROR, "%s", error->text);
  return error->code == EZCDC_E_CONFIG ? EXIT_USAGE : EXIT_RUN_FAILED;
}

/* ---- checkpoint and public-key ----------------------------------------- */

static int
print_checkpoint (const char *path, const struct key_ring *ring,
                  struct error *error)
{
  CLEANUP_TEXT struct text line = { 0 };

  /* A log that is not there is not begun by looking at it. */
  if (access (path, F_OK) != 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  struct audit_log *log = audit_log_open (path, ring, error);
  int code = log == NULL ? error->code
                         : audit_log_checkpoint (log, &line, error);
  audit_log_free (log);
  if (code == 0)
    fputs (text_string (&line), stdout);
  return code;
}

int
audit_checkpoint_word (int argc, char **argv)
{
  struct error error = { 0 };

  if (argc != 2 || argv[1][0] == '-')
    return command_usage_error (&command_audit, "checkpoint of which log?");
  struct key_ring *ring = key_ring_from_environment (&error);
  int code = ring == NULL ? error.code
                          : print_checkpoint (argv[1], ring, &error);
  key_ring_free (ring);
  return code == 0 ? EXIT_OK : tell (&error);
}

int
audit_public_key_word (int argc, char **argv)
{
  struct error error = { 0 };
  char digits[PUBLIC_KEY_TEXT_SIZE];

  if (argc != 1)
    return command_usage_error (&command_audit, "\"%s\" is one word too many",
                                argv[1]);
  struct key_ring *ring = key_ring_from_environment (&error);
  int code = ring == NULL ? error.code
                          : audit_public_key (ring, 0, digits, &error);
  key_ring_free (ring);
  if (code != 0)
    return tell (&error);
  puts (digits);
  return EXIT_OK;
}

/* ---- setup-keys -------------------------------------------------------- */

/* Prints the key as "ezcdc key new" does, before anything depends on it. */
static int
print_key (const unsigned char *key, struct error *error)
{
  char digits[2 * KEY_SIZE + 1];

  digest_hex (key, KEY_SIZE, digits);
  setvbuf (stdout, NULL, _IONBF, 0);
  bool printed = puts (digits) >= 0;
  OPENSSL_cleanse (digits, sizeof digits);
  return printed ? 0
                 : error_set (error, EZCDC_E_UNAVAILABLE,
                              "print the verification key: %m");
}

static int
make_key (struct key_ring *verification, struct error *error)
{
  CLEANUP_SECRET struct secret key = { 0 };
  int code = secret_create (&key, KEY_SIZE, error);

  if (code != 0)
    return code;
  do {
    if (RAND_bytes (key.data, KEY_SIZE) != 1)
      return error_set (error, EZCDC_E_MEMORY,
                        "make a key: OpenSSL has no random bytes");
  } while (key_weakness (key.data) != NULL);
  code = key_ring_add (verification, key.data, error);
  return code == 0 ? print_key (key.data, error) : code;
}

static int
give_key (struct audit_log *log, struct error *error)
{
  struct key_ring *verification = key_ring_new (error);
  int code = verification == NULL ? error->code
                                  : make_key (verification, error);

  if (code == 0) {
    code = audit_log_give_key (log, verification, error);
    if (code != 0)
      error_prefix (error, "the key is void");
  }
  key_ring_free (verification);
  return code;
}

/* With the lock of a run, so that none begins under the former key. The log
 * first: it asks whether there is a run. */
static int
open_and_give_key (const struct pipeline_settings *settings,
                   const struct key_ring *ring, struct error *error)
{
  CLEANUP_CLOSE int lock = -1;
  struct audit_log *log = pipeline_audit_open (settings, ring, error);
  int code = log == NULL ? error->code : 0;

  if (code == 0 && audit_log_has_given_key (log))
    code = error_set (error, EZCDC_E_CONFIG,
                      "the audit log %s has a verification key already; for "
                      "another one move the log and its .state away, so that "
                      "a new log begins",
                      settings->audit_log);
  if (code == 0
      && (code = run_lock_take (settings->folder, &lock, error)) != 0)
    error_prefix (error, "stop the pipeline %s", settings->name);
  if (code == 0)
    code = give_key (log, error);
  audit_log_free (log);
  return code;
}

static int
setup_keys (const char *path, const struct key_ring *ring, struct error *error)
{
  struct pipeline_settings settings = { 0 };
  struct ini *ini = NULL;
  int code = ini_load (path, &ini, error);

  if (code == 0)
    code = pipeline_settings_read (ini, &settings, error);
  if (code == 0)
    code = open_and_give_key (&settings, ring, error);
  pipeline_settings_free (&settings);
  ini_free (ini);
  return code;
}

int
audit_setup_keys_word (int argc, char **argv)
{
  struct error error = { 0 };

  if (argc != 2 || argv[1][0] == '-')
    return command_usage_error (&command_audit,
                                "setup-keys for which configuration?");
  harden_process ();
  struct key_ring *ring = key_ring_from_environment (&error);
  int code = ring == NULL ? error.code : setup_keys (argv[1], ring, &error);
  key_ring_free (ring);
  return code == 0 ? EXIT_OK : tell (&error);
}
