/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints keys, for example the client of a key service. */

#ifndef EZCDC_CRYPTO_KEY_COMMAND_H
#define EZCDC_CRYPTO_KEY_COMMAND_H

#include <stddef.h>

#include "core/base/error.h"
#include "core/crypto/secret.h"

/* Runs a command line: the absolute path of a program and its arguments,
 * between blanks. There is no shell, and no quoting. The program has to belong
 * to root or to us, and nobody else may be able to replace it; it gets an
 * environment of its own, no input, and five seconds. What it says on standard
 * error goes to the log, without long numbers.
 *
 * *ret_output gets pages with what it printed, at most limit bytes; the caller
 * frees them in any case. EZCDC_E_CONFIG if the command may not be run, fails,
 * prints more, or takes too long. */
int key_command_run (const char *command, size_t limit,
                     struct secret *ret_output, size_t *ret_length,
                     struct error *error) __attribute__ ((nonnull (1, 3, 4)));

#endif
