/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may ask of us before it lets us in. */

#include <stdint.h>
#include <string.h>

#include "authentication.h"

/* Codes of 'R'. */
#define REQUEST_OK 0
#define REQUEST_PASSWORD 3
#define REQUEST_MD5 5
#define REQUEST_SASL 10
#define REQUEST_SASL_CONTINUE 11
#define REQUEST_SASL_FINAL 12

/* An error may be as long as libpq takes; what else comes before we are in is
 * short. */
#define ERROR_MAX 30000
#define OTHER_MAX 8192

/* What RFC 7677 and PostgreSQL have by default. Fewer make it cheap to guess
 * the password from our answer, and one that is huge keeps us busy. */
#define ITERATIONS_MIN 4096
#define ITERATIONS_MAX 10000000

void
authentication_begin (struct authentication *authentication, unsigned methods)
{
  memset (authentication, 0, sizeof *authentication);
  authentication->methods = methods;
}

size_t
authentication_wants (const struct authentication *authentication)
{
  if (authentication->head_length < sizeof authentication->head)
    return sizeof authentication->head - authentication->head_length;
  return authentication->body_left;
}

static uint32_t
read_uint32 (const unsigned char *data)
{
  return (uint32_t) data[0] << 24 | (uint32_t) data[1] << 16
         | (uint32_t) data[2] << 8 | data[3];
}

/* ",i=4096" behind nonce and salt, as the one way to write it. */
static const char *
check_iterations (const unsigned char *data, size_t length)
{
  const unsigned char *end = data + length;
  long iterations = 0;

  for (int commas = 0; commas < 2 && data != NULL; commas++) {
    data = memchr (data, ',', (size_t) (end - data));
    data = data == NULL ? NULL : data + 1;
  }
  if (data == NULL || end - data < 3 || data[0] != 'i' || data[1] != '=')
    return "sends a SCRAM challenge that is none";
  for (data += 2; data < end && *data >= '0' && *data <= '9'; data++) {
    iterations = iterations * 10 + (*data - '0');
    if (iterations > ITERATIONS_MAX)
      return "wants more than 10000000 SCRAM iterations";
  }
  if (data < end && *data != ',')
    return "sends a SCRAM challenge that is none";
  if (iterations < ITERATIONS_MIN)
    return "wants fewer than 4096 SCRAM iterations, so that the password"
           " could be guessed from our answer";
  return NULL;
}

static const char *
check_ok (struct authentication *authentication)
{
  if (authentication->scram && !authentication->proved)
    return "lets us in without the proof that it knows the password";
  if (!authentication->asked
      && (authentication->methods & AUTHENTICATION_NONE) == 0)
    return "does not ask for the password, so that nothing proves that it is"
           " the right server";
  authentication->done = true;
  return NULL;
}

static const char *
check_request (struct authentication *authentication)
{
  const unsigned char *body = authentication->body;
  unsigned methods = authentication->methods;
  uint32_t code = read_uint32 (body);

  if (code == REQUEST_OK)
    return check_ok (authentication);
  authentication->asked = true;
  switch (code) {
  case REQUEST_PASSWORD:
    if ((methods & AUTHENTICATION_PASSWORD) == 0)
      return "asks for the password in the clear";
    authentication->told = true;
    return NULL;
  case REQUEST_MD5:
    if ((methods & AUTHENTICATION_MD5) == 0)
      return "asks for the md5 hash of the password, from which it can be"
             " guessed";
    return NULL;
  case REQUEST_SASL:
    if ((methods & AUTHENTICATION_SCRAM) == 0)
      return "asks for scram-sha-256";
    authentication->scram = true;
    return NULL;
  case REQUEST_SASL_CONTINUE:
    return check_iterations (body + 4, authentication->body_length - 4);
  case REQUEST_SASL_FINAL:
    authentication->proved = true;
    return NULL;
  }
  return "asks for a method that is not supported (Kerberos, SSPI or older)";
}

/* The head is complete. */
static const char *
begin_body (struct authentication *authentication)
{
  const unsigned char *head = authentication->head;
  uint32_t length = read_uint32 (head + 1);
  uint32_t least = head[0] == 'R' ? 8 : 4;
  uint32_t most = head[0] == 'R'   ? AUTHENTICATION_REQUEST_MAX
                  : head[0] == 'E' ? ERROR_MAX
                                   : OTHER_MAX;

  if (length < least || length > most)
    return "does not speak PostgreSQL's protocol";
  authentication->body_left = length - 4;
  authentication->body_length = 0;
  return NULL;
}

static const char *
end_message (struct authentication *authentication)
{
  authentication->head_length = 0;
  if (authentication->head[0] == 'R')
    return check_request (authentication);
  return NULL;
}

/* Takes some of the bytes; returns how many. */
static size_t
take (struct authentication *authentication, const unsigned char *data,
      size_t length)
{
  size_t wanted = authentication_wants (authentication);

  if (length > wanted)
    length = wanted;
  if (authentication->head_length < sizeof authentication->head) {
    memcpy (authentication->head + authentication->head_length, data, length);
    authentication->head_length += length;
    return length;
  }
  if (authentication->head[0] == 'R') {
    memcpy (authentication->body + authentication->body_length, data, length);
    authentication->body_length += length;
  }
  authentication->body_left -= length;
  return length;
}

const char *
authentication_see (struct authentication *authentication,
                    const unsigned char *data, size_t length)
{
  const char *reason = NULL;

  while (length > 0 && reason == NULL && !authentication->done) {
    bool in_head = authentication->head_length < sizeof authentication->head;
    size_t taken = take (authentication, data, length);

    data += taken;
    length -= taken;
    if (authentication->head_length < sizeof authentication->head)
      break;
    if (in_head)
      reason = begin_body (authentication);
    if (reason == NULL && authentication->body_left == 0)
      reason = end_message (authentication);
  }
  return reason;
}

bool
authentication_parse (const char *text, unsigned *ret_methods)
{
  static const struct {
    const char *name;
    unsigned method;
  } words[] = {
    { "scram-sha-256", AUTHENTICATION_SCRAM },
    { "md5", AUTHENTICATION_MD5 },
    { "password", AUTHENTICATION_PASSWORD },
    { "none", AUTHENTICATION_NONE },
  };
  unsigned methods = 0;

  for (;;) {
    size_t length, i, count = sizeof words / sizeof *words;

    text += strspn (text, " \t");
    length = strcspn (text, ", \t");
    for (i = 0; i < count; i++)
      if (strlen (words[i].name) == length
          && memcmp (words[i].name, text, length) == 0)
        break;
    if (i == count)
      return false;
    methods |= words[i].method;
    text += length;
    text += strspn (text, " \t");
    if (*text == '\0')
      break;
    if (*text++ != ',')
      return false;
  }
  *ret_methods = methods;
  return true;
}
