/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of a load's body while it is written. */
#ifndef STARROCKS_COMPRESS_H
#define STARROCKS_COMPRESS_H

#include "buffer.h"

struct compressor; /* a context of zstd or lz4, reused from load to load */

/* method is COMPRESSION_ZSTD or COMPRESSION_LZ4; NULL if memory ran out. */
struct compressor *compressor_new (int method);
void compressor_free (struct compressor *compressor);
int compressor_method (const struct compressor *compressor);
/* Begins a frame; what is left of an unfinished one is forgotten. 0 or -1. */
int compressor_begin (struct compressor *compressor, struct buffer *out);
int compressor_add (struct compressor *compressor, const char *data,
                    size_t length, struct buffer *out);
int compressor_end (struct compressor *compressor, struct buffer *out);
/* The most bytes that length more bytes and the frame's end can add. */
size_t compressor_bound (const struct compressor *compressor, size_t length);
/* What the header "compression" says; NULL for COMPRESSION_NONE. */
const char *compression_word (int method);

#endif /* STARROCKS_COMPRESS_H */
