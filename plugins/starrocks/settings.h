/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the StarRocks sink, read and checked once. */
#ifndef STARROCKS_SETTINGS_H
#define STARROCKS_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#define STARROCKS_OPTION_COUNT 15
extern const struct ezcdc_option starrocks_options[STARROCKS_OPTION_COUNT];

#define ENDPOINT_HOST_MAX 256

/* One frontend, or a proxy before it, that takes loads. */
struct endpoint {
  char host[ENDPOINT_HOST_MAX];     /* without brackets */
  char url[ENDPOINT_HOST_MAX + 24]; /* "https://host:port", no "/" behind */
  uint32_t port;
  int https;
  int loopback;
};

#define COMPRESSION_AUTO 0
#define COMPRESSION_NONE 1
#define COMPRESSION_ZSTD 2
#define COMPRESSION_LZ4 3

struct settings {
  /* Lent by the host for the life of the instance. */
  const char *host;
  const char *database;
  const char *user;
  const struct ezcdc_sealed *password; /* NULL: empty */

  struct endpoint *endpoints; /* owned */
  size_t endpoint_count;      /* at least 1 */

  uint32_t port;
  int replication_num; /* 0: the server's default */
  int buckets;         /* 0: the server's choice */
  int compression;     /* COMPRESSION_... */
  int decimal_native;  /* 1: unlimited decimals become DECIMAL(38,scale) */
  int decimal_scale;
  int json_native;   /* 1: the JSON type, 0: text */
  int64_t key_bytes; /* the most bytes of an encoded key */
  int64_t load_seconds;
  int64_t connect_seconds;
};

/* Reads the options of the instance.  An EZCDC_E_... code, already
 * recorded; ret_settings is freed with settings_free. */
int settings_read (struct ezcdc_instance *instance,
                   struct settings *ret_settings);
void settings_free (struct settings *settings);

/* Takes "http://host:port,host:port,https://..." apart.  0, or -1 with
 * ret_problem (constant text).  *ret_endpoints is freed by the caller. */
int endpoints_parse (const char *text, struct endpoint **ret_endpoints,
                     size_t *ret_count, const char **ret_problem);
int host_is_loopback (const char *host);

#endif /* STARROCKS_SETTINGS_H */
