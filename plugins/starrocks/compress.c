/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of a load's body while it is written. */

#include <stdlib.h>

#include <lz4frame.h>
#include <zstd.h>

#include "compress.h"
#include "settings.h"

/* zstd keeps up to one block to itself before it writes anything. */
#define ZSTD_HELD_BACK (128 * 1024)

struct compressor {
  int method;
  ZSTD_CCtx *zstd;
  LZ4F_cctx *lz4;
};

static const LZ4F_preferences_t lz4_preferences = {
  .frameInfo = { .blockSizeID = LZ4F_max256KB, .blockMode = LZ4F_blockLinked },
};

struct compressor *
compressor_new (int method)
{
  struct compressor *compressor = calloc (1, sizeof *compressor);

  if (compressor == NULL)
    return NULL;
  compressor->method = method;
  if (method == COMPRESSION_ZSTD) {
    compressor->zstd = ZSTD_createCCtx ();
    if (compressor->zstd == NULL)
      goto failed;
    ZSTD_CCtx_setParameter (compressor->zstd, ZSTD_c_compressionLevel, 1);
  }
  else if (LZ4F_isError (
             LZ4F_createCompressionContext (&compressor->lz4, LZ4F_VERSION)))
    goto failed;
  return compressor;

failed:
  free (compressor);
  return NULL;
}

void
compressor_free (struct compressor *compressor)
{
  if (compressor == NULL)
    return;
  ZSTD_freeCCtx (compressor->zstd);
  if (compressor->lz4 != NULL)
    LZ4F_freeCompressionContext (compressor->lz4);
  free (compressor);
}

int
compressor_method (const struct compressor *compressor)
{
  return compressor->method;
}

size_t
compressor_bound (const struct compressor *compressor, size_t length)
{
  if (compressor->method == COMPRESSION_ZSTD)
    return ZSTD_compressBound (length + ZSTD_HELD_BACK) + 64;
  return LZ4F_compressBound (length, &lz4_preferences) + 64;
}

int
compressor_begin (struct compressor *compressor, struct buffer *out)
{
  size_t written;

  if (compressor->method == COMPRESSION_ZSTD) {
    ZSTD_CCtx_reset (compressor->zstd, ZSTD_reset_session_only);
    return 0;
  }
  if (buffer_reserve (out, LZ4F_HEADER_SIZE_MAX) == -1)
    return -1;
  written = LZ4F_compressBegin (compressor->lz4, out->data + out->length,
                                out->capacity - out->length, &lz4_preferences);
  if (LZ4F_isError (written))
    return -1;
  out->length += written;
  return 0;
}

static int
zstd_run (struct compressor *compressor, const char *data, size_t length,
          ZSTD_EndDirective directive, struct buffer *out)
{
  ZSTD_inBuffer input = { data, length, 0 };
  size_t left;

  do {
    ZSTD_outBuffer output;

    if (buffer_reserve (out, ZSTD_CStreamOutSize ()) == -1)
      return -1;
    output = (ZSTD_outBuffer){ out->data + out->length,
                               out->capacity - out->length, 0 };
    left = ZSTD_compressStream2 (compressor->zstd, &output, &input, directive);
    if (ZSTD_isError (left))
      return -1;
    out->length += output.pos;
  } while (directive == ZSTD_e_end ? left > 0 : input.pos < input.size);
  return 0;
}

int
compressor_add (struct compressor *compressor, const char *data, size_t length,
                struct buffer *out)
{
  size_t written;

  if (compressor->method == COMPRESSION_ZSTD)
    return zstd_run (compressor, data, length, ZSTD_e_continue, out);
  if (buffer_reserve (out, LZ4F_compressBound (length, &lz4_preferences))
      == -1)
    return -1;
  written = LZ4F_compressUpdate (compressor->lz4, out->data + out->length,
                                 out->capacity - out->length, data, length,
                                 NULL);
  if (LZ4F_isError (written))
    return -1;
  out->length += written;
  return 0;
}

int
compressor_end (struct compressor *compressor, struct buffer *out)
{
  size_t written;

  if (compressor->method == COMPRESSION_ZSTD)
    return zstd_run (compressor, NULL, 0, ZSTD_e_end, out);
  if (buffer_reserve (out, LZ4F_compressBound (0, &lz4_preferences)) == -1)
    return -1;
  written = LZ4F_compressEnd (compressor->lz4, out->data + out->length,
                              out->capacity - out->length, NULL);
  if (LZ4F_isError (written))
    return -1;
  out->length += written;
  return 0;
}

const char *
compression_word (int method)
{
  if (method == COMPRESSION_ZSTD)
    return "ZSTD";
  return method == COMPRESSION_LZ4 ? "LZ4_FRAME" : NULL;
}
