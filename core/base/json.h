/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON piece by piece into a buffer; no tree is built. */

#ifndef EZCDC_BASE_JSON_H
#define EZCDC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

/* A writer; begins as { .text = &buffer }, owns nothing. The calls must come
 * in an order that makes a JSON text: in an object a key before each value.
 * Commas are the writer's business. Out of memory shows in text->failed.
 */
struct json {
  struct text *text;
  bool needs_comma; /* a value stands before, in this object or array */
};

void json_object_begin (struct json *json) __attribute__ ((nonnull));
void json_object_end (struct json *json) __attribute__ ((nonnull));
void json_array_begin (struct json *json) __attribute__ ((nonnull));
void json_array_end (struct json *json) __attribute__ ((nonnull));

void json_key (struct json *json, const char *name) __attribute__ ((nonnull));

/* A string of length bytes (jansson has the name json_string). What is no
 * plain character (utf8.h) is escaped; bytes that are not valid UTF-8 become
 * \ufffd, one each. */
void json_bytes (struct json *json, const char *data, size_t length)
  __attribute__ ((nonnull (1)));
/* A NUL-terminated string, or null for NULL. */
void json_text (struct json *json, const char *string)
  __attribute__ ((nonnull (1)));
void json_int64 (struct json *json, int64_t value) __attribute__ ((nonnull));
void json_uint64 (struct json *json, uint64_t value) __attribute__ ((nonnull));
/* The shortest number that reads back as the same; null for NaN and the
 * infinities, which JSON does not have. */
void json_double (struct json *json, double value) __attribute__ ((nonnull));
void json_bool (struct json *json, bool value) __attribute__ ((nonnull));
void json_none (struct json *json) __attribute__ ((nonnull));
/* A value that is JSON already, written as it is. */
void json_raw (struct json *json, const char *data, size_t length)
  __attribute__ ((nonnull));

/* Key and value together, for the usual members of an object. */
void json_member_text (struct json *json, const char *name, const char *string)
  __attribute__ ((nonnull (1, 2)));
void json_member_int64 (struct json *json, const char *name, int64_t value)
  __attribute__ ((nonnull));
void json_member_uint64 (struct json *json, const char *name, uint64_t value)
  __attribute__ ((nonnull));
void json_member_double (struct json *json, const char *name, double value)
  __attribute__ ((nonnull));
void json_member_bool (struct json *json, const char *name, bool value)
  __attribute__ ((nonnull));

#endif
