/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP options that the core declares for connectors. */

#include <config.h>

#include "core/http/http.h"

const struct ezcdc_option http_options[] = {
  {
    .name = "load_plaintext",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "refuse|allow",
    .default_value = "refuse",
    .help = "allow: send rows and the password over http://, also after a "
            "redirect from https://",
  },
};

const uint32_t http_option_count
    = sizeof http_options / sizeof http_options[0];
