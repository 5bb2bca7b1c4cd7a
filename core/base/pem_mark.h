/* SPDX-License-Identifier: Apache-2.0 */
/* What PEM texts, which may be private keys, are known by. */

#ifndef EZCDC_BASE_PEM_MARK_H
#define EZCDC_BASE_PEM_MARK_H

/* Stands before the name of what the text is. */
#define PEM_BEGIN "-----BEGIN "

/* Puts "[PEM]" in the place of a PEM text and of all behind it: a message may
 * quote a value that stands where none was expected. */
void pem_hide (char *message) __attribute__ ((nonnull));

#endif
