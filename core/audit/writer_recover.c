/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a torn end of an audit log aside. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include <openssl/sha.h>

#include <ezcdc/connector.h>

#include "core/audit/beside.h"
#include "core/audit/writer.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/crypto/digest.h"

static bool
fill_file (int descriptor, const char *data, size_t length)
{
  ssize_t written = write (descriptor, data, length);

  if (written >= 0 && (size_t) written < length)
    errno = ENOSPC;
  return written == (ssize_t) length && fsync (descriptor) == 0;
}

/* Writes bytes to a new file that no other name leads to, all or nothing. */
static int
write_new_file (const struct audit_log *log, const char *path,
                const char *data, size_t length, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (
    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int code = 0;

  if (descriptor < 0 || !fill_file (descriptor, data, length))
    code = error_set (error, EZCDC_E_UNAVAILABLE,
                      "put the torn end of the audit log aside to %s: %m",
                      path);
  else
    code = beside_adopt (log->folder, descriptor, path, error);
  if (code != 0 && descriptor >= 0)
    unlink (path);
  return code;
}

static void
describe_torn (const char *path, const char *torn, size_t length,
               struct text *detail)
{
  unsigned char digest[SHA256_DIGEST_LENGTH];
  char digits[2 * SHA256_DIGEST_LENGTH + 1];
  struct json json = { .text = detail };

  SHA256 ((const unsigned char *) torn, length, digest);
  digest_hex (digest, sizeof digest, digits);
  json_object_begin (&json);
  json_member_text (&json, "file", path);
  json_member_uint64 (&json, "bytes", length);
  json_member_text (&json, "sha256", digits);
  json_object_end (&json);
}

/* Moves what lies behind the last good record to a file of its own. */
static int
put_aside (struct audit_log *log, const char *torn, size_t length,
           struct text *detail, struct error *error)
{
  CLEANUP_TEXT struct text path = { 0 };

  text_printf (&path, "%s.torn-%" PRId64, log->path, clock_realtime ());
  if (path.failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  int code = write_new_file (log, path.data, torn, length, error);
  if (code == 0)
    code = folder_sync (log->folder, error);
  if (code != 0)
    return code;
  if (ftruncate (log->descriptor, log->checked) != 0
      || fsync (log->descriptor) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "cut the torn end off the audit log %s: %m", log->path);
  describe_torn (path.data, torn, length, detail);
  return detail->failed
           ? error_set (error, EZCDC_E_MEMORY, "out of memory for a record")
           : 0;
}

int
writer_recover (struct audit_log *log, const char *torn, size_t length,
                struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  int code = put_aside (log, torn, length, &detail, error);

  if (code == 0 && log->checked == 0)
    code = writer_begin_file (log, error);
  if (code == 0)
    code = writer_append_action (log, "audit.recovered", detail.data, error);
  return code;
}
