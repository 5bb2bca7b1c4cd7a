/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS parameters of a section, and the parts that work on them, each in a
 * file of its own name.
 *
 *   tls.c -> mode.c                     what ssl_mode says, and gives away
 *         -> loading.c -> reading.c     the text of an option, wherever it is
 *                      -> checking.c    whether it is what it should be
 *                      -> memfd.c       its place behind a path
 */

#ifndef EZCDC_TLS_PARTS_H
#define EZCDC_TLS_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/tls/pem.h"
#include "core/tls/tls.h"

/* The texts behind the options, in the order in which they are checked. */
enum {
  SLOT_ROOT_CERT,
  SLOT_CLIENT_KEY,
  SLOT_CLIENT_CERT,
  SLOT_CRL,
  SLOT_COUNT,
};

struct slot_facts {
  const char *option;
  size_t limit; /* bytes of a text */
};

extern const struct slot_facts tls_slot_facts[SLOT_COUNT];

struct slot {
  enum option_pem kind;
  char *text;     /* owned; the path or the PEM text of the option */
  int descriptor; /* memfd, -1 if there is none */
  char path[32];  /* of the memfd */
};

struct tls_parameters {
  struct ezcdc_tls view; /* points into this structure and to constants */
  const struct tls_services *services;
  char *section; /* owned */
  struct slot slots[SLOT_COUNT];
  const char *system_bundle; /* constant; NULL if it is not used */
  int64_t expiry_days;
  _Atomic uint64_t generation;
};

/* One pass of reading and checking, before any of it is put to use. */
struct tls_loading {
  const struct tls_parameters *parameters;
  const char *option; /* that is being checked, for warnings */
  STACK_OF (X509) * authorities;
  STACK_OF (X509) * client_certificates;
  EVP_PKEY *client_key;
  int descriptors[SLOT_COUNT]; /* -1: no text */
};

/* mode.c: which of the modes the settings ask for. */
int tls_mode_parse (const struct tls_settings *settings, uint32_t *ret_mode,
                    struct error *error);
const char *tls_mode_name (uint32_t mode);

/* A record and a warning of what a mode below verify-full gives away. */
int tls_mode_report (const struct tls_parameters *parameters, bool enabled,
                     struct error *error);

/* loading.c: all of it, or none: then error is set. tls_loading_clear in either
 * case. */
int tls_loading_run (struct tls_loading *loading, struct error *error);
void tls_loading_clear (struct tls_loading *loading);

/* reading.c: the text of a slot; and of a bundle of authorities. */
int tls_slot_read (const struct tls_parameters *parameters, int slot,
                   struct text *text, struct error *error);
int tls_bundle_read (const char *path, struct text *text, struct error *error);

/* checking.c: in the order of the slots, as they need each other. */
int tls_slot_check (struct tls_loading *loading, int slot,
                    const struct text *text, struct error *error);

#endif
