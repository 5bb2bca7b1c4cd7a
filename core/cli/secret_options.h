/* SPDX-License-Identifier: Apache-2.0 */
/* Which options of a section take sealed values, as its connector says. */

#ifndef EZCDC_CLI_SECRET_OPTIONS_H
#define EZCDC_CLI_SECRET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/base/text.h"

/* Names of options; begins as { 0 }, freed with secret_options_free. */
struct secret_options {
  struct text lines;  /* owned: the names, each with a NUL behind it */
  const char **names; /* owned; the names in lines */
  size_t count;
};

enum secret_question {
  SECRET_ONLY,     /* those that take nothing else */
  SECRET_SEALABLE, /* also those that take a path or PEM text as well */
};

/* Asks the connector of a section. Its code runs in a process of its own,
 * this program again without any key. EZCDC_E_CONFIG if the section names no
 * connector, or one that cannot be loaded. */
int secret_options_ask (const struct ini *ini,
                        const struct ini_section *section,
                        enum secret_question question,
                        struct secret_options *ret_options,
                        struct error *error)
  __attribute__ ((nonnull (1, 2, 4)));

void secret_options_free (struct secret_options *options)
  __attribute__ ((nonnull));

bool secret_options_have (const struct secret_options *options,
                          const char *name) __attribute__ ((nonnull));

#endif
