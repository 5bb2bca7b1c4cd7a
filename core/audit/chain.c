/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of an audit log. */

#include <config.h>

#include <string.h>

#include <openssl/crypto.h>

#include "core/audit/chain.h"

#define MAC_DIGITS (AUDIT_MAC_TEXT_SIZE - 1)
#define ID_DIGITS (KEY_ID_TEXT_SIZE - 1)

/* ---- One line ---------------------------------------------------------- */

struct cursor {
  const char *at;
  const char *end;
};

static bool
skip (struct cursor *cursor, const char *expected)
{
  size_t length = strlen (expected);

  if ((size_t) (cursor->end - cursor->at) < length
      || memcmp (cursor->at, expected, length) != 0)
    return false;
  cursor->at += length;
  return true;
}

static bool
take_number (struct cursor *cursor, uint64_t *ret_number)
{
  const char *begin = cursor->at;
  uint64_t number = 0;

  while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'
         && cursor->at - begin < 19)
    number = number * 10 + (uint64_t) (*cursor->at++ - '0');
  if (cursor->at == begin || (*begin == '0' && cursor->at - begin > 1))
    return false;
  *ret_number = number;
  return true;
}

/* A string without escapes, up to the quote behind it. */
static bool
take_word (struct cursor *cursor, const char **ret_word, size_t *ret_length)
{
  const char *begin = cursor->at;
  const char *quote = memchr (begin, '"', (size_t) (cursor->end - begin));

  if (quote == NULL)
    return false;
  *ret_word = begin;
  *ret_length = (size_t) (quote - begin);
  cursor->at = quote + 1;
  return true;
}

static bool
take_digits (struct cursor *cursor, size_t count, const char **ret_digits)
{
  if ((size_t) (cursor->end - cursor->at) < count)
    return false;
  for (size_t i = 0; i < count; i++)
    if (strchr ("0123456789abcdef", cursor->at[i]) == NULL
        || cursor->at[i] == '\0')
      return false;
  *ret_digits = cursor->at;
  cursor->at += count;
  return true;
}

/* The head: as far as the action. */
static bool
parse_head (struct cursor *cursor, struct audit_line *line)
{
  return skip (cursor, "{\"v\":1,\"seq\":") && take_number (cursor, &line->seq)
         && skip (cursor, ",\"timestamp\":\"")
         && take_word (cursor, &line->timestamp, &line->timestamp_length)
         && skip (cursor, ",\"action\":\"")
         && take_word (cursor, &line->action, &line->action_length)
         && skip (cursor, ",\"user_id\":\"");
}

/* The number in front of the tail, and what says that it is the epoch. */
static bool
parse_epoch (const char *begin, const char *end, struct audit_line *line)
{
  static const char name[] = ",\"epoch\":";
  struct cursor cursor = { end, end };

  while (cursor.at > begin && cursor.at[-1] >= '0' && cursor.at[-1] <= '9')
    cursor.at--;
  if (!take_number (&cursor, &line->epoch) || cursor.at != end)
    return false;
  while (cursor.at > begin && cursor.at[-1] != ',')
    cursor.at--;
  if (cursor.at == begin)
    return false;
  cursor.at--;
  return skip (&cursor, name);
}

/* The tail has a fixed length: it is found from the end. */
static bool
parse_tail (const char *begin, size_t length, struct audit_line *line)
{
  static const char shape[] = ",\"prev\":\"\",\"mac\":\"\"}";
  size_t tail = sizeof shape - 1 + 2 * MAC_DIGITS;

  if (length < tail)
    return false;
  struct cursor cursor = { begin + length - tail, begin + length };
  if (!parse_epoch (begin, cursor.at, line) || !skip (&cursor, ",\"prev\":\"")
      || !take_digits (&cursor, MAC_DIGITS, &line->prev)
      || !skip (&cursor, "\""))
    return false;
  line->body_length = (size_t) (cursor.at - begin);
  return skip (&cursor, ",\"mac\":\"")
         && take_digits (&cursor, MAC_DIGITS, &line->mac)
         && skip (&cursor, "\"}");
}

/* The quotes of this pattern cannot stand inside a string, so it is found
 * where the detail is and nowhere else. */
static void
parse_key_id (const char *begin, size_t length, struct audit_line *line)
{
  static const char pattern[] = ",\"detail\":{\"key_id\":\"";
  const char *found = memmem (begin, length, pattern, sizeof pattern - 1);

  line->key_id = NULL;
  if (found == NULL)
    return;
  struct cursor cursor = { found + sizeof pattern - 1, begin + length };
  take_digits (&cursor, ID_DIGITS, &line->key_id);
}

bool
audit_line_parse (const char *line, size_t length, struct audit_line *ret_line)
{
  struct audit_line parsed = { 0 };
  struct cursor cursor = { line, line + length };

  if (length >= AUDIT_LINE_MAX || !parse_head (&cursor, &parsed)
      || !parse_tail (line, length, &parsed)
      || parsed.timestamp_length >= CLOCK_TEXT_SIZE
      || line + parsed.body_length < cursor.at)
    return false;
  parse_key_id (line, parsed.body_length, &parsed);
  *ret_line = parsed;
  return true;
}

static bool
has_action (const struct audit_line *line, const char *action)
{
  return line->action_length == strlen (action)
         && memcmp (line->action, action, line->action_length) == 0;
}

/* ---- The place in a chain ---------------------------------------------- */

const char *
audit_fault_text (enum audit_fault fault)
{
  switch (fault) {
  case AUDIT_FINE:
    return "it is in order";
  case AUDIT_FORM:
    return "it is not an audit record";
  case AUDIT_KEY:
    return "no key that is in use here verifies it: it was changed, or the "
           "log was written under another key";
  case AUDIT_FORGOTTEN:
    return "the key of its epoch was forgotten here; verify the log with the "
           "verification key";
  case AUDIT_MAC:
    return "it was changed, or written by somebody without the key";
  case AUDIT_BEGINNING:
    return "the records before it are missing";
  case AUDIT_MISSING:
    return "one or more records before it were removed, or moved behind it";
  case AUDIT_ORDER:
    return "it is out of order or there twice";
  case AUDIT_PREV:
    return "it does not continue the record before it";
  case AUDIT_TIME:
    return "it is older than the record before it";
  case AUDIT_EPOCH:
    return "it does not belong to the epoch that it stands in";
  case AUDIT_REWRITTEN:
    return "it is not the record that a checkpoint names: the log was written "
           "anew";
  case AUDIT_CUT:
    return "the records up to a checkpoint were cut off";
  case AUDIT_EMPTY:
    return "there is no record at all, and even a new log has one";
  case AUDIT_RESOURCES:
    return "out of memory";
  }
  return "unknown fault";
}

static enum audit_fault
check_mac (struct audit_keys *keys, size_t key, uint64_t epoch,
           const char *bytes, const struct audit_line *line)
{
  char mac[AUDIT_MAC_TEXT_SIZE];

  if (!audit_keys_reach (keys, key, epoch))
    return AUDIT_FORGOTTEN;
  if (!audit_mac (keys, key, epoch, bytes, line->body_length, mac))
    return AUDIT_RESOURCES;
  return CRYPTO_memcmp (mac, line->mac, MAC_DIGITS) == 0 ? AUDIT_FINE
                                                         : AUDIT_MAC;
}

/* Whether a line is what closed the epoch before the first that can be had. */
static bool
is_closing (const struct audit_keys *keys, size_t key,
            const struct audit_line *line)
{
  const struct audit_closing *closing = audit_keys_closing (keys, key);

  return closing->seq > 0 && line->seq == closing->seq
         && memcmp (line->mac, closing->mac, MAC_DIGITS) == 0
         && has_action (line, "audit.ratcheted")
         && audit_keys_reach (keys, key, line->epoch + 1);
}

/* Which key a line without a known predecessor is under. */
static enum audit_fault
find_line_key (struct audit_keys *keys, const char *bytes,
               const struct audit_line *line, size_t *ret_key)
{
  enum audit_fault worst = AUDIT_KEY;

  /* Each epoch has a record at least. */
  if (line->epoch > line->seq)
    return AUDIT_KEY;
  for (size_t key = 0; key < audit_keys_count (keys); key++) {
    enum audit_fault fault = check_mac (keys, key, line->epoch, bytes, line);
    if (fault == AUDIT_FORGOTTEN && is_closing (keys, key, line))
      fault = AUDIT_FINE;
    if (fault == AUDIT_FINE)
      *ret_key = key;
    if (fault == AUDIT_FINE || fault == AUDIT_RESOURCES)
      return fault;
    if (fault == AUDIT_FORGOTTEN)
      worst = fault;
  }
  return worst;
}

/* Behind a line that is known to be right, under that key. */
static void
move_behind (struct audit_place *place, const struct audit_keys *keys,
             const struct audit_line *line, size_t key)
{
  if (!place->begun || place->epoch != line->epoch)
    place->epoch_seq = line->seq;
  place->begun = true;
  place->epoch = line->epoch;
  place->next_seq = line->seq + 1;
  memcpy (place->prev, line->mac, MAC_DIGITS);
  place->prev[MAC_DIGITS] = '\0';
  memcpy (place->timestamp, line->timestamp, line->timestamp_length);
  place->timestamp[line->timestamp_length] = '\0';
  place->key = (int) key;
  memcpy (place->key_id, audit_keys_id (keys, key), KEY_ID_TEXT_SIZE);
  if (has_action (line, "audit.rekeyed") && line->key_id != NULL) {
    place->key = audit_keys_find (keys, line->key_id);
    memcpy (place->key_id, line->key_id, ID_DIGITS);
    place->key_id[ID_DIGITS] = '\0';
    place->epoch = 0;
    place->epoch_seq = line->seq + 1;
    place->closing = (struct audit_closing){ 0 };
  }
  else if (has_action (line, "audit.ratcheted")) {
    place->epoch = line->epoch + 1;
    place->epoch_seq = line->seq + 1;
    place->closing.seq = line->seq;
    memcpy (place->closing.mac, place->prev, AUDIT_MAC_TEXT_SIZE);
  }
}

/* What a first line has to be: the beginning of everything, or of a file
 * that goes on where another one ended. */
static bool
may_begin (const struct audit_line *line)
{
  char zeros[MAC_DIGITS];

  memset (zeros, '0', sizeof zeros);
  if (line->seq == 0)
    return line->epoch == 0 && memcmp (line->prev, zeros, sizeof zeros) == 0;
  return has_action (line, "audit.opened");
}

static enum audit_fault
check_order (const struct audit_place *place, const struct audit_line *line)
{
  if (line->seq > place->next_seq)
    return AUDIT_MISSING;
  if (line->seq < place->next_seq)
    return AUDIT_ORDER;
  if (memcmp (line->prev, place->prev, MAC_DIGITS) != 0)
    return AUDIT_PREV;
  if (line->epoch != place->epoch)
    return AUDIT_EPOCH;
  size_t length = strlen (place->timestamp);
  if (line->timestamp_length == length
      && memcmp (line->timestamp, place->timestamp, length) < 0)
    return AUDIT_TIME;
  return AUDIT_FINE;
}

enum audit_fault
audit_place_advance (struct audit_place *place, struct audit_keys *keys,
                     const char *bytes, size_t length)
{
  struct audit_line line;
  enum audit_fault fault;
  size_t key = 0;

  if (!audit_line_parse (bytes, length, &line))
    return AUDIT_FORM;
  if (!place->begun) {
    fault = find_line_key (keys, bytes, &line, &key);
    if (fault == AUDIT_FINE && !may_begin (&line))
      fault = AUDIT_BEGINNING;
  }
  else if (place->key < 0) {
    fault = AUDIT_KEY;
  }
  else {
    key = (size_t) place->key;
    fault = check_mac (keys, key, place->epoch, bytes, &line);
    if (fault == AUDIT_FINE)
      fault = check_order (place, &line);
  }
  if (fault == AUDIT_FINE)
    move_behind (place, keys, &line, key);
  return fault;
}

enum audit_fault
audit_place_enter (struct audit_place *place, struct audit_keys *keys,
                   const char *bytes, size_t length)
{
  struct audit_line line;
  size_t key = 0;

  if (!audit_line_parse (bytes, length, &line))
    return AUDIT_FORM;
  enum audit_fault fault = find_line_key (keys, bytes, &line, &key);
  if (fault == AUDIT_FINE)
    move_behind (place, keys, &line, key);
  return fault;
}
