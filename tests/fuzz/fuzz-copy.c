/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a row of COPY in text format and its way to canonical text.
 *
 * The input is u8 number of columns | for each: u8 type | the row. The type is
 * an EZCDC_TYPE_...; from 32 on, an array of them.
 */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include "plugins/postgres/copy.h"
#include "plugins/postgres/value.h"
#include "tests/fuzz/fuzz.h"

#define COLUMNS_MAX 16

/* Keeps the compiler from leaving out what is only read. */
volatile unsigned fuzz_sum;

/* Every byte of every value can be read. */
static void
read_values (const struct ezcdc_value *values, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    FUZZ_CHECK (values[i].state == EZCDC_VALUE
                || values[i].state == EZCDC_NULL);
    for (uint32_t j = 0; j < values[i].length; j++)
      fuzz_sum += (unsigned char) values[i].data[j];
  }
}

static void
check_row (const struct ezcdc_column *columns, unsigned count, char *row,
           size_t length)
{
  struct ezcdc_value values[COLUMNS_MAX] = { 0 };
  struct value_rules rules = { 0 };

  if (!copy_row (row, length, count, values))
    return;
  for (unsigned i = 0; i < count; i++)
    if (values[i].state == EZCDC_VALUE)
      FUZZ_CHECK (values[i].data >= row
                  && values[i].data + values[i].length <= row + length);
  read_values (values, count);
  FUZZ_CHECK (value_rules_set (&rules, columns, count));
  FUZZ_CHECK (value_rules_apply (&rules, values, NULL));
  read_values (values, count);
  value_rules_clear (&rules);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  struct ezcdc_column columns[COLUMNS_MAX] = { 0 };
  unsigned count = length == 0 ? 0 : data[0] % (COLUMNS_MAX + 1);

  if (length < 1 + count)
    return 0;
  for (unsigned i = 0; i < count; i++) {
    unsigned type = data[1 + i];
    columns[i].type = type < 32 ? type : EZCDC_TYPE_ARRAY;
    columns[i].element_type = type < 32 ? 0 : type % 32;
  }
  data += 1 + count;
  length -= 1 + count;
  /* Memory that ends where the row ends, and may be written to. */
  char *row = malloc (length > 0 ? length : 1);
  FUZZ_CHECK (row != NULL);
  memcpy (row, data, length);
  check_row (columns, count, row, length);
  free (row);
  return 0;
}
