/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: URLs and the places that redirects lead to. The input is a URL
 * and, behind a line end, the Location header of its answer. */

#include <config.h>

#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/http/target.h"
#include "tests/fuzz/fuzz.h"

/* What was accepted has one reading only. The description of a redirect, which
 * is the server's choice, ends before the path. */
static void
check_target (const struct http_target *target, bool is_redirect)
{
  size_t told = strlen (target->description);
  CLEANUP_TARGET struct http_target again = { 0 };
  struct error error = { 0 };
  const char *scheme = target->https ? "https://" : "http://";

  FUZZ_CHECK (strncmp (target->url, scheme, strlen (scheme)) == 0);
  FUZZ_CHECK (target->place.host[0] != '\0');
  FUZZ_CHECK (target->place.port >= 1 && target->place.port <= 65535);
  FUZZ_CHECK (target->loopback == http_host_is_loopback (target->place.host));
  for (const char *at = target->url; *at != '\0'; at++)
    FUZZ_CHECK ((unsigned char) *at > ' ' && *at != '#');
  FUZZ_CHECK (http_target_parse (target->url, &again, &error) == 0);
  FUZZ_CHECK (http_place_equal (&target->place, &again.place));
  FUZZ_CHECK (target->https == again.https);
  FUZZ_CHECK (strncmp (target->description, again.description, told) == 0);
  FUZZ_CHECK (again.description[told] == (is_redirect ? '/' : '\0'));
}

static void
check_redirect (const char *from, const char *location)
{
  CLEANUP_TARGET struct http_target target = { 0 };
  CLEANUP_TARGET struct http_target next = { 0 };
  struct error error = { 0 };

  if (http_target_parse (from, &target, &error) != 0) {
    FUZZ_CHECK (target.url == NULL && error.text[0] != '\0');
    return;
  }
  check_target (&target, false);
  if (http_target_resolve (&target, location, &next, &error) == 0)
    check_target (&next, true);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  CLEANUP_TEXT struct text text = { 0 };

  text_append (&text, data, length);
  char *from = (char *) text_string (&text);
  char *end = strchr (from, '\n');
  if (end != NULL)
    *end = '\0';
  check_redirect (from, end == NULL ? "/" : end + 1);
  check_redirect ("https://fe.example.com:8030/api/shop/t/_stream_load", from);
  return 0;
}
