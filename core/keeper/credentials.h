/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed values of a configuration file. */

#ifndef EZCDC_KEEPER_CREDENTIALS_H
#define EZCDC_KEEPER_CREDENTIALS_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/base/text.h"
#include "core/crypto/envelope.h"

/* Whether a section may hold sealed values: [source] or [sink]. */
bool section_has_credentials (const struct ini_section *section)
  __attribute__ ((nonnull));

/* What a value is bound to: PIPELINE/SECTION. Appends it. */
void credential_owner (const char *pipeline, const char *section,
                       struct text *text) __attribute__ ((nonnull));

/* Opens a key's sealed value. */
enum envelope_fault credential_open (const struct key_ring *ring,
                                     const char *pipeline,
                                     const struct ini_section *section,
                                     const struct ini_key *key,
                                     struct opened_value *ret_value)
  __attribute__ ((nonnull));

/* Sets the error that says why a value does not open: FILE:LINE:
 * section.option: credential_unreadable: ..., with the ids of the keys where
 * that is the reason. */
int credential_error (struct error *error, const struct ini *ini,
                      const struct ini_section *section,
                      const struct ini_key *key, const struct key_ring *ring,
                      enum envelope_fault fault)
  __attribute__ ((nonnull (2, 3, 4, 5)));

/* Opens every sealed value of the file and forgets it again. On failure
 * *ret_fault says why, and *error is as from credential_error; a sealed value
 * in a section that cannot have any is an error, too. */
int credentials_check (const struct ini *ini, const char *pipeline,
                       const struct key_ring *ring,
                       enum envelope_fault *ret_fault, struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

#endif
