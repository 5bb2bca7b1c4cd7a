/* SPDX-License-Identifier: Apache-2.0 */
/* Hands the output plugin's messages on to the core. */

#include <string.h>

#include "pgoutput.h"
#include "position.h"
#include "query.h"
#include "stream.h"

static int
changes_malformed (struct stream *stream, char type)
{
  return host->fail (stream->self->instance, EZCDC_E_OPERATOR,
                     "read changes (%s): the server sent a message of type"
                     " '%c' that makes no sense; report it with the server's"
                     " version (%d)",
                     stream->session->peer,
                     type >= ' ' && type <= '~' ? type : '?',
                     stream->session->version);
}

/* Finds the table of a row and makes sure that the core knows it as it is. */
static int
changes_table (struct stream *stream, struct ezcdc_feed *feed, uint32_t oid,
               struct relation **ret_relation)
{
  struct relation *relation = relations_find (&stream->relations, oid);
  int code = EZCDC_OK;

  if (relation == NULL)
    return host->fail (stream->self->instance, EZCDC_E_BUG,
                       "read changes (%s): a row of table %u, which nothing"
                       " has described",
                       stream->session->peer, oid);
  if (relation->wanted && !relation->described) {
    code = relation_describe (relation, stream->self);
    if (code == EZCDC_OK)
      code = host->feed_table (feed, &relation->table);
    if (code >= 0)
      relation->described = true;
  }
  *ret_relation = relation;
  return code < 0 ? code : EZCDC_OK;
}

/* What an update did not send may stand in the old row. */
static void
changes_complete (const struct relation *relation)
{
  uint32_t i;

  for (i = 0; i < relation->count; i++)
    if (relation->values[i].state == EZCDC_UNCHANGED
        && relation->old_values[i].state == EZCDC_VALUE)
      relation->values[i] = relation->old_values[i];
}

static int
changes_upsert (struct stream *stream, struct ezcdc_feed *feed,
                struct relation *relation,
                const struct pgoutput_message *message, const char *data)
{
  struct ezcdc_value *old = message->old ? relation->old_values : NULL;
  const char *at = message->body;

  if (old != NULL
      && (!pgoutput_tuple (&at, message->end, relation->count, old)
          || !pgoutput_new (&at, message->end)))
    return changes_malformed (stream, message->type);
  if (!pgoutput_tuple (&at, message->end, relation->count, relation->values))
    return changes_malformed (stream, message->type);
  if (!value_rules_apply (&relation->rules, relation->values, old))
    return host->fail (stream->self->instance, EZCDC_E_MEMORY,
                       "out of memory");
  if (message->old == 'O')
    changes_complete (relation);
  return host->feed_row (
    feed, relation->oid, message->type == 'I' ? EZCDC_INSERT : EZCDC_UPDATE,
    relation->values, old, data, (size_t) (message->end - data));
}

static int
changes_delete (struct stream *stream, struct ezcdc_feed *feed,
                struct relation *relation,
                const struct pgoutput_message *message, const char *data)
{
  static const struct ezcdc_value null = { NULL, 0, EZCDC_NULL };
  const char *at = message->body;
  uint32_t i;

  if (!pgoutput_tuple (&at, message->end, relation->count,
                       relation->old_values))
    return changes_malformed (stream, message->type);
  if (!value_rules_apply (&relation->rules, relation->old_values, NULL))
    return host->fail (stream->self->instance, EZCDC_E_MEMORY,
                       "out of memory");
  for (i = 0; i < relation->count; i++)
    relation->keys[i] = relation->columns[i].flags & EZCDC_COLUMN_KEY
                          ? relation->old_values[i]
                          : null;
  return host->feed_row (feed, relation->oid, EZCDC_DELETE, relation->keys,
                         message->old == 'O' ? relation->old_values : NULL,
                         data, (size_t) (message->end - data));
}

static int
changes_row (struct stream *stream, struct ezcdc_feed *feed,
             const struct pgoutput_message *message, const char *data)
{
  struct relation *relation;
  int code;

  code = changes_table (stream, feed, message->relation, &relation);
  if (code != EZCDC_OK || !relation->wanted)
    return code;
  return message->type == 'D'
           ? changes_delete (stream, feed, relation, message, data)
           : changes_upsert (stream, feed, relation, message, data);
}

static int
changes_truncate (struct stream *stream, struct ezcdc_feed *feed,
                  const struct pgoutput_message *message)
{
  const char *at = message->body;
  struct relation *relation;
  uint32_t i, oid;
  int code = EZCDC_OK, full = EZCDC_OK;

  for (i = 0; i < message->relation_count && code >= 0; i++) {
    if (!pgoutput_relation (&at, message->end, &oid))
      return changes_malformed (stream, message->type);
    code = changes_table (stream, feed, oid, &relation);
    if (code == EZCDC_OK && relation->wanted)
      code = host->feed_truncate (feed, oid);
    if (code == EZCDC_FULL)
      full = EZCDC_FULL;
  }
  return code < 0 ? code : full;
}

static int
changes_begin (struct stream *stream, struct ezcdc_feed *feed,
               const struct pgoutput_message *message)
{
  struct ezcdc_position commit = position_on_timeline (
    message->lsn, stream->timeline.number);

  stream->in_transaction = true;
  return host->feed_begin (feed, &commit, message->commit_time);
}

static int
changes_commit (struct stream *stream, struct ezcdc_feed *feed,
                const struct pgoutput_message *message)
{
  struct ezcdc_position end = position_on_timeline (message->end_lsn,
                                                    stream->timeline.number);

  stream->in_transaction = false;
  if (message->end_lsn > stream->received)
    stream->received = message->end_lsn;
  if (message->end_lsn > stream->fed)
    stream->fed = message->end_lsn;
  return host->feed_commit (feed, &end);
}

int
changes_feed (struct stream *stream, struct ezcdc_feed *feed, char *data,
              size_t length)
{
  struct pgoutput_message message;

  if (!pgoutput_parse (data, data + length, &message))
    return changes_malformed (stream, length > 0 ? *data : '?');
  switch (message.type) {
  case 'B':
    return changes_begin (stream, feed, &message);
  case 'C':
    return changes_commit (stream, feed, &message);
  case 'R':
    return relations_update (&stream->relations, stream->self, &message, data);
  case 'I':
  case 'U':
  case 'D':
    return changes_row (stream, feed, &message, data);
  case 'T':
    return changes_truncate (stream, feed, &message);
  case 'Y': /* a type's name; we ask the catalog */
  case 'O': /* where the change came from before */
  case 'M': /* a message of an application */
    return EZCDC_OK;
  }
  /* What it says of the rows behind it is not known either. */
  return host->fail (stream->self->instance, EZCDC_E_OPERATOR,
                     "read the stream: a message of type 0x%02x is not known;"
                     " this version of ezcdc does not understand what the"
                     " server sends for slot %s",
                     (unsigned) (unsigned char) message.type,
                     stream->self->slot);
}
