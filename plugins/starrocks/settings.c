/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the StarRocks sink. */

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "host.h"
#include "settings.h"

#define REQUIRED EZCDC_OPTION_REQUIRED

const struct ezcdc_option starrocks_options[] = {
  { "host", NULL, NULL, "name or address of a StarRocks frontend", 0, 0,
    EZCDC_OPTION_STRING, REQUIRED },
  { "port", "9030", NULL, "the frontend's MySQL port", 1, 65535,
    EZCDC_OPTION_INTEGER, 0 },
  { "load_url", NULL, NULL,
    "where Stream Load goes: http(s)://host:port, several with commas", 0, 0,
    EZCDC_OPTION_STRING, REQUIRED },
  { "database", NULL, NULL, "database of the target tables", 0, 0,
    EZCDC_OPTION_STRING, REQUIRED },
  { "user", NULL, NULL, "user for queries and loads", 0, 0,
    EZCDC_OPTION_STRING, REQUIRED },
  { "password", NULL, NULL, "the user's password, sealed", 0, 0,
    EZCDC_OPTION_SECRET, EZCDC_OPTION_RELOADABLE },
  { "replication_num", "0", NULL,
    "replicas of new tables; 0: the server's default, at most the backends", 0,
    32, EZCDC_OPTION_INTEGER, 0 },
  { "buckets", "0", NULL, "buckets of new tables; 0 leaves it to the server",
    0, 100000, EZCDC_OPTION_INTEGER, 0 },
  { "compression", "auto", "auto|none|zstd|lz4_frame",
    "compression of loads (StarRocks 3.2.7 and later)", 0, 0,
    EZCDC_OPTION_CHOICE, 0 },
  { "decimal_unlimited", "varchar", "varchar|decimal",
    "column type for decimals without a declared precision", 0, 0,
    EZCDC_OPTION_CHOICE, 0 },
  { "decimal_scale", "9", NULL,
    "digits behind the point when decimal_unlimited = decimal", 0, 38,
    EZCDC_OPTION_INTEGER, 0 },
  { "json_type", "varchar", "varchar|json",
    "column type for JSON: exact text, or the JSON type", 0, 0,
    EZCDC_OPTION_CHOICE, 0 },
  { "key_limit", "128B", NULL,
    "most bytes of an encoded key (primary_key_limit_size of the backends)",
    128, 65535, EZCDC_OPTION_SIZE, 0 },
  { "load_timeout", "10min", NULL, "time that one load may take", 1000000,
    INT64_C (259200) * 1000000, EZCDC_OPTION_DURATION, 0 },
  { "connect_timeout", "10s", NULL, "time to reach the MySQL port", 1000000,
    INT64_C (300) * 1000000, EZCDC_OPTION_DURATION, 0 },
};

_Static_assert(sizeof starrocks_options / sizeof starrocks_options[0]
                 == STARROCKS_OPTION_COUNT,
               "the count in settings.h is another");

int
host_is_loopback (const char *name)
{
  struct in_addr four;
  struct in6_addr six;

  if (strcasecmp (name, "localhost") == 0)
    return 1;
  if (inet_pton (AF_INET, name, &four) == 1)
    return (ntohl (four.s_addr) >> 24) == 127;
  if (inet_pton (AF_INET6, name, &six) == 1)
    return IN6_IS_ADDR_LOOPBACK (&six);
  return 0;
}

/* Decimal digits only, 1 to 65535; 0 for anything else. */
static uint32_t
parse_port (const char *text, size_t length)
{
  uint32_t port = 0;

  if (length == 0 || length > 5)
    return 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9')
      return 0;
    port = port * 10 + (uint32_t) (text[i] - '0');
  }
  return port <= 65535 ? port : 0;
}

static int
host_characters (const char *text, size_t length)
{
  if (length == 0 || length >= ENDPOINT_HOST_MAX)
    return 0;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];

    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
          || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'
          || c == ':'))
      return 0;
  }
  return 1;
}

/* One entry; *https is the scheme of the entry before, for those that leave
 * it out. */
static const char *
parse_endpoint (const char *text, size_t length, int *https, int first,
                struct endpoint *ret)
{
  const char *end = text + length, *colon = NULL, *host_end;
  size_t host_length;
  int bracket = 0;

  if (length >= 8 && strncasecmp (text, "https://", 8) == 0) {
    *https = 1;
    text += 8;
  }
  else if (length >= 7 && strncasecmp (text, "http://", 7) == 0) {
    *https = 0;
    text += 7;
  }
  else if (first)
    return "must begin with http:// or https://";
  if (end > text && end[-1] == '/')
    end--;
  if (memchr (text, '/', (size_t) (end - text)) != NULL
      || memchr (text, '@', (size_t) (end - text)) != NULL)
    return "has a path or a user; only a host and a port belong there";
  if (text < end && *text == '[') {
    bracket = 1;
    text++;
    host_end = memchr (text, ']', (size_t) (end - text));
    if (host_end == NULL)
      return "has a '[' without a ']'";
    if (host_end + 1 < end)
      colon = host_end + 1;
    if (colon != NULL && *colon != ':')
      return "has something other than a port behind ']'";
  }
  else {
    colon = memchr (text, ':', (size_t) (end - text));
    host_end = colon != NULL ? colon : end;
  }
  host_length = (size_t) (host_end - text);
  if (!host_characters (text, host_length))
    return "has no usable host (a name or an address, no user, no path)";
  memset (ret, 0, sizeof *ret);
  memcpy (ret->host, text, host_length);
  ret->https = *https;
  ret->port = *https ? 443 : 80;
  if (colon != NULL) {
    ret->port = parse_port (colon + 1, (size_t) (end - colon - 1));
    if (ret->port == 0)
      return "has no valid port behind ':'";
  }
  ret->loopback = host_is_loopback (ret->host);
  snprintf (ret->url, sizeof ret->url, "%s://%s%s%s:%u",
            *https ? "https" : "http", bracket ? "[" : "", ret->host,
            bracket ? "]" : "", ret->port);
  return NULL;
}

int
endpoints_parse (const char *text, struct endpoint **ret_endpoints,
                 size_t *ret_count, const char **ret_problem)
{
  struct endpoint *endpoints;
  size_t count = 1, used = 0;
  int https = 0;

  for (const char *p = text; *p != '\0'; p++)
    if (*p == ',')
      count++;
  endpoints = calloc (count, sizeof *endpoints);
  if (endpoints == NULL) {
    *ret_problem = "could not be read: out of memory";
    return -1;
  }
  while (*text != '\0') {
    size_t length = strcspn (text, ","), skip = strspn (text, " \t");
    size_t cut = length;

    while (cut > skip && (text[cut - 1] == ' ' || text[cut - 1] == '\t'))
      cut--;
    if (cut > skip) {
      *ret_problem = parse_endpoint (text + skip, cut - skip, &https,
                                     used == 0, &endpoints[used]);
      if (*ret_problem != NULL) {
        free (endpoints);
        return -1;
      }
      used++;
    }
    text += length;
    text += *text == ',';
  }
  if (used == 0) {
    free (endpoints);
    *ret_problem = "is empty";
    return -1;
  }
  *ret_endpoints = endpoints;
  *ret_count = used;
  return 0;
}

static int
choice_is (struct ezcdc_instance *instance, const char *option,
           const char *choice)
{
  const char *value = host->option_string (instance, option);

  return value != NULL && strcmp (value, choice) == 0;
}

static int
read_compression (struct ezcdc_instance *instance)
{
  if (choice_is (instance, "compression", "none"))
    return COMPRESSION_NONE;
  if (choice_is (instance, "compression", "zstd"))
    return COMPRESSION_ZSTD;
  if (choice_is (instance, "compression", "lz4_frame"))
    return COMPRESSION_LZ4;
  return COMPRESSION_AUTO;
}

/* http:// beside encrypted queries is most likely a mistake: rows and
 * password would cross the network in the clear. */
static int
check_plaintext (struct ezcdc_instance *instance,
                 const struct settings *settings)
{
  const struct ezcdc_tls *tls = host->tls (instance);

  if (tls == NULL || tls->mode == EZCDC_TLS_DISABLE
      || choice_is (instance, "load_plaintext", "allow"))
    return EZCDC_OK;
  for (size_t i = 0; i < settings->endpoint_count; i++) {
    const struct endpoint *endpoint = &settings->endpoints[i];

    if (!endpoint->https && !endpoint->loopback)
      return host->fail (instance, EZCDC_E_CONFIG,
                         "load_url: loads to %s would send rows and password "
                         "in the clear although TLS is enabled: use https://, "
                         "or write load_plaintext = allow if the network "
                         "between is private",
                         endpoint->url);
  }
  return EZCDC_OK;
}

/* A URL or a connection string may have a password in it, so nothing of the
 * value is repeated. */
static int
check_place (struct ezcdc_instance *instance, const struct settings *settings)
{
  for (const char *at = settings->host; *at != '\0'; at++)
    if (strchr ("/@=", *at) != NULL || (unsigned char) *at <= ' '
        || *at == 0x7f)
      return host->fail (instance, EZCDC_E_CONFIG,
                         "host: a name or an address, not a URL");
  if (strstr (settings->database, "://") != NULL
      || strstr (settings->database, "password=") != NULL)
    return host->fail (instance, EZCDC_E_CONFIG,
                       "database: a name, not a URL or connection string");
  return EZCDC_OK;
}

int
settings_read (struct ezcdc_instance *instance, struct settings *ret_settings)
{
  struct settings settings = { 0 };
  const char *problem = NULL;
  const char *load_url = host->option_string (instance, "load_url");
  int code;

  settings.host = host->option_string (instance, "host");
  settings.database = host->option_string (instance, "database");
  settings.user = host->option_string (instance, "user");
  if (settings.host == NULL || settings.database == NULL
      || settings.user == NULL || load_url == NULL)
    return host->fail (instance, EZCDC_E_CONFIG,
                       "host, database, user and load_url must be set");
  if (settings.database[0] == '\0' || settings.host[0] == '\0'
      || settings.user[0] == '\0')
    return host->fail (instance, EZCDC_E_CONFIG,
                       "host, database and user must not be empty");
  code = check_place (instance, &settings);
  if (code != EZCDC_OK)
    return code;
  settings.password = host->option_sealed (instance, "password");
  settings.port = (uint32_t) host->option_integer (instance, "port");
  settings.replication_num = (int) host->option_integer (instance,
                                                         "replication_num");
  settings.buckets = (int) host->option_integer (instance, "buckets");
  settings.compression = read_compression (instance);
  settings.decimal_native = choice_is (instance, "decimal_unlimited",
                                       "decimal");
  settings.decimal_scale = (int) host->option_integer (instance,
                                                       "decimal_scale");
  settings.json_native = choice_is (instance, "json_type", "json");
  settings.key_bytes = host->option_integer (instance, "key_limit");
  settings.load_seconds = (host->option_integer (instance, "load_timeout")
                           + 999999)
                          / 1000000;
  settings.connect_seconds =
    (host->option_integer (instance, "connect_timeout") + 999999) / 1000000;
  if (endpoints_parse (load_url, &settings.endpoints, &settings.endpoint_count,
                       &problem)
      == -1)
    return host->fail (instance, EZCDC_E_CONFIG, "load_url: it %s", problem);
  code = check_plaintext (instance, &settings);
  if (code != EZCDC_OK) {
    settings_free (&settings);
    return code;
  }
  *ret_settings = settings;
  return EZCDC_OK;
}

void
settings_free (struct settings *settings)
{
  free (settings->endpoints);
  settings->endpoints = NULL;
  settings->endpoint_count = 0;
}
