/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what StarRocks says about its tables and nodes through MySQL's
 * protocol. The input is the greeting of a server, and up to six lines: a row
 * of information_schema.columns, where \N is NULL; the first two are also a
 * row of SHOW BACKENDS. */

#include <config.h>

#include <string.h>

#include "plugins/starrocks/cluster.h"
#include "plugins/starrocks/greeting.h"
#include "plugins/starrocks/host.h"
#include "plugins/starrocks/identifiers.h"
#include "plugins/starrocks/layout.h"
#include "plugins/starrocks/types.h"
#include "tests/fuzz/fuzz.h"

#define FIELDS 6

const struct ezcdc_host *host;

/* Cuts text into lines in place; what is missing is NULL. */
static void
split (char *text, const char *ret_fields[FIELDS])
{
  for (unsigned i = 0; i < FIELDS; i++) {
    char *end = text == NULL ? NULL : strchr (text, '\n');
    if (end != NULL)
      *end = '\0';
    ret_fields[i] = text == NULL || strcmp (text, "\\N") == 0 ? NULL : text;
    text = end == NULL ? NULL : end + 1;
  }
}

/* Each type that a source may have against the one that was read. */
static void
check_fit (const struct column_type *existing)
{
  static const struct settings settings = { .database = "shop",
                                            .key_bytes = 128,
                                            .decimal_scale = 9,
                                            .decimal_native = 1,
                                            .json_native = 1 };
  struct column_type wanted;
  char text[TYPE_TEXT_SIZE];

  type_print (existing, text, sizeof text);
  FUZZ_CHECK (strlen (text) < sizeof text - 1);
  for (uint32_t type = EZCDC_TYPE_BOOL; type <= EZCDC_TYPE_OTHER; type++)
    for (int32_t precision = -1; precision <= 39; precision += 20) {
      struct ezcdc_column source = {
        .type = type, .precision = precision, .scale = 3, .length = precision
      };
      type_wanted (&settings, 30311, &source, &wanted);
      type_fit (&source, &wanted, existing);
    }
}

static void
check_layout (struct target_column *column)
{
  const struct target_columns target = { .items = column, .count = 1 };
  struct ezcdc_column source = { .name = column->name,
                                 .type = EZCDC_TYPE_STRING,
                                 .precision = -1,
                                 .length = -1 };
  struct ezcdc_table table = { .columns = &source, .column_count = 1 };
  struct layout *layout = NULL;
  struct buffer header = { 0 };

  if (layout_make (&table, &target, 128, &layout) == 0) {
    FUZZ_CHECK (layout_equal (layout, layout));
    layout_header (layout, NULL, 1, &header);
    FUZZ_CHECK (!header.failed);
  }
  identifiers_check (&table, &header);
  buffer_free (&header);
  layout_free (layout);
}

static void
check_row (const char *const fields[FIELDS])
{
  struct target_columns columns = { 0 };
  struct target_column column;
  uint32_t port;

  if (node_read (fields[0], fields[1], &port))
    FUZZ_CHECK (port >= 1 && port <= 65535);
  if (fields[1] != NULL)
    FUZZ_CHECK (version_parse (fields[1]) >= 0);
  if (target_column_read (fields, 1, &column) != 0)
    return;
  check_fit (&column.type);
  check_layout (&column);
  columns.items = malloc (sizeof column);
  FUZZ_CHECK (columns.items != NULL);
  columns.items[0] = column;
  columns.count = 1;
  target_columns_free (&columns);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  const char *fields[FIELDS];
  char *text = malloc (length + 1);

  FUZZ_CHECK (text != NULL);
  int offers = greeting_offers_tls (data, length);
  FUZZ_CHECK (offers >= -1 && offers <= 1);
  memcpy (text, data, length);
  text[length] = '\0';
  split (text, fields);
  check_row (fields);
  free (text);
  return 0;
}
