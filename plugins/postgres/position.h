/* SPDX-License-Identifier: Apache-2.0 */
/* Positions: an LSN as eight bytes, big-endian, and as X/Y. Behind it may
 * stand the timeline that it was read from, as four bytes. */

#ifndef POSTGRES_POSITION_H
#define POSTGRES_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include <ezcdc/connector.h>

/* Room for "FFFFFFFF/FFFFFFFF" and a NUL. */
#define LSN_TEXT_SIZE 18

struct ezcdc_position position_of_lsn (uint64_t lsn);
struct ezcdc_position position_on_timeline (uint64_t lsn, uint32_t timeline);
/* 0 if it is not known. */
uint32_t position_timeline (const struct ezcdc_position *position);
/* 0 for the empty position. */
uint64_t position_lsn (const struct ezcdc_position *position);

/* "X/Y" and nothing else. */
bool lsn_parse (const char *text, uint64_t *ret_lsn);
/* Writes "X/Y" and returns ret_text. */
const char *lsn_text (uint64_t lsn, char ret_text[LSN_TEXT_SIZE]);

/* The source's functions of the same names. */
void position_text (const struct ezcdc_position *position, char *ret_text);
int64_t position_distance (const struct ezcdc_position *from,
                           const struct ezcdc_position *to);

#endif /* POSTGRES_POSITION_H */
