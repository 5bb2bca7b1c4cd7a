/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an option: from a file, from the option itself, or sealed. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/tls/parts.h"

const struct slot_facts tls_slot_facts[SLOT_COUNT] = {
  [SLOT_ROOT_CERT] = { "ssl_root_cert", 768 * 1024 },
  [SLOT_CLIENT_KEY] = { "ssl_client_key", 64 * 1024 },
  [SLOT_CLIENT_CERT] = { "ssl_client_cert", 256 * 1024 },
  [SLOT_CRL] = { "ssl_crl", 8 * 1024 * 1024 },
};

/* A key that others can read is no key; the same rule as libpq's. */
static int
check_key_mode (const char *path, const struct stat *status,
                struct error *error)
{
  mode_t forbidden = status->st_uid == 0 ? S_IRWXO | S_IWGRP | S_IXGRP
                                         : S_IRWXG | S_IRWXO;

  if (status->st_uid != 0 && status->st_uid != geteuid ())
    return error_set (error, EZCDC_E_CONFIG,
                      "%s belongs to neither root nor the user of this "
                      "process",
                      path);
  if ((status->st_mode & forbidden) != 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s can be read by others: chmod 0600 %s", path, path);
  return EZCDC_OK;
}

static int
open_file (const char *path, int *ret_descriptor, struct error *error)
{
  *ret_descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (*ret_descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  return EZCDC_OK;
}

static int
open_slot (const struct tls_parameters *parameters, int slot,
           int *ret_descriptor, struct error *error)
{
  const struct tls_services *services = parameters->services;

  if (services->open_file == NULL)
    return open_file (parameters->slots[slot].text, ret_descriptor, error);
  return services->open_file (services->context, tls_slot_facts[slot].option,
                              ret_descriptor, error);
}

/* The whole file into text, which is grown once: it may be a key. */
static int
read_file (int descriptor, const char *path, int slot, struct text *text,
           struct error *error)
{
  size_t limit = tls_slot_facts[slot].limit;
  struct stat status;
  size_t length = 0;
  ssize_t got;

  if (fstat (descriptor, &status) < 0)
    return error_set (error, EZCDC_E_CONFIG, "look at %s: %m", path);
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file", path);
  if (status.st_size > (off_t) limit)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s is larger than the %zu KiB that are allowed", path,
                      limit / 1024);
  if (slot == SLOT_CLIENT_KEY
      && check_key_mode (path, &status, error) != EZCDC_OK)
    return error->code;
  text_reserve (text, (size_t) status.st_size + 1);
  if (text->failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  while (length <= (size_t) status.st_size
         && (got = read (descriptor, text->data + length,
                         (size_t) status.st_size + 1 - length))
              != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_set (error, EZCDC_E_CONFIG, "read %s: %m", path);
    length += (size_t) got;
  }
  if (length > (size_t) status.st_size)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "%s changed while it was read", path);
  text->length = length;
  text->data[length] = '\0';
  return EZCDC_OK;
}

/* Line breaks that were written as \n when the value was sealed from one line
 * of an INI file; only where a text has no real ones. */
static void
restore_line_breaks (struct text *text)
{
  size_t to = 0;

  if (memchr (text->data, '\n', text->length) != NULL)
    return;
  for (size_t from = 0; from < text->length; from++) {
    if (text->data[from] == '\\' && from + 1 < text->length
        && text->data[from + 1] == 'n') {
      text->data[to++] = '\n';
      from++;
    }
    else
      text->data[to++] = text->data[from];
  }
  text->length = to;
  text->data[to] = '\0';
}

static int
copy_secret (void *context, const char *data, size_t length)
{
  struct text *text = context;

  text_reserve (text, length + 1);
  text_append (text, data, length);
  return text->failed ? EZCDC_E_MEMORY : EZCDC_OK;
}

static int
read_sealed (const struct tls_parameters *parameters, int slot,
             struct text *text, struct error *error)
{
  const struct tls_services *services = parameters->services;
  int result = services->open_sealed (services->context,
                                      tls_slot_facts[slot].option, "load TLS",
                                      copy_secret, text, error);

  if (result < 0 && text->failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  if (result < 0)
    return result;
  if (text->length > tls_slot_facts[slot].limit)
    return error_set (error, EZCDC_E_CONFIG,
                      "larger than the %zu KiB that are allowed",
                      tls_slot_facts[slot].limit / 1024);
  if (text->length > 0)
    restore_line_breaks (text);
  return EZCDC_OK;
}

int
tls_slot_read (const struct tls_parameters *parameters, int slot,
               struct text *text, struct error *error)
{
  const struct slot *from = &parameters->slots[slot];
  CLEANUP_CLOSE int descriptor = -1;

  switch (from->kind) {
  case OPTION_PEM_NONE:
    return EZCDC_OK;
  case OPTION_PEM_PATH:
    if (open_slot (parameters, slot, &descriptor, error) != EZCDC_OK)
      return error->code;
    return read_file (descriptor, from->text, slot, text, error);
  case OPTION_PEM_INLINE:
    if (slot == SLOT_CLIENT_KEY)
      return error_set (error, EZCDC_E_CONFIG,
                        "a private key in the clear: seal it with \"ezcdc "
                        "seal\", or give the path of a file");
    text_append_string (text, from->text);
    return text->failed ? error_set (error, EZCDC_E_MEMORY, "out of memory")
                        : EZCDC_OK;
  case OPTION_PEM_SEALED:
    return read_sealed (parameters, slot, text, error);
  }
  return error_set (error, EZCDC_E_BUG, "unknown kind of value %d",
                    (int) from->kind);
}

int
tls_bundle_read (const char *path, struct text *text, struct error *error)
{
  CLEANUP_CLOSE int descriptor = -1;
  int result = open_file (path, &descriptor, error);

  return result == EZCDC_OK
           ? read_file (descriptor, path, SLOT_ROOT_CERT, text, error)
           : result;
}
