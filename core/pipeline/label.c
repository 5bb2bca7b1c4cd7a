/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of batches. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/pipeline/batch.h"
#include "core/pipeline/position.h"

/* Digits of the position and bytes of the digest that a label shows. */
#define LABEL_POSITION_DIGITS 16
#define LABEL_DIGEST_BYTES 12

/* Each part with its length, so that no two lists of parts look alike. */
static int
digest_part (EVP_MD_CTX *context, const void *data, size_t length)
{
  uint64_t size = length;

  return EVP_DigestUpdate (context, &size, sizeof size) == 1
             && EVP_DigestUpdate (context, data, length) == 1
           ? 0
           : -1;
}

static int
digest_string (EVP_MD_CTX *context, const char *string)
{
  return digest_part (context, string, strlen (string));
}

static int
digest_origin (EVP_MD_CTX *context, const struct label_origin *origin)
{
  uint64_t numbers[3] = { (uint64_t) origin->run, origin->reading,
                          origin->attempt };

  if (digest_string (context, origin->pipeline) < 0
      || digest_string (context, origin->identity) < 0
      || digest_string (context, origin->chunk == NULL ? "" : origin->chunk)
           < 0)
    return -1;
  return digest_part (context, numbers, sizeof numbers);
}

static int
digest_range (EVP_MD_CTX *context, const struct batch *batch)
{
  uint64_t numbers[4] = { batch->first_ordinal, batch->last_ordinal,
                          batch->truncate,
                          batch->table == NULL ? 0 : batch->table->id };

  if (digest_part (context, batch->first.bytes, batch->first.length) < 0
      || digest_part (context, batch->last.bytes, batch->last.length) < 0)
    return -1;
  return digest_part (context, numbers, sizeof numbers);
}

int
batch_set_label (struct batch *batch, const struct label_origin *origin)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  unsigned char digest[EVP_MAX_MD_SIZE];
  char hex[POSITION_HEX_SIZE];
  size_t length;
  int result = EZCDC_E_MEMORY;

  if (context != NULL && EVP_DigestInit_ex (context, EVP_sha256 (), NULL) == 1
      && digest_origin (context, origin) == 0
      && digest_string (context,
                        batch->table == NULL ? "" : batch->table->target)
           == 0
      && digest_range (context, batch) == 0
      && EVP_DigestFinal_ex (context, digest, NULL) == 1)
    result = 0;
  EVP_MD_CTX_free (context);
  if (result < 0)
    return result;

  position_hex (&batch->last, hex);
  length = (size_t) snprintf (batch->label, sizeof batch->label, "%s-%.*s-",
                              origin->pipeline, LABEL_POSITION_DIGITS, hex);
  for (size_t i = 0; i < LABEL_DIGEST_BYTES; i++)
    length += (size_t) snprintf (
      batch->label + length, sizeof batch->label - length, "%02x", digest[i]);
  return 0;
}
