/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's types to the logical types of the connector ABI. */

#include "type.h"

/* OIDs of built-in types never change (pg_type.dat). */
enum {
  TYPE_BOOL = 16,
  TYPE_BYTEA = 17,
  TYPE_CHAR = 18,
  TYPE_NAME = 19,
  TYPE_INT8 = 20,
  TYPE_INT2 = 21,
  TYPE_INT2VECTOR = 22,
  TYPE_INT4 = 23,
  TYPE_TEXT = 25,
  TYPE_OID = 26,
  TYPE_OIDVECTOR = 30,
  TYPE_JSON = 114,
  TYPE_FLOAT4 = 700,
  TYPE_FLOAT8 = 701,
  TYPE_BPCHAR = 1042,
  TYPE_VARCHAR = 1043,
  TYPE_DATE = 1082,
  TYPE_TIME = 1083,
  TYPE_TIMESTAMP = 1114,
  TYPE_TIMESTAMPTZ = 1184,
  TYPE_INTERVAL = 1186,
  TYPE_NUMERIC = 1700,
  TYPE_UUID = 2950,
  TYPE_JSONB = 3802,
};

/* Modifiers of lengths and of numeric count from here (VARHDRSZ). */
#define TYPE_MODIFIER_OFFSET 4

static uint32_t
type_logical (uint32_t oid, char category)
{
  switch (oid) {
  case TYPE_BOOL:
    return EZCDC_TYPE_BOOL;
  case TYPE_INT2:
    return EZCDC_TYPE_INT16;
  case TYPE_INT4:
    return EZCDC_TYPE_INT32;
  case TYPE_INT8:
  case TYPE_OID: /* unsigned, 32 bits */
    return EZCDC_TYPE_INT64;
  case TYPE_NUMERIC:
    return EZCDC_TYPE_DECIMAL;
  case TYPE_FLOAT4:
    return EZCDC_TYPE_FLOAT32;
  case TYPE_FLOAT8:
    return EZCDC_TYPE_FLOAT64;
  case TYPE_CHAR:
  case TYPE_NAME:
  case TYPE_TEXT:
  case TYPE_BPCHAR:
  case TYPE_VARCHAR:
    return EZCDC_TYPE_STRING;
  case TYPE_BYTEA:
    return EZCDC_TYPE_BYTES;
  case TYPE_DATE:
    return EZCDC_TYPE_DATE;
  case TYPE_TIME:
    return EZCDC_TYPE_TIME;
  case TYPE_TIMESTAMP:
    return EZCDC_TYPE_TIMESTAMP;
  case TYPE_TIMESTAMPTZ:
    return EZCDC_TYPE_TIMESTAMPTZ;
  case TYPE_UUID:
    return EZCDC_TYPE_UUID;
  case TYPE_JSON:
  case TYPE_JSONB:
    return EZCDC_TYPE_JSON;
  case TYPE_INTERVAL:
    return EZCDC_TYPE_INTERVAL;
  default:
    /* Extensions' strings, such as citext. */
    return category == 'S' ? EZCDC_TYPE_STRING : EZCDC_TYPE_OTHER;
  }
}

/* numeric(precision, scale): the scale has eleven bits with a sign. */
static void
type_describe_decimal (int32_t modifier, struct ezcdc_column *column)
{
  int32_t precision, scale;

  if (modifier < TYPE_MODIFIER_OFFSET)
    return;
  modifier -= TYPE_MODIFIER_OFFSET;
  precision = modifier >> 16 & 0xffff;
  scale = ((modifier & 0x7ff) ^ 0x400) - 0x400;
  if (scale < 0) { /* numeric(3,-2): 12300 */
    precision -= scale;
    scale = 0;
  }
  if (precision < scale) /* numeric(2,4): 0.0012 */
    precision = scale;
  column->precision = precision;
  column->scale = scale;
}

static int64_t
type_length (uint32_t oid, int32_t modifier)
{
  switch (oid) {
  case TYPE_CHAR:
    return 1;
  case TYPE_NAME:
    return 63;
  case TYPE_BPCHAR:
  case TYPE_VARCHAR:
    return modifier < TYPE_MODIFIER_OFFSET ? -1
                                           : modifier - TYPE_MODIFIER_OFFSET;
  default:
    return -1;
  }
}

void
type_describe (const struct type *type, struct ezcdc_column *column)
{
  column->type = type_logical (type->oid, type->category);
  column->element_type = 0;
  column->precision = -1;
  column->scale = 0;
  column->length = -1;
  if (column->type == EZCDC_TYPE_DECIMAL)
    type_describe_decimal (type->modifier, column);
  else if (column->type == EZCDC_TYPE_STRING)
    column->length = type_length (type->oid, type->modifier);
  else if (type->category == 'A' && type->element != 0
           && type->oid != TYPE_INT2VECTOR && type->oid != TYPE_OIDVECTOR) {
    column->type = EZCDC_TYPE_ARRAY;
    column->element_type = type_logical (type->element, 0);
  }
}
