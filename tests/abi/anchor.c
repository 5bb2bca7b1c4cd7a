/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of the ABI, member by member, on machines with 64-bit pointers.
 * What stands here never changes; a minor version appends members behind the
 * last one of a struct, and then the size alone grows.
 *
 * The file is also the anchor that abidw looks at: the ABI lies in structs,
 * and a tool that compares shared objects sees those that an exported function
 * mentions. See abi.sh.
 */

#include <stddef.h>

#include <ezcdc/connector.h>

#if UINTPTR_MAX == UINT64_MAX

#define AT(member_, offset_)                                                  \
  _Static_assert(offsetof (STRUCT, member_) == offset_,                       \
                 "the ABI has " #member_ " at " #offset_)
#define ENDS(bytes_)                                                          \
  _Static_assert(sizeof (STRUCT) >= bytes_, "the ABI has " #bytes_ " bytes")

#define STRUCT struct ezcdc_value
AT (data, 0);
AT (length, 8);
AT (state, 12);
ENDS (16);
#undef STRUCT

#define STRUCT struct ezcdc_position
AT (length, 0);
AT (bytes, 4);
ENDS (64);
#undef STRUCT

#define STRUCT struct ezcdc_column
AT (name, 0);
AT (type_name, 8);
AT (type, 16);
AT (element_type, 20);
AT (precision, 24);
AT (scale, 28);
AT (length, 32);
AT (flags, 40);
AT (key_ordinal, 44);
ENDS (48);
#undef STRUCT

#define STRUCT struct ezcdc_table
AT (id, 0);
AT (schema, 8);
AT (name, 16);
AT (target, 24);
AT (refusal, 32);
AT (columns, 40);
AT (column_count, 48);
AT (key_count, 52);
AT (version, 56);
AT (estimated_rows, 64);
AT (estimated_bytes, 72);
ENDS (80);
#undef STRUCT

#define STRUCT struct ezcdc_row
AT (table, 0);
AT (values, 8);
AT (old_values, 16);
AT (commit, 24);
AT (commit_time, 32);
AT (ordinal, 40);
AT (operation, 48);
AT (unchanged, 52);
ENDS (56);
#undef STRUCT

#define STRUCT struct ezcdc_batch
AT (table, 0);
AT (rows, 8);
AT (row_count, 16);
AT (bytes, 24);
AT (label, 32);
AT (first, 40);
AT (last, 48);
AT (truncate, 56);
AT (snapshot, 60);
ENDS (64);
#undef STRUCT

#define STRUCT struct ezcdc_tls
AT (size, 0);
AT (mode, 4);
AT (mode_name, 8);
AT (root_cert, 16);
AT (client_cert, 24);
AT (client_key, 32);
AT (crl, 40);
AT (minimum_version, 48);
ENDS (56);
#undef STRUCT

#define STRUCT struct ezcdc_http_header
AT (name, 0);
AT (value, 8);
ENDS (16);
#undef STRUCT

#define STRUCT struct ezcdc_http_request
AT (size, 0);
AT (flags, 4);
AT (method, 8);
AT (url, 16);
AT (user, 24);
AT (password, 32);
AT (headers, 40);
AT (header_count, 48);
AT (body, 56);
AT (body_length, 64);
AT (timeout_ms, 72);
ENDS (80);
#undef STRUCT

#define STRUCT struct ezcdc_http_response
AT (size, 0);
AT (status, 4);
AT (body, 8);
AT (capacity, 16);
AT (length, 24);
AT (body_sent, 32);
AT (truncated, 36);
ENDS (40);
#undef STRUCT

#define STRUCT struct ezcdc_option
AT (name, 0);
AT (default_value, 8);
AT (choices, 16);
AT (help, 24);
AT (minimum, 32);
AT (maximum, 40);
AT (type, 48);
AT (flags, 52);
ENDS (56);
#undef STRUCT

#define STRUCT struct ezcdc_host
AT (size, 0);
AT (abi_minor, 4);
AT (log, 8);
AT (vlog, 16);
AT (fail, 24);
AT (option_string, 32);
AT (option_integer, 40);
AT (option_sealed, 48);
AT (pipeline_name, 56);
AT (state_folder, 64);
AT (secret_use, 72);
AT (tls, 80);
AT (tls_negotiated, 88);
AT (http, 96);
AT (http_allow, 104);
AT (monotonic_time, 112);
AT (real_time, 120);
AT (interrupted, 128);
AT (wait, 136);
AT (count, 144);
AT (report, 152);
AT (list_table, 160);
AT (list_chunk, 168);
AT (feed_begin, 176);
AT (feed_row, 184);
AT (feed_truncate, 192);
AT (feed_table, 200);
AT (feed_commit, 208);
AT (feed_progress, 216);
AT (body_limit, 224);
AT (refuse_row, 232);
AT (waiting, 240);
AT (announce, 248);
AT (tls_peer, 256);
AT (stored_position, 264);
ENDS (272);
#undef STRUCT

#define STRUCT struct ezcdc_prepared
AT (size, 0);
AT (created, 4);
AT (start, 8);
AT (identity, 72);
ENDS (192);
#undef STRUCT

#define STRUCT struct ezcdc_source
AT (size, 0);
AT (reserved, 4);
AT (open, 8);
AT (close, 16);
AT (interrupt, 24);
AT (check, 32);
AT (discover, 40);
AT (prepare, 48);
AT (current_position, 56);
AT (position_text, 64);
AT (position_distance, 72);
AT (snapshot_open, 80);
AT (snapshot_close, 88);
AT (snapshot_plan, 96);
AT (reader_open, 104);
AT (reader_close, 112);
AT (reader_begin, 120);
AT (reader_read, 128);
AT (stream_open, 136);
AT (stream_close, 144);
AT (stream_read, 152);
AT (stream_confirm, 160);
AT (fetch, 168);
ENDS (176);
#undef STRUCT

#define STRUCT struct ezcdc_sink
AT (size, 0);
AT (reserved, 4);
AT (open, 8);
AT (close, 16);
AT (interrupt, 24);
AT (check, 32);
AT (prepare, 40);
AT (write, 48);
AT (scan, 56);
AT (settle, 64);
ENDS (72);
#undef STRUCT

#define STRUCT struct ezcdc_connector
AT (magic, 0);
AT (size, 8);
AT (abi_major, 12);
AT (abi_minor, 16);
AT (minimum_host_minor, 20);
AT (must_understand, 24);
AT (option_stride, 32);
AT (option_count, 36);
AT (kind, 40);
AT (threads, 44);
AT (capabilities, 48);
AT (name, 56);
AT (version, 64);
AT (summary, 72);
AT (license, 80);
AT (options, 88);
AT (source, 96);
AT (sink, 104);
ENDS (112);
#undef STRUCT

#endif

/* One function a struct. */

EZCDC_EXPORT void anchor_value (const struct ezcdc_value *unused);

void
anchor_value (const struct ezcdc_value *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_position (const struct ezcdc_position *unused);

void
anchor_position (const struct ezcdc_position *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_column (const struct ezcdc_column *unused);

void
anchor_column (const struct ezcdc_column *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_table (const struct ezcdc_table *unused);

void
anchor_table (const struct ezcdc_table *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_row (const struct ezcdc_row *unused);

void
anchor_row (const struct ezcdc_row *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_batch (const struct ezcdc_batch *unused);

void
anchor_batch (const struct ezcdc_batch *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_tls (const struct ezcdc_tls *unused);

void
anchor_tls (const struct ezcdc_tls *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_http_header (const struct ezcdc_http_header *unused);

void
anchor_http_header (const struct ezcdc_http_header *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_http_request (
  const struct ezcdc_http_request *unused);

void
anchor_http_request (const struct ezcdc_http_request *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_http_response (
  const struct ezcdc_http_response *unused);

void
anchor_http_response (const struct ezcdc_http_response *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_option (const struct ezcdc_option *unused);

void
anchor_option (const struct ezcdc_option *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_host (const struct ezcdc_host *unused);

void
anchor_host (const struct ezcdc_host *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_prepared (const struct ezcdc_prepared *unused);

void
anchor_prepared (const struct ezcdc_prepared *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_source (const struct ezcdc_source *unused);

void
anchor_source (const struct ezcdc_source *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_sink (const struct ezcdc_sink *unused);

void
anchor_sink (const struct ezcdc_sink *unused)
{
  (void) unused;
}

EZCDC_EXPORT void anchor_connector (const struct ezcdc_connector *unused);

void
anchor_connector (const struct ezcdc_connector *unused)
{
  (void) unused;
}
