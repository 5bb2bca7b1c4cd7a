/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a batch as one load, or as few as it takes.
 *
 * Labels decide whether a retry loads again, so one label must never stand
 * for two different sets of rows.  A batch that fits into one load has the
 * label of the core.  A part of a batch has a number and a digest of its
 * body behind it.  Behind a TRUNCATE every attempt has labels of its own: a
 * load that is found finished may have been emptied since. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "compress.h"
#include "connect.h"
#include "identifiers.h"
#include "layout.h"
#include "load.h"
#include "query.h"
#include "starrocks.h"
#include "values.h"

/* JSON of one load, far enough below the backends' write_buffer_size. */
#define JSON_MAX (UINT64_C (96) << 20)
#define BODY_DEFAULT (UINT64_C (32) << 20)
/* When StarRocks refuses rows that looked right: so many are searched for
 * in one call, with so many loads. */
#define SEARCH_ROWS 100
#define SEARCH_LOADS 2000

struct writing {
  struct starrocks *self;
  const struct ezcdc_batch *batch;
  const struct layout *layout;
  struct body *body;
  int method;
  uint64_t limit;
  char label[120]; /* of the core, or of this attempt */

  /* Rows with the same unchanged columns go into one partial update. Group 0
   * has the complete rows. */
  const uint32_t *groups; /* one a row; NULL: all in group 0 */
  struct buffer masks;    /* one byte a column and group */
  uint32_t group_count;

  uint64_t part;     /* loads so far */
  uint64_t last_row; /* index of the last row in the body */
  int divided;       /* 1: the batch is more than one load */
  uint64_t unfit;    /* rows refused by our own checks */
  uint64_t refused;  /* rows refused by StarRocks */
  uint64_t searches;
  int confirmed; /* 1: the table is what it was when rows were refused */
};

static int
no_memory (struct writing *writing)
{
  return host->fail (writing->self->instance, EZCDC_E_MEMORY,
                     "out of memory while writing to \"%s\"",
                     writing->batch->table->target);
}

static const uint8_t *
mask_of (const struct writing *writing, uint32_t group)
{
  return group == 0 ? NULL
                    : (const uint8_t *) writing->masks.data
                        + (size_t) group * writing->layout->column_count;
}

/* The group of a row with unchanged values: found, or made.  -1 if memory
 * ran out. */
static int64_t
group_of (struct writing *writing, const struct ezcdc_row *row, uint32_t hint)
{
  uint32_t count = writing->layout->column_count, group;
  uint8_t *mask;

  if (buffer_reserve (&writing->masks, count) == -1)
    return -1;
  mask = (uint8_t *) writing->masks.data + writing->masks.length;
  for (uint32_t i = 0; i < count; i++)
    mask[i] = row->values[i].state == EZCDC_UNCHANGED;
  if (hint > 0 && memcmp (mask_of (writing, hint), mask, count) == 0)
    return hint;
  for (group = 1; group < writing->group_count; group++)
    if (memcmp (mask_of (writing, group), mask, count) == 0)
      return group;
  writing->masks.length += count;
  return writing->group_count++;
}

static int
sort_into_groups (struct writing *writing)
{
  const struct ezcdc_batch *batch = writing->batch;
  struct buffer *scratch = &writing->body->scratch;
  uint32_t *groups, last = 0;
  uint64_t i;

  writing->group_count = 1;
  for (i = 0; i < batch->row_count && batch->rows[i].unchanged == 0; i++)
    ;
  if (i == batch->row_count)
    return EZCDC_OK;
  buffer_clear (scratch);
  if (batch->row_count > SIZE_MAX / sizeof *groups
      || buffer_reserve (scratch, batch->row_count * sizeof *groups) == -1
      || buffer_reserve (&writing->masks, writing->layout->column_count) == -1)
    return no_memory (writing);
  /* Group 0 unchanged: nothing. */
  memset (writing->masks.data, 0, writing->layout->column_count);
  writing->masks.length = writing->layout->column_count;
  groups = (uint32_t *) (void *) scratch->data;
  for (i = 0; i < batch->row_count; i++) {
    int64_t group = batch->rows[i].unchanged == 0
                        || batch->rows[i].operation == EZCDC_DELETE
                      ? 0
                      : group_of (writing, &batch->rows[i], last);

    if (group < 0)
      return no_memory (writing);
    groups[i] = (uint32_t) group;
    last = (uint32_t) group;
  }
  writing->groups = groups;
  return EZCDC_OK;
}

static void
refuse (struct writing *writing, uint64_t row, const char *column,
        const char *problem)
{
  char reason[LOAD_REASON_SIZE + 32];

  if (column != NULL)
    snprintf (reason, sizeof reason, "column \"%s\": the value %s", column,
              problem);
  else
    snprintf (reason, sizeof reason, "the row %s", problem);
  host->refuse_row (writing->self->instance, writing->batch, row, reason);
}

/* Whether StarRocks can store the row as it is; refuses it if not. */
static int
row_fits (struct writing *writing, uint64_t index)
{
  const struct ezcdc_row *row = &writing->batch->rows[index];
  const struct layout *layout = writing->layout;
  const char *problem = key_problem (layout, row->values);

  if (problem != NULL) {
    refuse (writing, index, NULL, problem);
    return 0;
  }
  for (uint32_t i = 0; i < layout->column_count; i++) {
    const struct ezcdc_value *value = &row->values[i];

    if (value->state != EZCDC_VALUE
        || (row->operation == EZCDC_DELETE
            && layout->columns[i].key_ordinal == 0))
      continue;
    problem = value_problem (&layout->columns[i], value->data, value->length);
    if (problem != NULL) {
      refuse (writing, index, layout->columns[i].name, problem);
      return 0;
    }
  }
  return 1;
}

/* The JSON of rows begin to end, as far as sizes are known. */
static uint64_t
expected_size (const struct writing *writing, uint64_t begin, uint64_t end)
{
  const struct ezcdc_batch *batch = writing->batch;
  uint64_t rows = end - begin, size;

  size = batch->bytes / batch->row_count * rows
         + rows * (writing->layout->row_overhead + 4);
  size += size / 8;
  return size < writing->limit ? size : writing->limit;
}

/* Puts rows of one group into the body, from begin until end or until it is
 * full; *ret_next is the first row that was not looked at. */
static int
fill (struct writing *writing, uint32_t group, uint64_t begin, uint64_t end,
      uint64_t *ret_next)
{
  struct body *body = writing->body;
  uint64_t i;

  if (body_begin (body, writing->method) == -1)
    return no_memory (writing);
  body_expect (body, expected_size (writing, begin, end));
  for (i = begin; i < end; i++) {
    if (writing->groups != NULL && writing->groups[i] != group)
      continue;
    if (!row_fits (writing, i)) {
      writing->unfit++;
      continue;
    }
    if (writing->unfit > 0)
      continue; /* nothing will be sent: only look at the rest */
    if (body_row (body, writing->layout, &writing->batch->rows[i],
                  mask_of (writing, group))
        == -1)
      return no_memory (writing);
    if (body->row_count > 1
        && (body_size (body) > writing->limit
            || body->raw_total + body->raw.length > JSON_MAX)) {
      body_undo (body);
      break;
    }
    if (body_keep (body) == -1)
      return no_memory (writing);
    writing->last_row = i;
  }
  *ret_next = i;
  return EZCDC_OK;
}

static uint64_t
digest (uint64_t hash, const char *data, size_t length)
{
  uint64_t word;

  for (; length >= sizeof word; data += sizeof word, length -= sizeof word) {
    memcpy (&word, data, sizeof word);
    hash = (hash ^ word) * UINT64_C (0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
  }
  word = length;
  memcpy (&word, data, length);
  hash = (hash ^ word ^ ((uint64_t) length << 56))
         * UINT64_C (0x9e3779b97f4a7c15);
  return hash ^ (hash >> 29);
}

static void
make_label (struct writing *writing, const struct load *load, char *ret_label)
{
  uint64_t hash;

  writing->part++;
  if (!writing->divided && !writing->batch->truncate) {
    snprintf (ret_label, LABEL_SIZE, "%s", writing->label);
    return;
  }
  if (writing->batch->truncate) {
    snprintf (ret_label, LABEL_SIZE, "%s-%u", writing->label,
              (unsigned) writing->part);
    return;
  }
  hash = digest (load->body_length, load->body, load->body_length);
  if (load->columns != NULL)
    hash = digest (hash, load->columns, strlen (load->columns));
  snprintf (ret_label, LABEL_SIZE, "%s-%u-%016llx", writing->label,
            (unsigned) writing->part, (unsigned long long) hash);
}

/* Sends what fill has put into the body. */
static int
send_body (struct writing *writing, uint32_t group, char *ret_reason)
{
  struct body *body = writing->body;
  struct load load = { .batch = writing->batch,
                       .table = writing->batch->table->target };
  char label[LABEL_SIZE];
  int code;

  if (body_end (body, &load.body, &load.body_length) == -1)
    return no_memory (writing);
  load.compression = compression_word (writing->method);
  load.partial = group > 0;
  if (load.partial || writing->layout->mapped) {
    buffer_clear (&body->header);
    layout_header (writing->layout, mask_of (writing, group), !load.partial,
                   &body->header);
    load.columns = buffer_string (&body->header);
    if (body->header.failed)
      return no_memory (writing);
  }
  make_label (writing, &load, label);
  load.label = label;
  code = load_run (writing->self, &load, ret_reason);
  if (code == EZCDC_OK) {
    host->count (writing->self->instance, "rows_loaded",
                 (int64_t) body->row_count);
    host->count (writing->self->instance, "json_bytes",
                 (int64_t) body->raw_total);
  }
  return code;
}

/* Rows were refused that looked right.  If somebody has altered the table,
 * it is the layout that is wrong. */
static int
confirm_table (struct writing *writing)
{
  struct layout *now;
  int same, code;

  if (writing->confirmed)
    return EZCDC_OK;
  code = target_bind (writing->self, writing->batch->table, &now);
  if (code != EZCDC_OK)
    return code;
  same = layout_equal (now, writing->layout);
  layout_free (now);
  if (!same)
    return host->fail (writing->self->instance, EZCDC_E_SCHEMA,
                       "table \"%s\" was altered",
                       writing->batch->table->target);
  writing->confirmed = 1;
  return EZCDC_OK;
}

static int send_range (struct writing *writing, uint32_t group, uint64_t begin,
                       uint64_t end);

/* Looks for the rows that StarRocks refuses, by halves. */
static int
search (struct writing *writing, uint32_t group, uint64_t begin, uint64_t end,
        const char *reason)
{
  uint64_t middle = begin + (end - begin) / 2;
  char problem[LOAD_REASON_SIZE];
  int code = confirm_table (writing);

  if (code != EZCDC_OK)
    return code;
  if (writing->body->row_count == 1) {
    snprintf (problem, sizeof problem, "is refused by StarRocks: %.500s",
              reason);
    refuse (writing, writing->last_row, NULL, problem);
    writing->refused++;
    return EZCDC_OK;
  }
  writing->divided = 1;
  code = send_range (writing, group, begin, middle);
  if (code == EZCDC_OK)
    code = send_range (writing, group, middle, end);
  return code;
}

static int
send_range (struct writing *writing, uint32_t group, uint64_t begin,
            uint64_t end)
{
  char reason[LOAD_REASON_SIZE];

  while (begin < end) {
    uint64_t next = end;
    int code;

    if (host->interrupted (writing->self->instance))
      return EZCDC_E_STOPPED;
    /* Enough was found: the core takes those rows out and comes back. */
    if (writing->refused >= SEARCH_ROWS
        || (writing->refused > 0 && writing->searches >= SEARCH_LOADS))
      return EZCDC_OK;
    code = fill (writing, group, begin, end, &next);
    if (code != EZCDC_OK)
      return code;
    if (next < end)
      writing->divided = 1;
    if (writing->unfit == 0 && writing->body->row_count > 0) {
      code = send_body (writing, group, reason);
      if (code == EZCDC_E_ROW) {
        writing->searches++;
        code = search (writing, group, begin, next, reason);
      }
      if (code != EZCDC_OK)
        return code;
    }
    begin = next;
  }
  return EZCDC_OK;
}

static int
send_groups (struct writing *writing)
{
  writing->divided = writing->group_count > 1;
  for (uint32_t group = 0; group < writing->group_count; group++) {
    int code = send_range (writing, group, 0, writing->batch->row_count);

    if (code != EZCDC_OK)
      return code;
  }
  return EZCDC_OK;
}

static int
fail_rows (struct writing *writing)
{
  uint64_t count = writing->unfit + writing->refused;

  return host->fail (writing->self->instance, EZCDC_E_ROW,
                     "%llu row(s) of \"%s\" can't be stored",
                     (unsigned long long) count,
                     writing->batch->table->target);
}

static int
truncate_table (struct writing *writing)
{
  struct starrocks *self = writing->self;
  struct connection *connection;
  struct buffer sql = { 0 };
  int code;

  /* A row that will be refused anyway must not leave the table empty. */
  for (uint64_t i = 0; i < writing->batch->row_count; i++)
    writing->unfit += !row_fits (writing, i);
  if (writing->unfit > 0)
    return fail_rows (writing);
  snprintf (writing->label, sizeof writing->label, "%.100s-t%llx",
            writing->batch->label, (unsigned long long) host->real_time ());
  code = connection_take (self, &connection);
  if (code != EZCDC_OK)
    return code;
  buffer_text (&sql, "TRUNCATE TABLE ");
  identifier_table (&sql, self->settings.database,
                    writing->batch->table->target);
  code = query_run (self, connection, &sql, "truncate the table");
  buffer_free (&sql);
  connection_give (self, connection, code == EZCDC_OK);
  return code;
}

static int
write_rows (struct writing *writing)
{
  const struct ezcdc_batch *batch = writing->batch;
  int code = EZCDC_OK;

  snprintf (writing->label, sizeof writing->label, "%.100s", batch->label);
  if (batch->truncate)
    code = truncate_table (writing);
  if (code == EZCDC_OK)
    code = sort_into_groups (writing);
  if (code == EZCDC_OK)
    code = send_groups (writing);
  if (code == EZCDC_OK && writing->unfit + writing->refused > 0)
    code = fail_rows (writing);
  return code;
}

int
compression_is_known (struct starrocks *self)
{
  int method = self->settings.compression;

  return method == COMPRESSION_AUTO || method == COMPRESSION_NONE
         || starrocks_version (self) >= COMPRESSION_OLDEST;
}

static int
choose_compression (struct starrocks *self)
{
  const struct settings *settings = &self->settings;

  if (settings->compression != COMPRESSION_AUTO)
    return settings->compression;
  /* Over the loopback it only costs time. */
  if (settings->endpoints[0].loopback
      || starrocks_version (self) < COMPRESSION_OLDEST)
    return COMPRESSION_NONE;
  return COMPRESSION_ZSTD;
}

static int
write_target (struct starrocks *self, struct target *target,
              const struct ezcdc_batch *batch)
{
  struct writing writing = { .self = self, .batch = batch };
  int code = starrocks_ready (self);

  if (code == EZCDC_OK
      && (target->layout == NULL
          || target->layout->version != batch->table->version
          || target->layout->column_count != batch->table->column_count))
    return host->fail (self->instance, EZCDC_E_SCHEMA,
                       "table \"%s\" has changed since it was prepared",
                       batch->table->target);
  if (code != EZCDC_OK)
    return code;
  writing.layout = target->layout;
  writing.method = choose_compression (self);
  writing.limit = host->body_limit (self->instance);
  if (writing.limit == 0)
    writing.limit = BODY_DEFAULT;
  writing.body = body_take (self);
  if (writing.body == NULL)
    return no_memory (&writing);
  code = write_rows (&writing);
  body_give (self, writing.body);
  buffer_free (&writing.masks);
  return code;
}

int
starrocks_write (void *context, const struct ezcdc_batch *batch)
{
  struct starrocks *self = context;
  struct target *target;
  int code;

  if (batch->row_count == 0 && !batch->truncate)
    return EZCDC_OK;
  target = target_get (self, batch->table->target);
  if (target == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  pthread_mutex_lock (&target->lock);
  code = write_target (self, target, batch);
  pthread_mutex_unlock (&target->lock);
  return code;
}
