/* SPDX-License-Identifier: Apache-2.0 */
/* Vetting of a connector's file: who may change it, and its digest. What is
 * in it is vet_elf.c's business.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/rights.h"
#include "core/plugin/sealed_copy.h"
#include "core/plugin/vet.h"

#define DIGEST_BYTES 32
_Static_assert(2 * DIGEST_BYTES + 1 == sizeof ((struct vetted *) 0)->sha256,
               "two hexadecimal digits a byte, and a NUL");

/* The owner of this program's file can change it, so his files are as good;
 * the present user if it is not known. */
static uid_t
program_owner (void)
{
  struct stat status;

  return stat ("/proc/self/exe", &status) == 0 ? status.st_uid : geteuid ();
}

/* Splits path into the folder, resolved, and the name in it. Result is the
 * path to open: absolute, and only its last part may be a link. */
static char *
resolve_folder (const char *path, struct error *error)
{
  CLEANUP_FREE char *folder = strdup (path);
  CLEANUP_FREE char *resolved = NULL;
  const char *name;
  char *whole;

  if (folder == NULL)
    goto no_memory;
  char *slash = strrchr (folder, '/');
  if (slash == NULL) {
    name = path;
    resolved = realpath (".", NULL);
  }
  else {
    name = path + (slash - folder) + 1;
    slash[1] = '\0';
    resolved = realpath (folder, NULL);
  }
  if (resolved == NULL) {
    error_set (error, EZCDC_E_CONFIG, "open connector %s: %m", path);
    return NULL;
  }
  if (name[0] == '\0' || strcmp (name, ".") == 0 || strcmp (name, "..") == 0) {
    error_set (error, EZCDC_E_CONFIG,
               "%s is a folder; a connector is a regular file", path);
    return NULL;
  }
  if (asprintf (&whole, "%s/%s", strcmp (resolved, "/") == 0 ? "" : resolved,
                name)
      < 0)
    goto no_memory;
  return whole;

no_memory:
  error_set (error, EZCDC_E_MEMORY, "open connector %s: out of memory", path);
  return NULL;
}

static int
check_file (int descriptor, const char *path, uid_t trusted,
            struct stat *ret_status, struct error *error)
{
  struct stat status;

  if (fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_CONFIG, "look at connector %s: %m", path);
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG,
                      "refuse connector %s: it is no regular file", path);
  if (rights_check (&status, path, trusted, error) != 0)
    return error_prefix (error, "refuse connector");
  *ret_status = status;
  return 0;
}

static int
open_file (const char *path, struct error *error)
{
  /* O_NONBLOCK: a named pipe must not hold us up before it is refused. */
  int descriptor = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
                                 | O_NOCTTY);

  if (descriptor >= 0)
    return descriptor;
  if (errno == ELOOP)
    return error_set (error, EZCDC_E_CONFIG,
                      "refuse connector %s: it is a symbolic link; name the "
                      "file itself",
                      path);
  return error_set (error, EZCDC_E_CONFIG, "open connector %s: %m", path);
}

static int
digest_file (int descriptor, EVP_MD_CTX *context, unsigned char *ret_digest,
             const char *path, struct error *error)
{
  unsigned char buffer[16384];
  off_t offset = 0;
  ssize_t length;

  if (EVP_DigestInit_ex (context, EVP_sha256 (), NULL) != 1)
    return error_set (error, EZCDC_E_CONFIG,
                      "digest of connector %s: OpenSSL has no SHA-256", path);
  while ((length = pread (descriptor, buffer, sizeof buffer, offset)) > 0) {
    offset += length;
    if (EVP_DigestUpdate (context, buffer, (size_t) length) != 1)
      return error_set (error, EZCDC_E_CONFIG, "digest of connector %s failed",
                        path);
  }
  if (length < 0)
    return error_set (error, EZCDC_E_CONFIG, "read connector %s: %m", path);
  if (EVP_DigestFinal_ex (context, ret_digest, NULL) != 1)
    return error_set (error, EZCDC_E_CONFIG, "digest of connector %s failed",
                      path);
  return 0;
}

static int
hexadecimal_digest (int descriptor, const char *path,
                    char ret_sha256[VET_DIGEST_TEXT_SIZE], struct error *error)
{
  unsigned char digest[DIGEST_BYTES];
  EVP_MD_CTX *context = EVP_MD_CTX_new ();

  if (context == NULL)
    return error_set (error, EZCDC_E_MEMORY,
                      "digest of connector %s: out of memory", path);
  int result = digest_file (descriptor, context, digest, path, error);
  EVP_MD_CTX_free (context);
  if (result != 0)
    return result;
  for (size_t i = 0; i < sizeof digest; i++)
    snprintf (ret_sha256 + 2 * i, 3, "%02x", digest[i]);
  return 0;
}

/* Opens the file, as it is, or a copy of it. */
static int
open_vetted (const char *path, uid_t trusted, bool copy, struct vetted *vetted,
             struct error *error)
{
  CLEANUP_CLOSE int descriptor = open_file (path, error);
  struct stat status = { 0 };

  if (descriptor < 0
      || check_file (descriptor, path, trusted, &status, error) != 0)
    return error->code;
  vetted->device = status.st_dev;
  vetted->inode = status.st_ino;
  vetted->copied = copy || status.st_uid != 0;
  if (vetted->copied)
    return sealed_copy (descriptor, path, &vetted->descriptor, error);
  vetted->descriptor = TAKE_DESCRIPTOR (descriptor);
  return 0;
}

int
vet_file (const char *path, bool always_copy, struct vetted *ret_vetted,
          struct error *error)
{
  uid_t trusted = program_owner ();
  struct vetted vetted = { .descriptor = -1 };
  bool roots_only = false;

  vetted.path = resolve_folder (path, error);
  if (vetted.path == NULL)
    return error->code;
  if (rights_check_folders (vetted.path, trusted, &roots_only, error) != 0) {
    int code = error_prefix (error, "refuse connector %s", vetted.path);
    vetted_clear (&vetted);
    return code;
  }
  if (open_vetted (vetted.path, trusted, always_copy || !roots_only, &vetted,
                   error)
        != 0
      || vet_elf (vetted.descriptor, vetted.path, error) != 0
      || hexadecimal_digest (vetted.descriptor, vetted.path, vetted.sha256,
                             error)
           != 0) {
    vetted_clear (&vetted);
    return error->code;
  }
  *ret_vetted = vetted;
  return 0;
}

void
vetted_clear (struct vetted *vetted)
{
  if (vetted->descriptor >= 0)
    close (vetted->descriptor);
  free (vetted->path);
  *vetted = (struct vetted){ .descriptor = -1 };
}
