/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector says about itself, checked member by member and copied.
 *
 * Sizes decide what may be read: a table that is shorter than that of ABI 1.0
 * is refused, of a longer one than ours the rest is left unread, and what is
 * missing is zero in our copy.
 */

#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"

/* Sizes in ABI 1.0: up to and with the last member it had. */
#define SIZE_THROUGH(type_, member_)                                          \
  (offsetof (type_, member_) + sizeof (((type_ *) 0)->member_))
#define CONNECTOR_SIZE_1_0 SIZE_THROUGH (struct ezcdc_connector, sink)
#define OPTION_SIZE_1_0 SIZE_THROUGH (struct ezcdc_option, flags)
#define SOURCE_SIZE_1_0 SIZE_THROUGH (struct ezcdc_source, fetch)
#define SINK_SIZE_1_0 SIZE_THROUGH (struct ezcdc_sink, scan)

#define MOST_BYTES 4096 /* of any table; none will ever be so large */
#define MOST_OPTIONS 256
#define MOST_TEXT 200 /* of version, summary, licence */

/* Bits of must_understand that this program knows. */
#define UNDERSTOOD UINT64_C (0)

static int refuse (struct error *error, const char *what, const char *format,
                   ...) __attribute__ ((format (printf, 3, 4)));

static int
refuse (struct error *error, const char *what, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  error_vset (error, EZCDC_E_CONFIG, format, arguments);
  va_end (arguments);
  error_prefix (error, "refuse %s", what);
  return EZCDC_E_CONFIG;
}

static int
check_size (uint64_t size, uint64_t least, const char *table, const char *what,
            struct error *error)
{
  if (size < least || size > MOST_BYTES)
    return refuse (error, what,
                   "its %s says it has %llu bytes; from %llu to %d are "
                   "possible",
                   table, (unsigned long long) size,
                   (unsigned long long) least, MOST_BYTES);
  if (size % 8 != 0)
    return refuse (error, what,
                   "its %s says it has %llu bytes, no multiple of 8", table,
                   (unsigned long long) size);
  return 0;
}

/* Copies what both know and leaves the rest as it is: zero. */
static void
copy_common (void *ret_copy, size_t ours, const void *table, uint64_t theirs)
{
  memcpy (ret_copy, table, theirs < ours ? theirs : ours);
}

/* ---- The head ---------------------------------------------------------- */

static int
check_version (const struct ezcdc_connector *descriptor, const char *what,
               struct error *error)
{
  if (descriptor->abi_major != EZCDC_ABI_MAJOR)
    return refuse (error, what,
                   "it was built for connector ABI %lu; this program has "
                   "%d.%d",
                   (unsigned long) descriptor->abi_major, EZCDC_ABI_MAJOR,
                   EZCDC_ABI_MINOR);
  if (descriptor->minimum_host_minor > EZCDC_ABI_MINOR)
    return refuse (error, what,
                   "it needs connector ABI %d.%lu or later; this program has "
                   "%d.%d: take a newer ezcdc or an older connector",
                   EZCDC_ABI_MAJOR,
                   (unsigned long) descriptor->minimum_host_minor,
                   EZCDC_ABI_MAJOR, EZCDC_ABI_MINOR);
  if (descriptor->minimum_host_minor > descriptor->abi_minor)
    return refuse (error, what,
                   "it needs a newer ABI (minor %lu) than it was built for "
                   "(%lu)",
                   (unsigned long) descriptor->minimum_host_minor,
                   (unsigned long) descriptor->abi_minor);
  if ((descriptor->must_understand & ~UNDERSTOOD) != 0)
    return refuse (
      error, what,
      "it asks for features 0x%llx that this program does not "
      "know: take a newer ezcdc or an older connector",
      (unsigned long long) (descriptor->must_understand & ~UNDERSTOOD));
  return 0;
}

static int
check_kind (const struct ezcdc_connector *descriptor, const char *what,
            struct error *error)
{
  const uint32_t both = EZCDC_KIND_SOURCE | EZCDC_KIND_SINK;

  if (descriptor->kind == 0 || (descriptor->kind & ~both) != 0)
    return refuse (error, what,
                   "its kind is %lu; source (1), sink (2) or both (3) are "
                   "possible",
                   (unsigned long) descriptor->kind);
  if (descriptor->threads == 0)
    return refuse (error, what,
                   "it declares no thread rule (EZCDC_THREADS_...)");
  if (descriptor->threads > EZCDC_THREADS_PARALLEL)
    return refuse (error, what, "its thread rule %lu is unknown",
                   (unsigned long) descriptor->threads);
  return 0;
}

/* [a-z][a-z0-9_-]{0,31} */
static bool
is_connector_name (const char *name)
{
  const char first[] = "abcdefghijklmnopqrstuvwxyz";
  const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  size_t length = strnlen (name, 33);

  return length >= 1 && length <= 32 && strchr (first, name[0]) != NULL
         && strspn (name, others) == length;
}

static int
check_text (const char *text, const char *member, const char *what,
            struct error *error)
{
  size_t length;

  if (text == NULL || text[0] == '\0')
    return refuse (error, what, "it has no %s", member);
  length = strnlen (text, MOST_TEXT + 1);
  if (length > MOST_TEXT)
    return refuse (error, what, "its %s has more than %d bytes", member,
                   MOST_TEXT);
  if (!utf8_valid (text, length))
    return refuse (error, what, "its %s is not valid UTF-8", member);
  if (!utf8_is_line (text, length))
    return refuse (error, what, "its %s is not one line of text", member);
  return 0;
}

static int
check_texts (const struct ezcdc_connector *descriptor, const char *what,
             struct error *error)
{
  if (descriptor->name == NULL || !is_connector_name (descriptor->name))
    return refuse (error, what,
                   "its name is no [a-z][a-z0-9_-]* of at most 32 "
                   "characters");
  if (check_text (descriptor->version, "version", what, error) != 0
      || check_text (descriptor->summary, "summary", what, error) != 0
      || check_text (descriptor->license, "licence", what, error) != 0)
    return error->code;
  return 0;
}

/* ---- The options ------------------------------------------------------- */

static int
copy_options (const struct ezcdc_connector *descriptor, const char *what,
              struct ezcdc_option **ret_options, struct error *error)
{
  uint32_t count = descriptor->option_count;
  uint32_t stride = descriptor->option_stride;
  struct ezcdc_option *options;

  if (count == 0) {
    *ret_options = NULL;
    return 0;
  }
  if (descriptor->options == NULL)
    return refuse (error, what, "it counts %lu options but has no table",
                   (unsigned long) count);
  if (count > MOST_OPTIONS)
    return refuse (error, what, "it counts %lu options; at most %d may be",
                   (unsigned long) count, MOST_OPTIONS);
  if (check_size (stride, OPTION_SIZE_1_0, "option (option_stride)", what,
                  error)
      != 0)
    return error->code;
  options = calloc (count, sizeof *options);
  if (options == NULL)
    return error_set (error, EZCDC_E_MEMORY, "load %s: out of memory", what);
  for (uint32_t i = 0; i < count; i++)
    copy_common (&options[i], sizeof options[i],
                 (const char *) descriptor->options + (size_t) i * stride,
                 stride);
  *ret_options = options;
  return 0;
}

static int
check_options (const struct connector *connector, const char *what,
               struct error *error)
{
  struct option_table tables[OPTION_TABLES_MAX];
  size_t count = option_tables_of (&connector->descriptor, tables);

  /* The first table is the connector's own; the others are the core's. */
  if (option_table_check (&tables[0], tables + 1, count - 1, what, error) != 0)
    return error_prefix (error, "refuse");
  return 0;
}

/* ---- Source and sink --------------------------------------------------- */

/* What stands in for an optional function, so that nobody needs to ask. */
static void
default_interrupt (void *self)
{
  (void) self;
}

static int
default_source_check (void *self)
{
  (void) self;
  return EZCDC_OK;
}

static int
default_sink_check (void *self, const struct ezcdc_table *const *tables,
                    uint64_t table_count)
{
  (void) self;
  (void) tables;
  (void) table_count;
  return EZCDC_OK;
}

static int64_t
default_position_distance (const struct ezcdc_position *from,
                           const struct ezcdc_position *to)
{
  (void) from;
  (void) to;
  return -1;
}

static int
default_fetch (void *self, const struct ezcdc_table *table,
               const struct ezcdc_value *keys, uint64_t count,
               struct ezcdc_feed *feed)
{
  (void) self;
  (void) table;
  (void) keys;
  (void) count;
  (void) feed;
  return EZCDC_E_UNSUPPORTED;
}

#define REQUIRE(table_, member_, kind_)                                       \
  do {                                                                        \
    if ((table_)->member_ == NULL)                                            \
      return refuse (error, what, "its %s has no function %s", kind_,         \
                     #member_);                                               \
  } while (0)

static int
copy_source (const struct ezcdc_connector *descriptor, const char *what,
             struct ezcdc_source *ret_source, struct error *error)
{
  struct ezcdc_source source = { 0 };

  if ((descriptor->kind & EZCDC_KIND_SOURCE) == 0) {
    if (descriptor->source != NULL)
      return refuse (error, what,
                     "it has a source table, but its kind is no source");
    return 0;
  }
  if (descriptor->source == NULL)
    return refuse (error, what, "it is a source, but has no source table");
  if (check_size (descriptor->source->size, SOURCE_SIZE_1_0, "source table",
                  what, error)
      != 0)
    return error->code;
  copy_common (&source, sizeof source, descriptor->source,
               descriptor->source->size);

  REQUIRE (&source, open, "source");
  REQUIRE (&source, close, "source");
  REQUIRE (&source, discover, "source");
  REQUIRE (&source, prepare, "source");
  REQUIRE (&source, current_position, "source");
  REQUIRE (&source, position_text, "source");
  REQUIRE (&source, snapshot_open, "source");
  REQUIRE (&source, snapshot_close, "source");
  REQUIRE (&source, snapshot_plan, "source");
  REQUIRE (&source, reader_open, "source");
  REQUIRE (&source, reader_close, "source");
  REQUIRE (&source, reader_begin, "source");
  REQUIRE (&source, reader_read, "source");
  REQUIRE (&source, stream_open, "source");
  REQUIRE (&source, stream_close, "source");
  REQUIRE (&source, stream_read, "source");
  REQUIRE (&source, stream_confirm, "source");

  if (source.interrupt == NULL)
    source.interrupt = default_interrupt;
  if (source.check == NULL)
    source.check = default_source_check;
  if (source.position_distance == NULL)
    source.position_distance = default_position_distance;
  if (source.fetch == NULL)
    source.fetch = default_fetch;
  *ret_source = source;
  return 0;
}

static int
copy_sink (const struct ezcdc_connector *descriptor, const char *what,
           struct ezcdc_sink *ret_sink, struct error *error)
{
  struct ezcdc_sink sink = { 0 };

  if ((descriptor->kind & EZCDC_KIND_SINK) == 0) {
    if (descriptor->sink != NULL)
      return refuse (error, what,
                     "it has a sink table, but its kind is no sink");
    return 0;
  }
  if (descriptor->sink == NULL)
    return refuse (error, what, "it is a sink, but has no sink table");
  if (check_size (descriptor->sink->size, SINK_SIZE_1_0, "sink table", what,
                  error)
      != 0)
    return error->code;
  copy_common (&sink, sizeof sink, descriptor->sink, descriptor->sink->size);

  REQUIRE (&sink, open, "sink");
  REQUIRE (&sink, close, "sink");
  REQUIRE (&sink, prepare, "sink");
  REQUIRE (&sink, write, "sink");

  if (sink.interrupt == NULL)
    sink.interrupt = default_interrupt;
  if (sink.check == NULL)
    sink.check = default_sink_check;
  *ret_sink = sink;
  return 0;
}

/* ---- All of it --------------------------------------------------------- */

static int
check_and_copy (const struct ezcdc_connector *descriptor, const char *what,
                struct connector *connector, struct error *error)
{
  struct ezcdc_connector *copy = &connector->descriptor;

  if (descriptor->magic != EZCDC_CONNECTOR_MAGIC)
    return refuse (error, what,
                   "its descriptor does not begin with the magic number");
  if (check_size (descriptor->size, CONNECTOR_SIZE_1_0, "descriptor", what,
                  error)
      != 0)
    return error->code;
  copy_common (copy, sizeof *copy, descriptor, descriptor->size);
  if (check_version (copy, what, error) != 0
      || check_kind (copy, what, error) != 0
      || check_texts (copy, what, error) != 0
      || copy_source (copy, what, &connector->source, error) != 0
      || copy_sink (copy, what, &connector->sink, error) != 0
      || copy_options (copy, what, &connector->options, error) != 0)
    return error->code;

  copy->size = sizeof *copy;
  copy->option_stride = sizeof *connector->options;
  copy->options = connector->options;
  copy->source = copy->source == NULL ? NULL : &connector->source;
  copy->sink = copy->sink == NULL ? NULL : &connector->sink;
  return check_options (connector, what, error);
}

int
loader_check (const struct ezcdc_connector *descriptor, const char *what,
              struct connector *ret_connector, struct error *error)
{
  memset (ret_connector, 0, sizeof *ret_connector);
  ret_connector->turn = (struct turn) TURN_INITIALIZER;
  int result = check_and_copy (descriptor, what, ret_connector, error);
  if (result != 0) {
    free (ret_connector->options);
    ret_connector->options = NULL;
  }
  return result;
}
