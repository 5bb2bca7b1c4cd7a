/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes. libcurl's own parser reads the URL, so that what is
 * checked here is what is connected to. */

#include <config.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/http/target.h"

#define URL_MAX 8192
/* A path may have a table named ".." in it, which is nothing to resolve. */
#define READING CURLU_PATH_AS_IS

/* ----------------------------------------------------------------- places */

bool
http_host_is_loopback (const char *host)
{
  struct in_addr ip4;
  struct in6_addr ip6;

  if (inet_pton (AF_INET, host, &ip4) == 1)
    return (ntohl (ip4.s_addr) >> 24) == 127;
  if (inet_pton (AF_INET6, host, &ip6) == 1)
    return IN6_IS_ADDR_LOOPBACK (&ip6);
  return strcmp (host, "localhost") == 0;
}

int
http_place_set (const char *host, uint32_t port, struct http_place *ret_place,
                struct error *error)
{
  struct http_place place = { .port = port };
  unsigned char address[sizeof (struct in6_addr)];
  size_t length = strlen (host);

  if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
    host++;
    length -= 2;
  }
  if (length > 1 && host[length - 1] == '.')
    length--;
  if (length == 0 || length >= sizeof place.host)
    return error_set (error, EZCDC_E_CONFIG,
                      "a host name needs 1 to %d characters",
                      HTTP_HOST_MAX - 1);
  if (port == 0 || port > 65535)
    return error_set (error, EZCDC_E_CONFIG, "there is no port %u", port);
  for (size_t i = 0; i < length; i++)
    place.host[i] = (char) tolower ((unsigned char) host[i]);
  if (inet_pton (AF_INET6, place.host, address) == 1)
    inet_ntop (AF_INET6, address, place.host, sizeof place.host);
  *ret_place = place;
  return EZCDC_OK;
}

bool
http_place_equal (const struct http_place *a, const struct http_place *b)
{
  return a->port == b->port && strcmp (a->host, b->host) == 0;
}

/* ------------------------------------------------------------------- URLs */

/* A URL that is being read; its parts are libcurl's. */
struct parts {
  CURLU *url;
  char *scheme;
  char *host;
  char *port;
  char *path;
  char *whole;
};

static void
parts_clear (struct parts *parts)
{
  curl_free (parts->scheme);
  curl_free (parts->host);
  curl_free (parts->port);
  curl_free (parts->path);
  curl_free (parts->whole);
  curl_url_cleanup (parts->url);
}

static int
malformed (struct error *error, CURLUcode code)
{
  if (code == CURLUE_OUT_OF_MEMORY)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  return error_set (error, EZCDC_E_CONFIG, "not a URL that can be used: %s",
                    curl_url_strerror (code));
}

static int
check_characters (const char *url, struct error *error)
{
  size_t length = strlen (url);

  if (length > URL_MAX)
    return error_set (error, EZCDC_E_CONFIG, "a URL of %zu bytes", length);
  for (size_t i = 0; i < length; i++)
    if ((unsigned char) url[i] <= ' ' || url[i] == 0x7f)
      return error_set (error, EZCDC_E_CONFIG,
                        "a URL with a space or a control character");
  return EZCDC_OK;
}

/* Whether the URL has this part. */
static bool
has_part (CURLU *url, CURLUPart what)
{
  char *text = NULL;
  bool has = curl_url_get (url, what, &text, 0) == CURLUE_OK;

  curl_free (text);
  return has;
}

static CURLUcode
get_parts (struct parts *parts)
{
  CURLUcode code = curl_url_get (parts->url, CURLUPART_SCHEME, &parts->scheme,
                                 0);

  if (code == CURLUE_OK)
    code = curl_url_get (parts->url, CURLUPART_HOST, &parts->host, 0);
  if (code == CURLUE_OK)
    code = curl_url_get (parts->url, CURLUPART_PORT, &parts->port,
                         CURLU_DEFAULT_PORT);
  if (code == CURLUE_OK)
    code = curl_url_get (parts->url, CURLUPART_PATH, &parts->path, 0);
  if (code == CURLUE_OK)
    code = curl_url_get (parts->url, CURLUPART_URL, &parts->whole, 0);
  return code;
}

/* Whether the host is the same when the URL is read once more. libcurl decodes
 * %XX in a host, and that may give a host with a port in it, or a number that
 * is an address. */
static bool
host_is_settled (const struct parts *parts)
{
  CURLU *url = curl_url ();
  char *host = NULL;
  bool settled = url != NULL
                 && curl_url_set (url, CURLUPART_URL, parts->whole, READING)
                      == CURLUE_OK
                 && curl_url_get (url, CURLUPART_HOST, &host, 0) == CURLUE_OK
                 && strcmp (host, parts->host) == 0;

  curl_free (host);
  curl_url_cleanup (url);
  return settled;
}

/* with_path: the path is not a server's choice, so that it may be told. */
static int
set_target (const struct parts *parts, bool with_path,
            struct http_target *ret_target, struct error *error)
{
  struct http_target target = { 0 };
  const char *open = "";
  const char *close = "";
  int result = http_place_set (parts->host,
                               (uint32_t) strtoul (parts->port, NULL, 10),
                               &target.place, error);

  if (result != EZCDC_OK)
    return result;
  if (strchr (target.place.host, ':') != NULL) {
    open = "[";
    close = "]";
  }
  target.https = strcmp (parts->scheme, "https") == 0;
  target.loopback = http_host_is_loopback (target.place.host);
  target.url = strdup (parts->whole);
  if (asprintf (&target.description, "%s://%s%s%s:%u%s", parts->scheme, open,
                target.place.host, close, target.place.port,
                with_path ? parts->path : "")
      < 0)
    target.description = NULL;
  if (target.url == NULL || target.description == NULL) {
    http_target_clear (&target);
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  }
  *ret_target = target;
  return EZCDC_OK;
}

/* Takes over url. */
static int
finish (CURLU *url, bool with_path, struct http_target *ret_target,
        struct error *error)
{
  struct parts parts = { .url = url };
  CURLUcode code = get_parts (&parts);
  int result;

  if (code != CURLUE_OK)
    result = malformed (error, code);
  else if (strcmp (parts.scheme, "https") != 0
           && strcmp (parts.scheme, "http") != 0)
    result = error_set (error, EZCDC_E_CONFIG,
                        "the scheme \"%.20s\" is neither https nor http",
                        parts.scheme);
  else if (has_part (url, CURLUPART_FRAGMENT))
    result = error_set (error, EZCDC_E_CONFIG, "a URL with a fragment (#)");
  else if (!host_is_settled (&parts))
    result = error_set (error, EZCDC_E_CONFIG,
                        "a URL whose host can be read in two ways");
  else
    result = set_target (&parts, with_path, ret_target, error);
  parts_clear (&parts);
  return result;
}

static int
read_url (const char *text, CURLU **ret_url, struct error *error)
{
  CURLUcode code;
  CURLU *url;
  int result = check_characters (text, error);

  if (result != EZCDC_OK)
    return result;
  url = curl_url ();
  if (url == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  code = curl_url_set (url, CURLUPART_URL, text, READING);
  if (code != CURLUE_OK) {
    curl_url_cleanup (url);
    return malformed (error, code);
  }
  *ret_url = url;
  return EZCDC_OK;
}

int
http_target_parse (const char *text, struct http_target *ret_target,
                   struct error *error)
{
  CURLU *url;
  int result = read_url (text, &url, error);

  if (result != EZCDC_OK)
    return result;
  if (has_part (url, CURLUPART_USER) || has_part (url, CURLUPART_PASSWORD)) {
    curl_url_cleanup (url);
    return error_set (error, EZCDC_E_CONFIG,
                      "a URL with a user name or a password in it");
  }
  return finish (url, /* with_path= */ true, ret_target, error);
}

int
http_target_resolve (const struct http_target *from, const char *location,
                     struct http_target *ret_target, struct error *error)
{
  CURLU *url;
  CURLUcode code;
  int result = check_characters (location, error);

  if (result == EZCDC_OK)
    result = read_url (from->url, &url, error);
  if (result != EZCDC_OK)
    return result;
  code = curl_url_set (url, CURLUPART_URL, location, READING);
  if (code == CURLUE_OK)
    code = curl_url_set (url, CURLUPART_USER, NULL, 0);
  if (code == CURLUE_OK)
    code = curl_url_set (url, CURLUPART_PASSWORD, NULL, 0);
  if (code != CURLUE_OK) {
    curl_url_cleanup (url);
    return malformed (error, code);
  }
  return finish (url, /* with_path= */ false, ret_target, error);
}

int
http_target_move (struct http_target *target, const char *host,
                  struct error *error)
{
  struct http_target moved = { 0 };
  char bracketed[HTTP_HOST_MAX + 2];
  CURLU *url;
  CURLUcode code;
  int result = read_url (target->url, &url, error);

  if (result != EZCDC_OK)
    return result;
  snprintf (bracketed, sizeof bracketed,
            strchr (host, ':') != NULL ? "[%s]" : "%s", host);
  code = curl_url_set (url, CURLUPART_HOST, bracketed, 0);
  if (code != CURLUE_OK) {
    curl_url_cleanup (url);
    return malformed (error, code);
  }
  result = finish (url, /* with_path= */ false, &moved, error);
  if (result != EZCDC_OK)
    return result;
  http_target_clear (target);
  *target = moved;
  return EZCDC_OK;
}

void
http_target_clear (struct http_target *target)
{
  free (target->url);
  free (target->description);
  *target = (struct http_target){ 0 };
}
