/* SPDX-License-Identifier: Apache-2.0 */
/* The value of an Authorization header: made inside the scope in which the
 * password is readable, in locked memory, with no copy elsewhere. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/error.h"
#include "core/http/credential.h"
#include "core/http/http.h"

#define PASSWORD_MAX 65536
/* What is replaced: a password that has so many bytes, and of longer texts
 * so much of the beginning. */
#define SCRUB_SHORTEST 4
#define SCRUB_PART 8

static const char header_start[] = "Authorization: Basic ";

/* Encodes user:password. The clear text stands behind the header in the same
 * pages while it is encoded. */
static int
make_header (struct http_credential *credential, const char *password,
             size_t length, struct error *error)
{
  size_t user_length = strlen (credential->user);
  size_t clear_length = user_length + 1 + length;
  size_t start_length = sizeof header_start - 1;
  size_t header_length = start_length + (clear_length + 2) / 3 * 4 + 1;
  unsigned char *header;
  unsigned char *clear;
  int result = secret_create (&credential->secret,
                              header_length + clear_length, error);

  if (result != EZCDC_OK)
    return result;
  header = credential->secret.data;
  clear = header + header_length;
  memcpy (header, header_start, start_length);
  memcpy (clear, credential->user, user_length);
  clear[user_length] = ':';
  memcpy (clear + user_length + 1, password, length);
  EVP_EncodeBlock (header + start_length, clear, (int) clear_length);
  explicit_bzero (clear, clear_length);
  credential->password_length = length;
  return EZCDC_OK;
}

struct making {
  struct http_credential *credential;
  struct error *error;
};

static int
use_password (void *context, const char *data, size_t length)
{
  struct making *making = context;

  if (length > PASSWORD_MAX)
    return error_set (making->error, EZCDC_E_CONFIG,
                      "the password is longer than %d bytes", PASSWORD_MAX);
  return make_header (making->credential, data, length, making->error);
}

int
http_credential_open (const struct http_services *services, const char *user,
                      const struct ezcdc_sealed *password,
                      struct http_credential **ret_credential,
                      struct error *error)
{
  struct http_credential *credential = calloc (1, sizeof *credential);
  struct making making = { credential, error };
  int result;

  if (credential == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  credential->users = 1;
  credential->sealed = password;
  credential->user = strdup (user);
  if (credential->user == NULL)
    result = error_set (error, EZCDC_E_MEMORY, "out of memory");
  else if (password == NULL)
    result = make_header (credential, "", 0, error);
  else
    result = services->open_sealed (services->context, password, "load",
                                    use_password, &making, error);
  if (result < 0) {
    http_credential_release (credential);
    return result;
  }
  *ret_credential = credential;
  return EZCDC_OK;
}

bool
http_credential_matches (const struct http_credential *credential,
                         const char *user, const struct ezcdc_sealed *password)
{
  return credential != NULL && credential->sealed == password
         && strcmp (credential->user, user) == 0;
}

/* Byte number index of user:password, which is nowhere as a whole. */
static char
clear_byte (const char *encoded, size_t index)
{
  unsigned char group[3];
  char byte;

  EVP_DecodeBlock (group, (const unsigned char *) encoded + index / 3 * 4, 4);
  byte = (char) group[index % 3];
  explicit_bzero (group, sizeof group);
  return byte;
}

/* How many bytes of text begin the value, without its padding; 0 if they are
 * too few to matter. */
static size_t
match_encoded (const char *encoded, const char *text)
{
  size_t length = strcspn (encoded, "=");
  size_t same = 0;

  while (same < length && text[same] == encoded[same])
    same++;
  return same == length || same >= SCRUB_PART ? same : 0;
}

/* The same for the password. */
static size_t
match_password (const struct http_credential *credential, const char *encoded,
                const char *text)
{
  size_t length = credential->password_length;
  size_t start = strlen (credential->user) + 1;
  size_t same = 0;

  if (length < SCRUB_SHORTEST)
    return 0;
  while (same < length && text[same] != '\0'
         && text[same] == clear_byte (encoded, start + same))
    same++;
  return same == length || same >= SCRUB_PART ? same : 0;
}

void
http_credential_scrub (const struct http_credential *credential, char *text)
{
  const char *encoded = (const char *) credential->secret.data
                        + sizeof header_start - 1;

  while (*text != '\0') {
    size_t length = match_encoded (encoded, text);

    if (length == 0)
      length = match_password (credential, encoded, text);
    memset (text, '*', length);
    text += length > 0 ? length : 1;
  }
}

void
http_credential_release (struct http_credential *credential)
{
  if (credential == NULL || --credential->users > 0)
    return;
  secret_free (&credential->secret);
  free (credential->user);
  free (credential);
}
