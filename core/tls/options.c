/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS options that the core declares for connectors. */

#include <config.h>

#include "core/tls/tls.h"

const struct ezcdc_option tls_options[] = {
  {
    .name = "ssl_mode",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "disable|allow|prefer|require|verify-ca|verify-full",
    .default_value = "verify-full",
    .help = "how the server must prove itself, with PostgreSQL's meanings",
  },
  {
    .name = "ssl_enabled",
    .type = EZCDC_OPTION_BOOLEAN,
    .default_value = "yes",
    .help = "no: no TLS at all, as with ssl_mode = disable",
  },
  {
    .name = "ssl_root_cert",
    .type = EZCDC_OPTION_STRING,
    .help = "certificates of the CAs to trust: a path, PEM text or a sealed "
            "value; without it the system's",
    .flags = EZCDC_OPTION_RELOADABLE,
  },
  {
    .name = "ssl_client_cert",
    .type = EZCDC_OPTION_STRING,
    .help = "certificate to show to the server: a path, PEM text or a sealed "
            "value",
    .flags = EZCDC_OPTION_RELOADABLE,
  },
  {
    .name = "ssl_client_key",
    .type = EZCDC_OPTION_STRING,
    .help = "private key of ssl_client_cert: a path or a sealed value",
    .flags = EZCDC_OPTION_RELOADABLE,
  },
  {
    .name = "ssl_crl",
    .type = EZCDC_OPTION_STRING,
    .help = "revoked certificates: a path, PEM text or a sealed value",
    .flags = EZCDC_OPTION_RELOADABLE,
  },
  {
    .name = "ssl_min_version",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "TLSv1.2|TLSv1.3",
    .default_value = "TLSv1.2",
    .help = "the oldest version of TLS to accept",
  },
};

const uint32_t tls_option_count = sizeof tls_options / sizeof tls_options[0];
