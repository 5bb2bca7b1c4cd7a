/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a connector's request. */

#include <config.h>

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "core/base/error.h"
#include "core/http/request.h"

#define HEADERS_MAX 200

/* Headers that follow from the rest of the request. */
static const char *const core_headers[] = {
  "Authorization", "Connection",          "Content-Length",    "Expect",
  "Host",          "Proxy-Authorization", "Transfer-Encoding",
};

static bool
is_token (const char *text)
{
  size_t length = strspn (
    text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
          "0123456789!#$%&'*+-.^_`|~");

  return length > 0 && text[length] == '\0';
}

static bool
is_plain (const char *text)
{
  for (; *text != '\0'; text++)
    if ((unsigned char) *text < ' ' || *text == 0x7f)
      return false;
  return true;
}

static int
check_header (const struct ezcdc_http_header *header, struct error *error)
{
  if (header->name == NULL || !is_token (header->name))
    return error_set (error, EZCDC_E_BUG, "a header without a proper name");
  if (header->value == NULL || !is_plain (header->value))
    return error_set (error, EZCDC_E_BUG,
                      "the header %s has a control character", header->name);
  for (size_t i = 0; i < sizeof core_headers / sizeof core_headers[0]; i++)
    if (strcasecmp (header->name, core_headers[i]) == 0)
      return error_set (error, EZCDC_E_BUG, "the header %s is the host's",
                        header->name);
  return EZCDC_OK;
}

int
http_request_check (const struct ezcdc_http_request *request,
                    struct error *error)
{
  int result = EZCDC_OK;

  if (request->method == NULL || !is_token (request->method))
    return error_set (error, EZCDC_E_BUG, "a request without a method");
  if (request->url == NULL)
    return error_set (error, EZCDC_E_BUG, "a request without a URL");
  if ((request->flags & ~EZCDC_HTTP_EXPECT) != 0)
    return error_set (error, EZCDC_E_BUG, "unknown flags %#x", request->flags);
  if (request->body == NULL && request->body_length > 0)
    return error_set (error, EZCDC_E_BUG, "a body without bytes");
  if (request->user != NULL
      && (!is_plain (request->user) || strchr (request->user, ':') != NULL))
    return error_set (error, EZCDC_E_BUG,
                      "the user name has a colon or a control character");
  if (request->header_count > HEADERS_MAX)
    return error_set (error, EZCDC_E_BUG, "more than %d headers", HEADERS_MAX);
  for (uint64_t i = 0; i < request->header_count && result == EZCDC_OK; i++)
    result = check_header (&request->headers[i], error);
  return result;
}
