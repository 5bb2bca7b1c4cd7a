/* SPDX-License-Identifier: Apache-2.0 */
/* The connector ABI of ezcdc: all that a source or a sink needs to know.
 *
 * A connector is one shared object that exports one function,
 * ezcdc_connector_v1.  It takes the host's table of functions and returns
 * a constant descriptor.  Nothing else is linked: build with
 *
 *   cc -fPIC -shared -fvisibility=hidden -Wl,-z,defs \
 *      $(pkg-config --cflags ezcdc-connector) -o mine.so mine.c
 *
 * Three rules about memory
 *
 *   1. A pointer that is passed in, either way, is lent for that call,
 *      unless its comment says how long it lives.
 *   2. Nothing crosses an allocator: what one side allocates the other
 *      side never frees.  The host copies whatever it keeps.
 *   3. Outputs are named ret_... and are written only on success.
 *
 * Results are instructions: see "Result codes".  A connector never sleeps
 * and never retries by itself; it says what happened, and the core waits,
 * retries, reports or stops.
 *
 * Growth.  Members are only ever appended to a table, a structure that
 * is passed by pointer carries its size or comes from the host, and a
 * missing member reads as zero.  A minor version may add members, option
 * types, logical types, capabilities and result codes above zero; it never
 * changes what exists.  New meaning that an older host or connector must
 * not ignore takes a bit in "must_understand".  A major version is a new
 * symbol.  A connector built for 1.x loads in every later 1.y; one built
 * for 1.y loads in an older 1.x if its "minimum_host_minor" is at most x.
 * The order of members is fixed for ever, the names may be improved.
 *
 * Threads.  See EZCDC_THREADS_... below.
 *
 * All text is UTF-8.  Names and messages are NUL-terminated, data is
 * pointer and length.
 */
#ifndef EZCDC_CONNECTOR_H
#define EZCDC_CONNECTOR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EZCDC_ABI_MAJOR 1
#define EZCDC_ABI_MINOR 1

/* "ezcdcCON" read as a little-endian number; first member of a descriptor. */
#define EZCDC_CONNECTOR_MAGIC UINT64_C (0x4e4f436364637a65)

#if defined(__GNUC__)
#define EZCDC_EXPORT __attribute__ ((visibility ("default")))
#define EZCDC_PRINTF(format_, first_)                                         \
  __attribute__ ((format (printf, format_, first_)))
#else
#define EZCDC_EXPORT
#define EZCDC_PRINTF(format_, first_)
#endif

/* ---- Result codes ------------------------------------------------------
 *
 * Zero is success, positive is success with a remark, negative is an
 * instruction to the core.  A function that fails calls host->fail, which
 * records the message and returns the code, so that the usual error exit
 * is  return host->fail (instance, EZCDC_E_UNAVAILABLE, "connect to ...");
 * With EZCDC_E_CONFIG in "open", a message that begins with an option's name
 * and a colon ("slot: only a-z ...") gets the file and line before it.
 */
#define EZCDC_OK 0
#define EZCDC_IDLE 1    /* nothing to read within the time given */
#define EZCDC_END 2     /* this chunk or scan is complete */
#define EZCDC_FULL 3    /* accepted, but hand control back to the core now */
#define EZCDC_CREATED 4 /* prepare: the table was not there and was made */

#define EZCDC_E_CONFIG (-1)       /* configuration is wrong: do not retry */
#define EZCDC_E_CREDENTIAL (-2)   /* refused: wait for another credential */
#define EZCDC_E_UNAVAILABLE (-3)  /* try again after a growing delay */
#define EZCDC_E_THROTTLED (-4)    /* try again, later than usual */
#define EZCDC_E_ROW (-5)          /* a row is refused; others may pass */
#define EZCDC_E_SCHEMA (-6)       /* prepare (or plan) the table again */
#define EZCDC_E_STOPPED (-7)      /* interrupt was called */
#define EZCDC_E_OPERATOR (-8)     /* only a person can mend it: stop */
#define EZCDC_E_MEMORY (-9)       /* out of memory */
#define EZCDC_E_UNSUPPORTED (-10) /* this connector cannot do that */
#define EZCDC_E_BUG (-11) /* the connector is in a state it must not be */

/* ---- Logical types and the canonical text of values --------------------
 *
 * A value travels as text in one documented form per logical type, so
 * that a sink need not know the source and snapshot, stream and verify
 * agree byte for byte.  A sink that cannot store a value refuses the row;
 * it never changes it in silence.
 *
 * BOOL         true | false
 * INT16..64    decimal digits, "-" if negative, no leading zeros
 * DECIMAL      plain digits with "." and exactly the scale of the value, no
 *              exponent; also NaN, Infinity, -Infinity
 * FLOAT32, 64  the shortest text that reads back as the same number, with
 *              or without an exponent; NaN, Infinity, -Infinity, -0
 * STRING       the bytes of the text, valid UTF-8 (EZCDC_COLUMN_UNCHECKED)
 * BYTES        two lower-case hexadecimal digits a byte, no prefix
 * DATE         YYYY-MM-DD, more digits for years after 9999, " BC" behind
 *              years before 1; also infinity, -infinity
 * TIME         HH:MM:SS[.f], at most six digits without trailing zeros,
 *              24:00:00 is possible
 * TIMESTAMP    DATE and TIME with one space between (" BC" at the end);
 *              also infinity, -infinity
 * TIMESTAMPTZ  as TIMESTAMP, in UTC, no offset written
 * UUID         8-4-4-4-12 lower-case hexadecimal digits
 * JSON         a JSON document, as the source prints it
 * INTERVAL     "1 year 2 mons 3 days 04:05:06.7", absent parts left out,
 *              each part with a sign of its own if negative
 * ARRAY        {a,b,NULL}: elements in the form of their type, between
 *              double quotes (with \" and \\) where they need them, nested
 *              braces for more dimensions, "[l:u]=" in front if a lower
 *              bound is not 1; element_type says the type
 * OTHER        the source's own text (enumerations, ranges, addresses ...)
 */
#define EZCDC_TYPE_BOOL 1
#define EZCDC_TYPE_INT16 2
#define EZCDC_TYPE_INT32 3
#define EZCDC_TYPE_INT64 4
#define EZCDC_TYPE_DECIMAL 5
#define EZCDC_TYPE_FLOAT32 6
#define EZCDC_TYPE_FLOAT64 7
#define EZCDC_TYPE_STRING 8
#define EZCDC_TYPE_BYTES 9
#define EZCDC_TYPE_DATE 10
#define EZCDC_TYPE_TIME 11
#define EZCDC_TYPE_TIMESTAMP 12
#define EZCDC_TYPE_TIMESTAMPTZ 13
#define EZCDC_TYPE_UUID 14
#define EZCDC_TYPE_JSON 15
#define EZCDC_TYPE_INTERVAL 16
#define EZCDC_TYPE_ARRAY 17
#define EZCDC_TYPE_OTHER 18

/* A value: lent bytes, their number, and whether there is one at all. */
#define EZCDC_VALUE 0     /* data and length hold it (length may be 0) */
#define EZCDC_NULL 1      /* SQL NULL */
#define EZCDC_UNCHANGED 2 /* an update left it as it was and did not send it */

struct ezcdc_value {
  const char *data; /* not NUL-terminated; NULL unless EZCDC_VALUE */
  uint32_t length;  /* bytes */
  uint32_t state;   /* EZCDC_VALUE, EZCDC_NULL or EZCDC_UNCHANGED */
};

/* A position in a source: bytes that only the source understands.  They
 * order as memcmp orders them, a prefix before what it begins.  A position
 * names a place *between* transactions: all that was committed up to it
 * is in, nothing after it is. */
#define EZCDC_POSITION_MAX 60

struct ezcdc_position {
  uint32_t length; /* 0 to EZCDC_POSITION_MAX; 0 is "before everything" */
  uint8_t bytes[EZCDC_POSITION_MAX];
};

/* ---- Tables ------------------------------------------------------------ */

#define EZCDC_COLUMN_KEY 1u      /* part of the table's key */
#define EZCDC_COLUMN_NOT_NULL 2u /* the source never sends NULL here */

/* Since 1.1 */

/* Rows that were there when the column was added may have a value in it. */
#define EZCDC_COLUMN_FILLED 4u
/* The source does not know whether the values are valid UTF-8.  The host looks
 * at them, and a row with one that is not never gets to a sink's write. */
#define EZCDC_COLUMN_UNCHECKED 8u
/* The upper half of the flags: the source's own number for the column, which
 * it keeps under another name, and which a column of the same name that was
 * dropped and made anew does not have.  0 if unknown. */
#define EZCDC_COLUMN_NUMBERED(number_) ((uint32_t) (number_) << 16)
#define EZCDC_COLUMN_NUMBER(flags_) ((flags_) >> 16)

struct ezcdc_column {
  const char *name;      /* as the source spells it */
  const char *type_name; /* the source's own word for the type, for messages */
  uint32_t type;         /* EZCDC_TYPE_... */
  uint32_t element_type; /* of an ARRAY, else 0 */
  int32_t precision;     /* DECIMAL: total digits; -1 if unlimited */
  int32_t scale;        /* DECIMAL: digits behind the point (0 if unlimited) */
  int64_t length;       /* STRING: most characters; -1 if unlimited */
  uint32_t flags;       /* EZCDC_COLUMN_... */
  uint32_t key_ordinal; /* 1 for the first column of the key, 2 ...; else 0 */
};

/* A table as the source sees it now.  Equal id means the same table, even
 * under another name. */
struct ezcdc_table {
  uint64_t id;        /* the source's number for the table, not 0 */
  const char *schema; /* "" if the source has none */
  const char *name;
  const char *target;  /* its name in the sink; set by the host, never NULL
                         when a sink sees it */
  const char *refusal; /* NULL, or why this table cannot be replicated and
                          what to do about it */
  const struct ezcdc_column *columns;
  uint32_t column_count; /* at least 1 */
  uint32_t key_count;    /* columns with EZCDC_COLUMN_KEY; a table without any
                            goes to a log only */
  /* To a sink: grows when the table's columns change; set by the host.  From
   * a source that lists it, since 1.1: another number than before if changes
   * of the table may not have been kept in between, so that it has to be copied
   * anew; 0: nothing is known of that. */
  uint64_t version;
  int64_t estimated_rows;  /* -1 if unknown */
  int64_t estimated_bytes; /* -1 if unknown */
};

/* ---- Rows -------------------------------------------------------------- */

#define EZCDC_INSERT 1
#define EZCDC_UPDATE 2
#define EZCDC_DELETE 3
#define EZCDC_TRUNCATE 4 /* values and old_values are NULL */
#define EZCDC_READ 5     /* a row of a snapshot */

struct ezcdc_row {
  const struct ezcdc_table *table;
  const struct ezcdc_value *values; /* one a column; of a DELETE only the key
                                       columns count, the others are NULL */
  const struct ezcdc_value *old_values; /* NULL, or the row before the change,
                                           as far as the source sent it (at
                                           least the key columns); what it
                                           did not send is EZCDC_NULL or
                                           EZCDC_UNCHANGED */
  const struct ezcdc_position *commit;  /* of its transaction, or the
                                          snapshot's */
  int64_t commit_time; /* microseconds since 1970-01-01 UTC; 0 if unknown */
  uint64_t ordinal;    /* of the change in its transaction, from 0; of a
                          snapshot row in its chunk */
  uint32_t operation;  /* EZCDC_INSERT ... */
  uint32_t unchanged;  /* how many values are EZCDC_UNCHANGED */
};

/* What a sink is given to write.  A sink without EZCDC_CAN_LOG gets the rows
 * of one table, one final operation per key: INSERT, UPDATE and READ mean
 * "upsert", a changed key has become DELETE and upsert, and the order of
 * rows does not matter.  If truncate is set, the table is emptied first.  A
 * sink with EZCDC_CAN_LOG gets every change, in commit order, of all
 * tables.
 *
 * label stays the same when a batch is written again, so a sink may use it to
 * find out whether an earlier attempt has succeeded.  Rows that are read
 * again, after a restart or a lost connection, come in batches with other
 * labels, even if their range is the same: they have to be written again.
 */
struct ezcdc_batch {
  const struct ezcdc_table *table; /* NULL for a log */
  const struct ezcdc_row *rows;
  uint64_t row_count;
  uint64_t bytes;    /* of all values, a hint for buffer sizes */
  const char *label; /* [A-Za-z0-9_-]{1,100} */
  const struct ezcdc_position *first; /* commit of the first row */
  const struct ezcdc_position *last;  /* commit of the last row */
  uint32_t truncate;                  /* 1: empty the table before the rows */
  uint32_t snapshot;                  /* 1: rows of a snapshot */
};

/* ---- Opaque types of the host ------------------------------------------ */

struct ezcdc_instance; /* one configured connector, from open to close */
struct ezcdc_sealed;   /* a secret that only the host can open; as long as
                          its instance */
struct ezcdc_feed;     /* where rows are handed to the core; for one call */
struct ezcdc_list;     /* where tables or chunks are listed; for one call */

/* ---- TLS --------------------------------------------------------------- */

#define EZCDC_TLS_DISABLE 0
#define EZCDC_TLS_ALLOW 1
#define EZCDC_TLS_PREFER 2
#define EZCDC_TLS_REQUIRE 3
#define EZCDC_TLS_VERIFY_CA 4
#define EZCDC_TLS_VERIFY_FULL 5

/* The instance's TLS options, checked by the core.  A path may lie under
 * /proc/self/fd (PEM that came inline or sealed is never written to disk).
 * Lives as long as the instance; a reload may change it between calls. */
struct ezcdc_tls {
  uint32_t size;               /* of this structure */
  uint32_t mode;               /* EZCDC_TLS_... */
  const char *mode_name;       /* "disable" ... "verify-full" */
  const char *root_cert;       /* path; NULL if none is configured */
  const char *client_cert;     /* path or NULL */
  const char *client_key;      /* path or NULL */
  const char *crl;             /* path or NULL */
  const char *minimum_version; /* "TLSv1.2" or "TLSv1.3" */
};

/* ---- HTTP -------------------------------------------------------------- */

struct ezcdc_http_header {
  const char *name;
  const char *value; /* no control characters */
};

#define EZCDC_HTTP_EXPECT 1u /* send Expect: 100-continue and wait for it */

/* A request that the core sends over verified TLS, with Basic
 * authentication from a sealed handle, so that the connector never sees the
 * secret.  Redirects (307, 308) are followed only to hosts and ports that
 * are configured or were announced through http_allow, at most four, and
 * never from https to http unless the user has allowed that. */
struct ezcdc_http_request {
  uint32_t size;  /* of this structure */
  uint32_t flags; /* EZCDC_HTTP_... */
  const char *method;
  const char *url;  /* http:// or https:// */
  const char *user; /* for Basic authentication; NULL: none */
  const struct ezcdc_sealed *password; /* NULL: empty */
  const struct ezcdc_http_header *headers;
  uint64_t header_count;
  const char *body;
  uint64_t body_length;
  uint64_t timeout_ms; /* of the whole exchange */
};

struct ezcdc_http_response {
  uint32_t size;      /* of this structure, set by the caller */
  uint32_t status;    /* HTTP status; 0 if no answer came */
  char *body;         /* the caller's buffer */
  uint64_t capacity;  /* its size; the host adds a NUL, cuts what is longer */
  uint64_t length;    /* set by the host */
  uint32_t body_sent; /* 1 if any of the request's body may have left */
  uint32_t truncated; /* 1 if the answer was longer than the buffer */
};

/* ---- Options ----------------------------------------------------------- */

#define EZCDC_OPTION_STRING 1
#define EZCDC_OPTION_INTEGER 2  /* minimum and maximum apply */
#define EZCDC_OPTION_BOOLEAN 3  /* yes no true false on off */
#define EZCDC_OPTION_SIZE 4     /* bytes: 4096, 64KiB, 32MiB, 1GiB */
#define EZCDC_OPTION_DURATION 5 /* microseconds: 500ms, 1s, 5min, 1h */
#define EZCDC_OPTION_CHOICE 6   /* one of choices */
#define EZCDC_OPTION_SECRET 7   /* takes a sealed value only */

#define EZCDC_OPTION_REQUIRED 1u
#define EZCDC_OPTION_RELOADABLE 2u /* may change while running */

/* One option of a section.  The core parses, checks and stores it; the same
 * table makes "ezcdc connectors", the manual page and the checks. */
struct ezcdc_option {
  const char *name;          /* [a-z][a-z0-9_]* */
  const char *default_value; /* as it would be written; NULL: none */
  const char *choices;       /* "a|b|c" for a CHOICE, else NULL */
  const char *help;          /* one line */
  int64_t minimum;           /* INTEGER, SIZE, DURATION; both 0: no limits */
  int64_t maximum;
  uint32_t type;  /* EZCDC_OPTION_... */
  uint32_t flags; /* EZCDC_OPTION_REQUIRED ... */
};

/* ---- The host's functions ---------------------------------------------- */

#define EZCDC_LOG_ERROR 0
#define EZCDC_LOG_WARNING 1
#define EZCDC_LOG_INFO 2
#define EZCDC_LOG_DEBUG 3

#define EZCDC_REPORT_OK 0
#define EZCDC_REPORT_FAIL 1
#define EZCDC_REPORT_FIX 2 /* works, but should be mended */

/* Called with the bytes of a secret; data has a NUL behind length.  The
 * result is passed through by secret_use.  When it returns, the bytes are
 * wiped, and so are, where the host can, the copies on the heap that libraries
 * have made on this thread meanwhile: sign in here, to the end.  It must not
 * keep the pointer; of the host's functions it may call log, fail, tls, wait,
 * interrupted and the clocks. */
typedef int (*ezcdc_secret_function) (void *context, const char *data,
                                      size_t length);

/* Every function may be called from any thread that works for the
 * instance, none after close and none from a signal handler.  size comes
 * first: a member exists if EZCDC_HOST_HAS says so. */
struct ezcdc_host {
  uint32_t size;
  uint32_t abi_minor;

  /* One line to the log, without a newline.  Never a secret or row data. */
  void (*log) (struct ezcdc_instance *instance, uint32_t level,
               const char *format, ...) EZCDC_PRINTF (3, 4);
  void (*vlog) (struct ezcdc_instance *instance, uint32_t level,
                const char *format, va_list arguments) EZCDC_PRINTF (3, 0);
  /* Records what went wrong for this thread of the instance and returns
   * code.  Say what was tried, on what, why it failed, what to do. */
  int (*fail) (struct ezcdc_instance *instance, int code, const char *format,
               ...) EZCDC_PRINTF (3, 4);

  /* Options, checked against the table.  NULL or 0 if not set and without a
   * default.  Strings live as long as the instance.  As a number a SIZE is
   * bytes, a DURATION microseconds, a BOOLEAN 0 or 1, and a CHOICE the place
   * of its word in choices, from 0. */
  const char *(*option_string) (struct ezcdc_instance *instance,
                                const char *name);
  int64_t (*option_integer) (struct ezcdc_instance *instance,
                             const char *name);
  const struct ezcdc_sealed *(*option_sealed) (struct ezcdc_instance *instance,
                                               const char *name);
  const char *(*pipeline_name) (struct ezcdc_instance *instance);
  /* A folder of this pipeline for files of the connector; ends without "/". */
  const char *(*state_folder) (struct ezcdc_instance *instance);

  /* Opens a secret for the length of one call of function and returns what
   * it returned, or EZCDC_E_CREDENTIAL.  Each use is an audit record; reason
   * is a word or two for it ("connect").  Needs EZCDC_CAN_REVEAL. */
  int (*secret_use) (struct ezcdc_instance *instance,
                     const struct ezcdc_sealed *sealed, const char *reason,
                     ezcdc_secret_function function, void *context);
  /* TLS parameters of the instance, NULL if it declared none. */
  const struct ezcdc_tls *(*tls) (struct ezcdc_instance *instance);
  /* Tells the core what was negotiated (log, audit, status).  version is
   * NULL when the connection is in the clear. */
  void (*tls_negotiated) (struct ezcdc_instance *instance, const char *peer,
                          const char *version, const char *cipher);

  /* Sends one request and waits for the answer.  EZCDC_OK if an HTTP answer
   * arrived, whatever its status; connections are kept alive per thread. */
  int (*http) (struct ezcdc_instance *instance,
               const struct ezcdc_http_request *request,
               struct ezcdc_http_response *response);
  /* Allows redirects to host:port (a name or an address); kept until the
   * instance closes. */
  int (*http_allow) (struct ezcdc_instance *instance, const char *host,
                     uint32_t port);

  /* Monotonic and wall-clock microseconds. */
  int64_t (*monotonic_time) (void);
  int64_t (*real_time) (void);
  /* 1 once the instance was interrupted: return EZCDC_E_STOPPED soon. */
  int (*interrupted) (struct ezcdc_instance *instance);
  /* Waits until descriptor is readable (events & 1) or writable (events &
   * 2), the instance is interrupted or timeout_ms have passed.  Returns the
   * events that are ready, 0 for the timeout, EZCDC_E_STOPPED.  descriptor
   * -1 waits for the interruption alone. */
  int (*wait) (struct ezcdc_instance *instance, int descriptor,
               uint32_t events, int64_t timeout_ms);
  /* Adds to a counter of the instance that "ezcdc status" shows. */
  void (*count) (struct ezcdc_instance *instance, const char *counter,
                 int64_t delta);

  /* check: one line for one prerequisite. remedy may be NULL. */
  void (*report) (struct ezcdc_instance *instance, uint32_t outcome,
                  const char *subject, const char *finding,
                  const char *remedy);

  /* discover: one table, copied. plan: one chunk of the snapshot; chunk is
   * text that only the source understands, at most 200 bytes, kept in the
   * state and given back to reader_read, also after a restart. */
  int (*list_table) (struct ezcdc_list *list, const struct ezcdc_table *table);
  int (*list_chunk) (struct ezcdc_list *list, const char *chunk,
                     int64_t estimated_rows);

  /* The receiving end of a stream, a chunk or a scan.  All is copied; a
   * result below zero ends the read call, which returns it.  A chunk, a scan
   * and a fetch are fed rows alone.  What breaks a rule is EZCDC_E_BUG.
   * feed_row: values holds one value a column of the table as last given to
   * feed_table (or as discovered); old_values likewise or NULL.  Values
   * that lie inside [message, message + length) cost one copy together;
   * message may be NULL. */
  int (*feed_begin) (struct ezcdc_feed *feed,
                     const struct ezcdc_position *commit, int64_t commit_time);
  int (*feed_row) (struct ezcdc_feed *feed, uint64_t table_id,
                   uint32_t operation, const struct ezcdc_value *values,
                   const struct ezcdc_value *old_values, const char *message,
                   size_t length);
  int (*feed_truncate) (struct ezcdc_feed *feed, uint64_t table_id);
  /* The table looks like this from here on.  Sent before its first row in
   * a stream and whenever it has changed; cheap if nothing has. */
  int (*feed_table) (struct ezcdc_feed *feed, const struct ezcdc_table *table);
  /* The transaction is complete; end is the position behind it. */
  int (*feed_commit) (struct ezcdc_feed *feed,
                      const struct ezcdc_position *end);
  /* No transaction is open and nothing is missing up to here. */
  int (*feed_progress) (struct ezcdc_feed *feed,
                        const struct ezcdc_position *position);

  /* The most bytes a sink should hold in one request's body; a batch that
   * needs more is written as several. */
  uint64_t (*body_limit) (struct ezcdc_instance *instance);
  /* A sink that refuses a row says which and why, any number of times,
   * before it returns EZCDC_E_ROW.  row is its index in the batch; the
   * TRUNCATE of a log cannot be refused (EZCDC_E_BUG). */
  int (*refuse_row) (struct ezcdc_instance *instance,
                     const struct ezcdc_batch *batch, uint64_t row,
                     const char *reason);

  /* Says what the instance waits for, so that "ezcdc status" shows it; NULL
   * when the wait is over. */
  void (*waiting) (struct ezcdc_instance *instance, const char *reason);

  /* Since 1.1 */

  /* write: a load is about to be sent that the server may still finish when
   * nobody waits for it any more.  load is a name under which "settle" can
   * ask for it, at most 191 bytes; it is on the disk when this returns
   * EZCDC_OK.  Below zero: send nothing, return the code.  Not for a log, whose
   * batches have no table (EZCDC_E_BUG). */
  int (*announce) (struct ezcdc_instance *instance,
                   const struct ezcdc_batch *batch, const char *load);
  /* As tls_negotiated, and instead of it, with the certificate that the peer
   * has shown: length bytes of DER. The core names it in log, audit and
   * status, and warns before it expires. */
  void (*tls_peer) (struct ezcdc_instance *instance, const char *peer,
                    const char *version, const char *cipher,
                    const void *certificate, size_t length);
  /* check: what a source's "prepare" would be given as stored; length 0 if
   * nothing is stored yet. */
  void (*stored_position) (struct ezcdc_instance *instance,
                           struct ezcdc_position *ret_position);
};

#define EZCDC_HOST_HAS(host_, member_)                                        \
  ((host_)->size                                                              \
   >= offsetof (struct ezcdc_host, member_) + sizeof ((host_)->member_))

/* ---- Source ------------------------------------------------------------
 *
 * Life:  open - [check | discover - prepare - snapshot - stream] - close.
 * Objects made by ..._open belong to the connector and are closed by the
 * core before the instance.  Each of them is used by one thread at a time;
 * different objects run side by side if the thread rule allows it.
 *
 * interrupt, check, position_distance, fetch and stream_holds may be NULL.
 */

#define EZCDC_SNAPSHOT_INITIAL 1u /* at the point where the stream begins */
#define EZCDC_SNAPSHOT_LATER                                                  \
  2u /* at any later point; the stream that
                                     follows starts before it */
#define EZCDC_SNAPSHOT_VIEW                                                   \
  3u /* any consistent view, for a comparison;
                                     nothing follows it */

/* What prepare found or made. */
struct ezcdc_prepared {
  uint32_t size;    /* of this structure, set by the caller */
  uint32_t created; /* 1: the stream begins now, nothing was read before */
  struct ezcdc_position start; /* where the stream will begin */
  char identity[120]; /* text that names the source for ever: the core stores
                         it and refuses a different one */
};

struct ezcdc_source {
  uint32_t size;
  uint32_t reserved;

  int (*open) (struct ezcdc_instance *instance, void **ret_self);
  void (*close) (void *self);
  /* From any thread, at any time between open and close, also twice. */
  void (*interrupt) (void *self);
  /* Reports every prerequisite; changes nothing.  EZCDC_OK also when some
   * failed. */
  int (*check) (void *self);
  /* Lists the tables that are configured, also those with a refusal. */
  int (*discover) (void *self, struct ezcdc_list *list);
  /* Makes sure that changes are kept from now on (slot, publication).
   * stored is where the core wants to go on, NULL at the first start; a
   * source that no longer has the changes after it fails with
   * EZCDC_E_OPERATOR and names the ways out. */
  int (*prepare) (void *self, const struct ezcdc_position *stored,
                  struct ezcdc_prepared *ret_prepared);
  /* The source's position now: all that is committed is before it. */
  int (*current_position) (void *self, struct ezcdc_position *ret_position);
  /* Writes a position as people know it; ret_text has 64 bytes.  This and
   * the next one only compute: they may be called at any time from any
   * thread, whatever the thread rule. */
  void (*position_text) (const struct ezcdc_position *position,
                         char *ret_text);
  /* Bytes of log between two positions; -1 if that has no meaning. */
  int64_t (*position_distance) (const struct ezcdc_position *from,
                                const struct ezcdc_position *to);

  /* One consistent view of all tables.  ret_position: every change visible
   * in it is before, or repeated by the stream. */
  int (*snapshot_open) (void *self, uint32_t kind, void **ret_snapshot,
                        struct ezcdc_position *ret_position);
  void (*snapshot_close) (void *snapshot);
  /* Cuts a table into chunks that together hold each row once. */
  int (*snapshot_plan) (void *snapshot, const struct ezcdc_table *table,
                        struct ezcdc_list *list);
  /* A reader of the snapshot, with a connection of its own. */
  int (*reader_open) (void *snapshot, void **ret_reader);
  void (*reader_close) (void *reader);
  /* Begins a chunk; then reader_read until EZCDC_END. */
  int (*reader_begin) (void *reader, const struct ezcdc_table *table,
                       const char *chunk);
  int (*reader_read) (void *reader, struct ezcdc_feed *feed,
                      int64_t timeout_ms);

  /* The stream of changes after a position, which confirms nothing: it may be
   * what was read, and need not be durable. */
  int (*stream_open) (void *self, const struct ezcdc_position *after,
                      void **ret_stream);
  void (*stream_close) (void *stream);
  /* Hands on what arrives until the feed says EZCDC_FULL (returns
   * EZCDC_FULL), nothing has come for timeout_ms (EZCDC_IDLE), or about
   * 100 ms have passed.  EZCDC_IDLE means that all there is has been read: a
   * source that is silent when it should answer has not said so.  feed NULL:
   * take nothing, only keep the connection alive for up to timeout_ms.  Called
   * by one thread that never waits for the sink. */
  int (*stream_read) (void *stream, struct ezcdc_feed *feed,
                      int64_t timeout_ms);
  /* All up to position is durable in the sink and stored by the core: the
   * source may forget it.  Does not wait; same thread as stream_read. */
  int (*stream_confirm) (void *stream, const struct ezcdc_position *position);
  /* Reads rows again by key, as they are now: rows of the given table whose
   * key is one of count keys.  keys holds count times one value per column
   * of the table, of which only the key columns count.  Fed as EZCDC_READ.
   * NULL: cannot; then updates must send every value. */
  int (*fetch) (void *self, const struct ezcdc_table *table,
                const struct ezcdc_value *keys, uint64_t count,
                struct ezcdc_feed *feed);

  /* Since 1.1 */

  /* Whether the history that the stream comes from has what a view at that
   * position has shown: EZCDC_OK, or EZCDC_END if another server has taken over
   * that never had it.  Only computes.  NULL: it has. */
  int (*stream_holds) (void *stream, const struct ezcdc_position *position);
};

/* ---- Sink --------------------------------------------------------------
 *
 * interrupt, check, scan, settle and destination may be NULL.
 */

struct ezcdc_sink {
  uint32_t size;
  uint32_t reserved;

  int (*open) (struct ezcdc_instance *instance, void **ret_self);
  void (*close) (void *self);
  void (*interrupt) (void *self);
  /* tables: what will be written, for checks of names and types. */
  int (*check) (void *self, const struct ezcdc_table *const *tables,
                uint64_t table_count);
  /* Creates the table (EZCDC_CREATED) or lets it grow (EZCDC_OK); existing
   * data stays. May be called from several threads for different tables. */
  int (*prepare) (void *self, const struct ezcdc_table *table);
  /* Writes a batch.  EZCDC_OK means durable and visible, all of it.  After
   * EZCDC_E_ROW nothing of the batch needs to be durable: the core takes
   * the refused rows out and writes again.  Any other failure may leave the
   * outcome open: the core calls again with the same batch.  Batches of one
   * table never overlap. */
  int (*write) (void *self, const struct ezcdc_batch *batch);
  /* Feeds all rows of the table as they are now, in canonical text, as
   * EZCDC_READ; for "verify".  NULL: cannot be read back. */
  int (*scan) (void *self, const struct ezcdc_table *table,
               struct ezcdc_feed *feed);

  /* Since 1.1 */

  /* Waits until a load that was announced for this target is over: nothing of
   * it will become visible after EZCDC_OK that is not visible now.  Asked
   * before anything newer is written, for each load whose end nobody has
   * seen: after a crash, or after a write that failed.  NULL: a write that
   * was broken off has no later effect. */
  int (*settle) (void *self, const char *target, const char *load);
  /* What belongs to the name of every target besides the name itself, such as a
   * database; as long as the instance.  Tables whose rows went to another
   * destination so far are copied anew.  NULL: nothing does. */
  const char *(*destination) (void *self);
};

/* ---- Descriptor -------------------------------------------------------- */

#define EZCDC_KIND_SOURCE 1u
#define EZCDC_KIND_SINK 2u /* both bits: a connector that is both */

#define EZCDC_THREADS_ONE 1      /* one call in the whole object at a time */
#define EZCDC_THREADS_INSTANCE 2 /* one call per instance, from any thread */
#define EZCDC_THREADS_PARALLEL                                                \
  3 /* any number; objects made by ..._open one
                                    at a time each */

/* What an administrator may want to know or forbid. */
#define EZCDC_CAN_REVEAL 1u  /* sees secrets through secret_use */
#define EZCDC_CAN_NETWORK 2u /* opens connections of its own */
#define EZCDC_CAN_TLS 4u     /* runs TLS by itself */
#define EZCDC_CAN_THREADS 8u /* starts threads */
#define EZCDC_CAN_FILES 16u  /* writes files */
/* How it works. */
#define EZCDC_CAN_LOG 32u     /* sink: wants every change in commit order */
#define EZCDC_CAN_PARTIAL 64u /* sink: keeps EZCDC_UNCHANGED values */
#define EZCDC_USES_TLS 128u   /* has the core's TLS options (ssl_mode ...) */
#define EZCDC_USES_HTTP                                                       \
  256u /* has the core's HTTP options (load_plaintext
                                 ...) */

struct ezcdc_connector {
  uint64_t magic; /* EZCDC_CONNECTOR_MAGIC */
  uint32_t size;  /* of this structure */
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t minimum_host_minor;
  uint64_t must_understand; /* bits the host must know; 0 */
  uint32_t option_stride;   /* sizeof (struct ezcdc_option) */
  uint32_t option_count;
  uint32_t kind;                      /* EZCDC_KIND_... */
  uint32_t threads;                   /* EZCDC_THREADS_..., not 0 */
  uint64_t capabilities;              /* EZCDC_CAN_... */
  const char *name;                   /* [a-z][a-z0-9_-]{0,31} */
  const char *version;                /* of the connector */
  const char *summary;                /* one line */
  const char *license;                /* SPDX */
  const struct ezcdc_option *options; /* of a source, or of both */
  const struct ezcdc_source *source;  /* or NULL */
  const struct ezcdc_sink *sink;      /* or NULL */
};

/* The one exported function.  host lives as long as the process.  Returns
 * constant memory; NULL if the host lacks something it must have. */
#define EZCDC_ENTRY_POINT "ezcdc_connector_v1"

EZCDC_EXPORT const struct ezcdc_connector *ezcdc_connector_v1 (
  const struct ezcdc_host *host);

#ifdef __cplusplus
}
#endif

#endif /* EZCDC_CONNECTOR_H */
