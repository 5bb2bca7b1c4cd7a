/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk of a snapshot: blocks of one table that has rows of its own. */

#ifndef POSTGRES_CHUNK_H
#define POSTGRES_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a chunk's text, with its NUL. */
#define CHUNK_TEXT_SIZE 64

struct chunk {
  uint32_t table; /* OID of the table or of a leaf of it */
  uint32_t file;  /* its relfilenode: another one after a rewrite */
  uint32_t first; /* block */
  uint32_t end;   /* behind the last block; 0: to the end of the table */
};

/* "TABLE FILE FIRST END" */
void chunk_text (const struct chunk *chunk, char ret_text[CHUNK_TEXT_SIZE]);
bool chunk_parse (const char *text, struct chunk *ret_chunk);

#endif /* POSTGRES_CHUNK_H */
