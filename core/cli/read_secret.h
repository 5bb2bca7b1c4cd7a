/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a secret from a person or a pipe. */

#ifndef EZCDC_CLI_READ_SECRET_H
#define EZCDC_CLI_READ_SECRET_H

#include <stddef.h>

#include "core/base/error.h"
#include "core/crypto/secret.h"

/* Reads standard input. On a terminal it asks, without an echo, for one line,
 * or for a PEM text up to its last line; else it reads to the end. One line
 * end behind a single line is dropped; a text of several lines stays as it is.
 * A NUL and what is too long are refused. what names it in the question. */
int read_secret (const char *what, struct secret *ret_secret,
                 size_t *ret_length, struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));

#endif
