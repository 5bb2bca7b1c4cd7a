/* SPDX-License-Identifier: Apache-2.0 */
/* A small sink (or source) that loads, unless a macro spoils a member of its
 * tables. refusals.py compiles this file once for each reason to refuse it.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <ezcdc/connector.h>

/* What a member is, unless -DMEMBER=... says otherwise. */
#ifndef MAGIC
#define MAGIC EZCDC_CONNECTOR_MAGIC
#endif
#ifndef SIZE
#define SIZE sizeof (struct ezcdc_connector)
#endif
#ifndef MAJOR
#define MAJOR EZCDC_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR EZCDC_ABI_MINOR
#endif
#ifndef MINIMUM
#define MINIMUM 0
#endif
#ifndef MUST
#define MUST 0
#endif
#ifndef STRIDE
#define STRIDE sizeof (struct ezcdc_option)
#endif
#ifndef COUNT
#define COUNT 1
#endif
#ifndef KIND
#define KIND EZCDC_KIND_SINK
#endif
#ifndef THREADS
#define THREADS EZCDC_THREADS_ONE
#endif
#ifndef CAPABILITIES
#define CAPABILITIES 0
#endif
#ifndef NAME
#define NAME "bad"
#endif
#ifndef VERSION
#define VERSION "1"
#endif
#ifndef SUMMARY
#define SUMMARY "Loads unless it is spoilt"
#endif
#ifndef LICENSE
#define LICENSE "Apache-2.0"
#endif
#ifndef OPTIONS
#define OPTIONS options
#endif
#ifndef SOURCE
#define SOURCE NULL
#endif
#ifndef SINK
#define SINK &sink
#endif
#ifndef SINK_SIZE
#define SINK_SIZE sizeof (struct ezcdc_sink)
#endif
#ifndef SOURCE_SIZE
#define SOURCE_SIZE sizeof (struct ezcdc_source)
#endif
/* The functions of the sink; see MISSING for those of the source. */
#ifndef SINK_OPEN
#define SINK_OPEN bad_open
#endif
#ifndef SINK_CLOSE
#define SINK_CLOSE bad_close
#endif
#ifndef SINK_PREPARE
#define SINK_PREPARE bad_prepare
#endif
#ifndef SINK_WRITE
#define SINK_WRITE bad_write
#endif
/* The members of the only option. */
#ifndef OPTION_NAME
#define OPTION_NAME "colour"
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE EZCDC_OPTION_STRING
#endif
#ifndef OPTION_DEFAULT
#define OPTION_DEFAULT NULL
#endif
#ifndef OPTION_HELP
#define OPTION_HELP "any colour"
#endif
#ifndef ENTRY
#define ENTRY ezcdc_connector_v1
#endif

/* The loader looks at what the functions are, it does not call them. */
static int
bad_open (struct ezcdc_instance *instance, void **ret_self)
{
  (void) instance;
  (void) ret_self;
  return EZCDC_E_BUG;
}

static void
bad_close (void *self)
{
  (void) self;
}

static int
bad_prepare (void *self, const struct ezcdc_table *table)
{
  (void) self;
  (void) table;
  return EZCDC_E_BUG;
}

static int
bad_write (void *self, const struct ezcdc_batch *batch)
{
  (void) self;
  (void) batch;
  return EZCDC_E_BUG;
}

static int
bad_discover (void *self, struct ezcdc_list *list)
{
  (void) self;
  (void) list;
  return EZCDC_E_BUG;
}

static int
bad_source_prepare (void *self, const struct ezcdc_position *stored,
                    struct ezcdc_prepared *ret_prepared)
{
  (void) self;
  (void) stored;
  (void) ret_prepared;
  return EZCDC_E_BUG;
}

static int
bad_position (void *self, struct ezcdc_position *ret_position)
{
  (void) self;
  (void) ret_position;
  return EZCDC_E_BUG;
}

static void
bad_position_text (const struct ezcdc_position *position, char *ret_text)
{
  (void) position;
  ret_text[0] = '\0';
}

static int
bad_snapshot_open (void *self, uint32_t kind, void **ret_snapshot,
                   struct ezcdc_position *ret_position)
{
  (void) self;
  (void) kind;
  (void) ret_snapshot;
  (void) ret_position;
  return EZCDC_E_BUG;
}

static int
bad_plan (void *snapshot, const struct ezcdc_table *table,
          struct ezcdc_list *list)
{
  (void) snapshot;
  (void) table;
  (void) list;
  return EZCDC_E_BUG;
}

static int
bad_reader_open (void *snapshot, void **ret_reader)
{
  (void) snapshot;
  (void) ret_reader;
  return EZCDC_E_BUG;
}

static int
bad_reader_begin (void *reader, const struct ezcdc_table *table,
                  const char *chunk)
{
  (void) reader;
  (void) table;
  (void) chunk;
  return EZCDC_E_BUG;
}

static int
bad_read (void *reader, struct ezcdc_feed *feed, int64_t timeout_ms)
{
  (void) reader;
  (void) feed;
  (void) timeout_ms;
  return EZCDC_E_BUG;
}

static int
bad_stream_open (void *self, const struct ezcdc_position *after,
                 void **ret_stream)
{
  (void) self;
  (void) after;
  (void) ret_stream;
  return EZCDC_E_BUG;
}

static int
bad_confirm (void *stream, const struct ezcdc_position *position)
{
  (void) stream;
  (void) position;
  return EZCDC_E_BUG;
}

/* clang-format off */
#define ALL_BUT(member_, function_)                                           \
  (offsetof (struct ezcdc_source, member_) == MISSING_AT ? NULL : (function_))

/* The offset of the function that the source lacks; none has offset 1. */
#ifdef MISSING
#define MISSING_AT offsetof (struct ezcdc_source, MISSING)
#else
#define MISSING_AT 1
#endif

__attribute__ ((unused)) static const struct ezcdc_source source = {
  .size             = SOURCE_SIZE,
  .open             = ALL_BUT (open, bad_open),
  .close            = ALL_BUT (close, bad_close),
  .discover         = ALL_BUT (discover, bad_discover),
  .prepare          = ALL_BUT (prepare, bad_source_prepare),
  .current_position = ALL_BUT (current_position, bad_position),
  .position_text    = ALL_BUT (position_text, bad_position_text),
  .snapshot_open    = ALL_BUT (snapshot_open, bad_snapshot_open),
  .snapshot_close   = ALL_BUT (snapshot_close, bad_close),
  .snapshot_plan    = ALL_BUT (snapshot_plan, bad_plan),
  .reader_open      = ALL_BUT (reader_open, bad_reader_open),
  .reader_close     = ALL_BUT (reader_close, bad_close),
  .reader_begin     = ALL_BUT (reader_begin, bad_reader_begin),
  .reader_read      = ALL_BUT (reader_read, bad_read),
  .stream_open      = ALL_BUT (stream_open, bad_stream_open),
  .stream_close     = ALL_BUT (stream_close, bad_close),
  .stream_read      = ALL_BUT (stream_read, bad_read),
  .stream_confirm   = ALL_BUT (stream_confirm, bad_confirm),
};

__attribute__ ((unused)) static const struct ezcdc_sink sink = {
  .size    = SINK_SIZE,
  .open    = SINK_OPEN,
  .close   = SINK_CLOSE,
  .prepare = SINK_PREPARE,
  .write   = SINK_WRITE,
};

__attribute__ ((unused)) static const struct ezcdc_option options[2] = {
  {
    .name          = OPTION_NAME,
    .type          = OPTION_TYPE,
    .default_value = OPTION_DEFAULT,
    .help          = OPTION_HELP,
  },
  {
    .name = "colour",
    .type = EZCDC_OPTION_STRING,
    .help = "only counted with COUNT = 2",
  },
};

static const struct ezcdc_connector connector = {
  .magic              = MAGIC,
  .size               = SIZE,
  .abi_major          = MAJOR,
  .abi_minor          = MINOR,
  .minimum_host_minor = MINIMUM,
  .must_understand    = MUST,
  .option_stride      = STRIDE,
  .option_count       = COUNT,
  .kind               = KIND,
  .threads            = THREADS,
  .capabilities       = CAPABILITIES,
  .name               = NAME,
  .version            = VERSION,
  .summary            = SUMMARY,
  .license            = LICENSE,
  .options            = OPTIONS,
  .source             = SOURCE,
  .sink               = SINK,
};
/* clang-format on */

#ifdef BAD_UNDEFINED
extern int nobody_defines_this (void);
#endif

#ifdef BAD_TEXTREL
/* An address in the code, which the dynamic linker would have to patch. */
__asm__(".text\n.globl bad_patched\nbad_patched:\n.dc.a connector\n");
#endif

/* Proof that the code of a refused file did not run: see refusals.py. */
#ifdef BAD_CONSTRUCTOR
__attribute__ ((constructor)) static void
run_at_once (void)
{
  _Exit (99);
}
#endif

EZCDC_EXPORT const struct ezcdc_connector *
ENTRY (const struct ezcdc_host *host)
{
  (void) host;
#ifdef BAD_UNDEFINED
  if (nobody_defines_this ())
    return NULL;
#endif
#ifdef BAD_NULL
  return NULL;
#endif
#ifdef CURIOUS
  if (getenv ("CONFIG_ENCRYPTION_KEY") != NULL)
    return NULL;
#endif
  return &connector;
}

#ifdef BAD_PROGRAM
int
main (void)
{
  return ezcdc_connector_v1 (NULL) == NULL;
}
#endif
