/* SPDX-License-Identifier: Apache-2.0 */
/* From logical types to column types of StarRocks. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "types.h"

#define DECIMAL_MAX 38
/* More than any version has; what says so is not believed. */
#define DIGITS_MAX 1000
/* PostgreSQL's numeric goes to 131072 digits before and 16383 behind the
 * point; this is far beyond any number that people store. */
#define DECIMAL_TEXT_LENGTH 65533

int
version_parse (const char *text)
{
  long part[3] = { 0, 0, 0 };

  for (int i = 0; i < 3; i++) {
    char *end;

    if (*text < '0' || *text > '9')
      return VERSION_UNKNOWN;
    part[i] = strtol (text, &end, 10);
    if (part[i] > 98)
      part[i] = 98;
    if (*end != '.') {
      if (i == 0)
        return VERSION_UNKNOWN;
      break;
    }
    text = end + 1;
  }
  return (int) (part[0] * 10000 + part[1] * 100 + part[2]);
}

static void
varchar (struct column_type *ret, int64_t bytes)
{
  ret->kind = KIND_VARCHAR;
  ret->length = bytes < 1 || bytes > VARCHAR_MAX ? VARCHAR_MAX : bytes;
}

static void
wanted_decimal (const struct settings *settings,
                const struct ezcdc_column *source, struct column_type *ret)
{
  int precision = source->precision, scale = source->scale;

  if (precision < 0) {
    if (!settings->decimal_native) {
      varchar (ret, DECIMAL_TEXT_LENGTH);
      return;
    }
    precision = DECIMAL_MAX;
    scale = settings->decimal_scale;
  }
  else if (scale < 0) {
    /* numeric(2,-3) has up to five digits, three of them zeros. */
    precision -= scale;
    scale = 0;
  }
  else if (scale > precision)
    precision = scale;
  if (precision > DECIMAL_MAX) {
    varchar (ret, precision + 3); /* sign, point, a zero before the point */
    return;
  }
  ret->kind = KIND_DECIMAL;
  ret->precision = precision < 1 ? 1 : precision;
  ret->scale = scale;
}

static void
wanted_value (const struct settings *settings, int version,
              const struct ezcdc_column *source, struct column_type *ret)
{
  switch (source->type) {
  case EZCDC_TYPE_BOOL:
    ret->kind = KIND_BOOLEAN;
    break;
  case EZCDC_TYPE_INT16:
    ret->kind = KIND_SMALLINT;
    break;
  case EZCDC_TYPE_INT32:
    ret->kind = KIND_INT;
    break;
  case EZCDC_TYPE_INT64:
    ret->kind = KIND_BIGINT;
    break;
  case EZCDC_TYPE_DECIMAL:
    wanted_decimal (settings, source, ret);
    break;
  case EZCDC_TYPE_FLOAT32:
    ret->kind = KIND_FLOAT;
    break;
  case EZCDC_TYPE_FLOAT64:
    ret->kind = KIND_DOUBLE;
    break;
  case EZCDC_TYPE_DATE:
    ret->kind = KIND_DATE;
    break;
  case EZCDC_TYPE_TIMESTAMP:
  case EZCDC_TYPE_TIMESTAMPTZ:
    ret->kind = KIND_DATETIME;
    break;
  case EZCDC_TYPE_UUID:
    varchar (ret, 36);
    break;
  case EZCDC_TYPE_TIME:
    varchar (ret, 24);
    break;
  case EZCDC_TYPE_BYTES:
    if (version < 30000)
      varchar (ret, VARCHAR_MAX);
    else {
      ret->kind = KIND_VARBINARY;
      ret->length = VARCHAR_MAX;
    }
    break;
  case EZCDC_TYPE_JSON:
    if (settings->json_native)
      ret->kind = KIND_JSON;
    else
      varchar (ret, VARCHAR_MAX);
    break;
  case EZCDC_TYPE_STRING:
    /* Lengths are bytes there and characters here. */
    varchar (ret, source->length < 0 || source->length > VARCHAR_MAX / 4
                    ? VARCHAR_MAX
                    : source->length * 4);
    break;
  default:
    varchar (ret, VARCHAR_MAX);
  }
}

static int
kind_can_be_key (enum column_kind kind)
{
  return kind == KIND_BOOLEAN
         || (kind >= KIND_TINYINT && kind <= KIND_LARGEINT)
         || kind == KIND_DATE || kind == KIND_DATETIME || kind == KIND_VARCHAR;
}

void
type_wanted (const struct settings *settings, int version,
             const struct ezcdc_column *source, struct column_type *ret_type)
{
  struct column_type type = { 0 };

  wanted_value (settings, version, source, &type);
  if (source->flags & EZCDC_COLUMN_KEY) {
    if (!kind_can_be_key (type.kind)) {
      type = (struct column_type){ 0 };
      varchar (&type, VARCHAR_MAX);
    }
    /* No key can be longer than the limit of the whole. */
    if (type.kind == KIND_VARCHAR && type.length > settings->key_bytes)
      type.length = settings->key_bytes;
  }
  *ret_type = type;
}

static const struct {
  const char *word;
  enum column_kind kind;
} words[] = {
  { "boolean", KIND_BOOLEAN },     { "tinyint", KIND_TINYINT },
  { "smallint", KIND_SMALLINT },   { "int", KIND_INT },
  { "integer", KIND_INT },         { "bigint", KIND_BIGINT },
  { "largeint", KIND_LARGEINT },   { "float", KIND_FLOAT },
  { "double", KIND_DOUBLE },       { "decimal", KIND_DECIMAL },
  { "decimalv2", KIND_DECIMAL },   { "decimal32", KIND_DECIMAL },
  { "decimal64", KIND_DECIMAL },   { "decimal128", KIND_DECIMAL },
  { "decimal256", KIND_DECIMAL },  { "numeric", KIND_DECIMAL },
  { "date", KIND_DATE },           { "datetime", KIND_DATETIME },
  { "varchar", KIND_VARCHAR },     { "string", KIND_VARCHAR },
  { "varbinary", KIND_VARBINARY }, { "binary", KIND_VARBINARY },
  { "json", KIND_JSON },
};

void
type_parse (const char *text, struct column_type *ret_type)
{
  struct column_type type = { 0 };
  size_t length = strcspn (text, "( <");
  const char *rest = text + length;
  long first = -1, second = -1;

  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen (words[i].word) == length
        && strncasecmp (words[i].word, text, length) == 0)
      type.kind = words[i].kind;
  if (*rest == '(') {
    char *end;

    first = strtol (rest + 1, &end, 10);
    if (*end == ',')
      second = strtol (end + 1, &end, 10);
  }
  type.bare = *rest != '(';
  switch (type.kind) {
  case KIND_TINYINT:
    /* The way BOOLEAN shows itself to MySQL clients. */
    if (first == 1)
      type.kind = KIND_BOOLEAN;
    break;
  case KIND_BIGINT:
    if (strstr (rest, "unsigned") != NULL)
      type.kind = KIND_LARGEINT;
    break;
  case KIND_DECIMAL:
    if (first > DIGITS_MAX || second > DIGITS_MAX)
      type.kind = KIND_OTHER;
    else {
      type.precision = first < 0 ? 10 : (int) first;
      type.scale = second < 0 ? 0 : (int) second;
    }
    break;
  case KIND_VARCHAR:
    type.length = first < 0 ? 65533 : first;
    break;
  case KIND_VARBINARY:
    type.length = first <= 0 ? VARCHAR_MAX : first;
    break;
  default:
    break;
  }
  *ret_type = type;
}

void
type_print (const struct column_type *type, char *ret_text, size_t size)
{
  static const char *const names[] = { "(unknown)", "BOOLEAN",   "TINYINT",
                                       "SMALLINT",  "INT",       "BIGINT",
                                       "LARGEINT",  "FLOAT",     "DOUBLE",
                                       "DECIMAL",   "DATE",      "DATETIME",
                                       "VARCHAR",   "VARBINARY", "JSON" };

  if (type->kind == KIND_DECIMAL)
    snprintf (ret_text, size, "DECIMAL(%d,%d)", type->precision, type->scale);
  else if (type->kind == KIND_VARCHAR)
    snprintf (ret_text, size, "VARCHAR(%lld)", (long long) type->length);
  else
    snprintf (ret_text, size, "%s", names[type->kind]);
}

static int
is_integer (enum column_kind kind)
{
  return kind >= KIND_TINYINT && kind <= KIND_LARGEINT;
}

static int
decimal_holds (const struct column_type *outer,
               const struct column_type *inner)
{
  return outer->scale >= inner->scale
         && outer->precision - outer->scale >= inner->precision - inner->scale;
}

static enum type_fit
fit_to_varchar (const struct ezcdc_column *source,
                const struct column_type *wanted,
                const struct column_type *existing)
{
  int64_t needed = wanted->length;

  if (wanted->kind == KIND_DECIMAL)
    needed = wanted->precision + 3;
  else if (wanted->kind == KIND_JSON || wanted->kind == KIND_VARBINARY)
    needed = VARCHAR_MAX;
  else if (wanted->kind != KIND_VARCHAR)
    needed = 32;
  if (existing->length >= needed || (source->flags & EZCDC_COLUMN_KEY))
    return TYPE_FITS;
  return wanted->kind == KIND_VARCHAR ? TYPE_WIDENS : TYPE_FITS;
}

enum type_fit
type_fit (const struct ezcdc_column *source, const struct column_type *wanted,
          const struct column_type *existing)
{
  if (existing->kind == KIND_VARCHAR)
    return fit_to_varchar (source, wanted, existing);
  if (is_integer (wanted->kind) && is_integer (existing->kind))
    return existing->kind >= wanted->kind ? TYPE_FITS : TYPE_WIDENS;
  if (source->type == EZCDC_TYPE_DECIMAL && existing->kind == KIND_DECIMAL) {
    /* Without a declared precision each value is checked. */
    if (source->precision < 0 || decimal_holds (existing, wanted))
      return TYPE_FITS;
    return wanted->kind == KIND_VARCHAR || decimal_holds (wanted, existing)
             ? TYPE_WIDENS
             : TYPE_CLASHES;
  }
  if (source->type == EZCDC_TYPE_JSON && existing->kind == KIND_JSON)
    return TYPE_FITS;
  if (source->type == EZCDC_TYPE_FLOAT32 && existing->kind == KIND_DOUBLE)
    return TYPE_FITS;
  if (wanted->kind == KIND_VARBINARY && existing->kind == KIND_VARBINARY)
    return TYPE_FITS;
  if (existing->kind == wanted->kind && wanted->kind != KIND_DECIMAL)
    return TYPE_FITS;
  if (wanted->kind == KIND_DOUBLE && existing->kind == KIND_FLOAT)
    return TYPE_WIDENS;
  /* A source column that became text: numbers turn into their text. */
  if (wanted->kind == KIND_VARCHAR
      && (is_integer (existing->kind) || existing->kind == KIND_FLOAT
          || existing->kind == KIND_DOUBLE || existing->kind == KIND_DECIMAL))
    return TYPE_WIDENS;
  return TYPE_CLASHES;
}

/* Versions write a type with all that belongs to it, or BOOLEAN as tinyint;
 * where something is left out, it is as it would have been created. */
void
type_complete (const struct column_type *wanted, struct column_type *existing)
{
  if (!existing->bare)
    return;
  if (existing->kind == wanted->kind
      || (existing->kind == KIND_TINYINT && wanted->kind == KIND_BOOLEAN))
    *existing = *wanted;
}
