/* SPDX-License-Identifier: Apache-2.0 */
/* Which connectors may be loaded, as [connectors] says. Vetting (vet.h) comes
 * first and is not a matter of configuration.
 *
 *   before any code of the file runs   require: nothing more, a list of
 *                                      digests, or a signature
 *   before any callback is called      deny: capabilities that the connector
 *                                      declares
 */

#ifndef EZCDC_PLUGIN_POLICY_H
#define EZCDC_PLUGIN_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "core/base/ini.h"
#include "core/plugin/options.h"
#include "core/plugin/vet.h"

struct connector;
struct error;

/* The options of [connectors]; the manual page is compared with them. */
extern const struct option_table connector_policy_options;

enum policy_require {
  POLICY_OWNER,     /* what vetting asks for is enough */
  POLICY_SHA256,    /* the digest is in the list */
  POLICY_SIGNATURE, /* Ed25519, in FILE.sig */
};

/* Begins as { 0 }, which is the policy of a file without [connectors]. */
struct connector_policy {
  enum policy_require require;
  char (*digests)[VET_DIGEST_TEXT_SIZE]; /* owned */
  size_t digest_count;
  EVP_PKEY *key;   /* owned; for POLICY_SIGNATURE */
  uint64_t denied; /* EZCDC_CAN_... */
};

/* Reads [connectors], and the file of the public key. EZCDC_E_CONFIG with
 * file, line and key if something is wrong or contradicts itself. */
int connector_policy_read (const struct ini *ini,
                           struct connector_policy *ret_policy,
                           struct error *error);
void connector_policy_free (struct connector_policy *policy);

/* For records: "owner", "sha256" or "signature". */
const char *connector_policy_word (const struct connector_policy *policy);

/* Whether the file may be loaded; vetted is a sealed copy if the policy asks
 * for more than the owner. EZCDC_E_CONFIG names the path and the remedy. */
int connector_policy_check_file (const struct connector_policy *policy,
                                 const struct vetted *vetted,
                                 struct error *error);
/* Whether the connector may be used. */
int connector_policy_check_use (const struct connector_policy *policy,
                                const struct connector *connector,
                                struct error *error);

#endif
