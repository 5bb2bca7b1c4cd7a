/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the audit log share: a log in a folder of its own. */

#ifndef EZCDC_TESTS_UNIT_AUDIT_H
#define EZCDC_TESTS_UNIT_AUDIT_H

#include "core/audit/log.h"
#include "core/audit/verify.h"
#include "core/base/text.h"
#include "core/crypto/key_ring.h"
#include "tests/unit/unit.h"

/* Keys, in digits. */
#define GOOD "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
#define OTHER                                                                 \
  "c94e7a1b2d5f60830e1a9b7c4d3e2f58617a8b9c0d1e2f3a4b5c6d7e8f901223"
#define THIRD                                                                 \
  "2fd8a1c47e5b3690fa1c8d2e7b40953617e8c9d0a2b4f6587d9e1c3b5a70f482"
#define FOURTH                                                                \
  "a6e1d27c90b84f35116f8d0b2c7a9e43d57182f6c03b9da4e8275c61f09b3e48"

/* The folder, and the log in it. */
extern char folder[];
extern char path[];

/* A test whose files are removed after it. */
#define LOG_TEST(name_) cmocka_unit_test_teardown (name_, empty_folder)

int make_folder (void **state);
int empty_folder (void **state);
int remove_folder (void **state);
size_t count_files (void);

/* old may be NULL. */
struct key_ring *ring_of (const char *primary, const char *old);

/* ---- Writing ------------------------------------------------------------ */

struct audit_log *open_log (const char *primary, const char *old);
/* The same, and the chain goes over to the primary key. */
struct audit_log *open_rekeyed (const char *primary, const char *old);
int write_record (struct audit_log *log, const char *resource,
                  const char *detail);
/* A log of audit.opened and some more records. */
void write_log (size_t count);

/* ---- Verifying ---------------------------------------------------------- */

struct audit_report report_of (const char *const *paths, size_t count,
                               const struct key_ring *ring,
                               const struct audit_checkpoints *checkpoints);
struct audit_report report_under (const struct key_ring *ring);
void assert_in_order (const char *primary, const char *old, uint64_t records);

/* ---- Reading and changing the files ------------------------------------- */

void read_log (struct text *text);
void replace_log (const char *data, size_t length);
/* The same for the log's path with a suffix. */
void read_beside (const char *suffix, struct text *text);
void replace_beside (const char *suffix, const struct text *text);

/* Where a line begins, counted from 0, and the last one. */
const char *line_start (const struct text *text, size_t number);
const char *last_line (const struct text *text);

#endif
