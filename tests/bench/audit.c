/* SPDX-License-Identifier: Apache-2.0 */
/* What a record of the audit log costs, and what it cannot cost less than;
 * and what opening a credential costs, which writes one.
 *
 *   audit records FOLDER COUNT   records as the keeper writes them
 *   audit floor FOLDER COUNT     as many lines as long, each a write and an
 *                                fdatasync and nothing else
 *   audit openings FOLDER COUNT  sealed values opened as the keeper does it:
 *                                opened, recorded, laid out to be sent
 *
 * All begin a file of their own in the folder. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/log.h"
#include "core/base/text.h"
#include "core/crypto/envelope.h"
#include "core/crypto/secret.h"
#include "core/crypto/start.h"

/* As long as a record of a credential's opening is. */
#define DETAIL                                                                \
  "{\"section\":\"source\",\"option\":\"password\",\"reason\":\"connect\","   \
  "\"connector\":\"postgres\",\"sealed_under\":\"0fc846a4b4b4a2b3\","         \
  "\"runner\":12345}"
#define LINE_LENGTH 560

static const unsigned char key[KEY_SIZE] = "the key of a measurement, no mor";

static int
fail (const char *what, const struct error *error)
{
  fprintf (stderr, "audit: %s: %s\n", what,
           error != NULL ? error->text : strerror (errno));
  return 1;
}

static const struct audit_record record = {
  .action = "credential.unsealed",
  .resource_id = "shop/source.password",
  .outcome = AUDIT_SUCCESS,
  .detail = DETAIL,
};

static int
open_value (const struct key_ring *ring, const char *sealed,
            struct audit_log *log, struct error *error)
{
  CLEANUP_OPENED struct opened_value value = { 0 };
  int descriptor = -1;

  if (envelope_open (ring, sealed, "shop/source", "password", &value)
      != ENVELOPE_FINE)
    return error_set (error, EZCDC_E_CREDENTIAL, "it does not open");
  int code = audit_log_write (log, &record, error);
  if (code == 0)
    code = secret_send_prepare (value.data, value.length, &descriptor, error);
  if (descriptor >= 0)
    close (descriptor);
  return code;
}

/* Opens values, or writes records only if sealed is NULL. */
static int
repeat (const struct key_ring *ring, const char *sealed, struct audit_log *log,
        long count, struct error *error)
{
  int code = 0;

  while (code == 0 && count-- > 0)
    code = sealed != NULL ? open_value (ring, sealed, log, error)
                          : audit_log_write (log, &record, error);
  return code;
}

static int
write_records (const char *path, bool open_values, long count)
{
  CLEANUP_TEXT struct text sealed = { 0 };
  struct error error = { 0 };
  struct key_ring *ring = key_ring_new (&error);
  struct audit_log *log = NULL;
  int code = ring == NULL ? error.code : key_ring_add (ring, key, &error);

  if (code == 0 && (log = audit_log_open (path, ring, &error)) == NULL)
    code = error.code;
  if (code == 0 && open_values)
    code = envelope_seal (ring, "shop/source", "password", "a password", 10,
                          &sealed, &error);
  if (code == 0)
    code = repeat (ring, sealed.data, log, count, &error);
  audit_log_free (log);
  key_ring_free (ring);
  return code == 0 ? 0 : fail (path, &error);
}

static int
write_lines (const char *path, long count)
{
  char line[LINE_LENGTH];
  int descriptor = open (path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0600);

  if (descriptor < 0)
    return fail (path, NULL);
  memset (line, 'x', sizeof line - 1);
  line[sizeof line - 1] = '\n';
  while (count-- > 0)
    if (write (descriptor, line, sizeof line) != (ssize_t) sizeof line
        || fdatasync (descriptor) != 0)
      return fail (path, NULL);
  close (descriptor);
  return 0;
}

int
main (int argc, char **argv)
{
  char path[4096];

  if (argc != 4)
    return 2;
  crypto_start ();
  snprintf (path, sizeof path, "%s/%s-%ld", argv[2], argv[1],
            (long) getpid ());
  if (strcmp (argv[1], "floor") == 0)
    return write_lines (path, atol (argv[3]));
  return write_records (path, strcmp (argv[1], "openings") == 0,
                        atol (argv[3]));
}
