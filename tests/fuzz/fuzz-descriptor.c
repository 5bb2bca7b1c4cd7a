/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a connector says about itself. A sound connector's tables
 * are changed as the input says, laid into memory of exactly the size that
 * they claim, and checked.
 *
 * The input is a list of changes, each u8 member | value: a little-endian
 * number in eight bytes, or u8 length | bytes for a text (length 255: NULL).
 * Members beyond the list are functions, which become NULL.
 */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/plugin/loader.h"
#include "tests/fuzz/fuzz.h"

#define OPTIONS 3
#define TEXTS_MAX 64
#define TABLE_MAX 4096 /* larger ones must be refused unread */

/* The tables before they are laid out, and the texts that they point to. */
struct image {
  struct ezcdc_connector connector;
  struct ezcdc_option options[OPTIONS];
  struct ezcdc_source source;
  struct ezcdc_sink sink;
  char *texts[TEXTS_MAX]; /* owned, each in memory of its own */
  size_t text_count;
};

struct member {
  size_t offset; /* in the image */
  size_t size;   /* of a number; 0: a text */
};

#define NUMBER(member_)                                                       \
  {                                                                           \
    offsetof (struct image, member_), sizeof ((struct image *) 0)->member_    \
  }
#define TEXT(member_)                                                         \
  {                                                                           \
    offsetof (struct image, member_), 0                                       \
  }
#define OPTION(index_)                                                        \
  TEXT (options[index_].name), TEXT (options[index_].default_value),          \
    TEXT (options[index_].choices), TEXT (options[index_].help),              \
    NUMBER (options[index_].minimum), NUMBER (options[index_].maximum),       \
    NUMBER (options[index_].type), NUMBER (options[index_].flags)

static const struct member members[] = {
  NUMBER (connector.magic),
  NUMBER (connector.size),
  NUMBER (connector.abi_major),
  NUMBER (connector.abi_minor),
  NUMBER (connector.minimum_host_minor),
  NUMBER (connector.must_understand),
  NUMBER (connector.option_stride),
  NUMBER (connector.option_count),
  NUMBER (connector.kind),
  NUMBER (connector.threads),
  NUMBER (connector.capabilities),
  NUMBER (source.size),
  NUMBER (sink.size),
  TEXT (connector.name),
  TEXT (connector.version),
  TEXT (connector.summary),
  TEXT (connector.license),
  OPTION (0),
  OPTION (1),
  OPTION (2),
};
#define MEMBERS (sizeof members / sizeof members[0])

/* ---- A sound connector ------------------------------------------------- */

/* Stands for every function: none is called. */
static void
no_function (void)
{
}

/* ISO C has no other way to fill a table of functions of many types. */
static void
fill_functions (void *table, size_t size, size_t first)
{
  void (*function) (void) = no_function;

  for (size_t at = first; at + sizeof function <= size; at += sizeof function)
    memcpy ((char *) table + at, &function, sizeof function);
}

static void
image_make (struct image *image)
{
  memset (image, 0, sizeof *image);
  image->connector = (struct ezcdc_connector){
    .magic = EZCDC_CONNECTOR_MAGIC,
    .size = sizeof image->connector,
    .abi_major = EZCDC_ABI_MAJOR,
    .abi_minor = EZCDC_ABI_MINOR,
    .option_stride = sizeof image->options[0],
    .option_count = OPTIONS,
    .kind = EZCDC_KIND_SOURCE | EZCDC_KIND_SINK,
    .threads = EZCDC_THREADS_ONE,
    .name = "sound",
    .version = "1",
    .summary = "s",
    .license = "Apache-2.0",
  };
  image->options[0] = (struct ezcdc_option){ .name = "text",
                                             .type = EZCDC_OPTION_STRING,
                                             .help = "h" };
  image->options[1] = (struct ezcdc_option){ .name = "number",
                                             .type = EZCDC_OPTION_INTEGER,
                                             .default_value = "5",
                                             .minimum = 1,
                                             .maximum = 9,
                                             .help = "h" };
  image->options[2] = (struct ezcdc_option){ .name = "choice",
                                             .type = EZCDC_OPTION_CHOICE,
                                             .choices = "red|green",
                                             .default_value = "red",
                                             .help = "h" };
  fill_functions (&image->source, sizeof image->source,
                  offsetof (struct ezcdc_source, open));
  fill_functions (&image->sink, sizeof image->sink,
                  offsetof (struct ezcdc_sink, open));
  image->source.size = sizeof image->source;
  image->sink.size = sizeof image->sink;
}

/* ---- Changes ----------------------------------------------------------- */

struct input {
  const uint8_t *at;
  const uint8_t *end;
};

static uint64_t
take_number (struct input *input, unsigned bytes)
{
  uint64_t number = 0;

  for (unsigned i = 0; i < bytes && input->at < input->end; i++)
    number |= (uint64_t) *input->at++ << (8 * i);
  return number;
}

/* A text in memory of its own size. */
static const char *
take_text (struct input *input, struct image *image)
{
  size_t length = take_number (input, 1);

  if (length == 255 || image->text_count == TEXTS_MAX)
    return NULL;
  if (length > (size_t) (input->end - input->at))
    length = (size_t) (input->end - input->at);
  char *text = malloc (length + 1);
  FUZZ_CHECK (text != NULL);
  memcpy (text, input->at, length);
  text[length] = '\0';
  input->at += length;
  image->texts[image->text_count++] = text;
  return text;
}

static void
clear_function (struct image *image, size_t number)
{
  const size_t in_source = (sizeof image->source
                            - offsetof (struct ezcdc_source, open))
                           / sizeof (void *);
  const size_t in_sink = (sizeof image->sink
                          - offsetof (struct ezcdc_sink, open))
                         / sizeof (void *);

  if (number < in_source)
    memset ((char *) &image->source + offsetof (struct ezcdc_source, open)
              + number * sizeof (void *),
            0, sizeof (void *));
  else if (number - in_source < in_sink)
    memset ((char *) &image->sink + offsetof (struct ezcdc_sink, open)
              + (number - in_source) * sizeof (void *),
            0, sizeof (void *));
}

static void
change (struct image *image, struct input *input)
{
  size_t number = take_number (input, 1);

  if (number >= MEMBERS) {
    clear_function (image, number - MEMBERS);
    return;
  }
  const struct member *member = &members[number];
  char *place = (char *) image + member->offset;
  if (member->size == 0) {
    const char *text = take_text (input, image);
    memcpy (place, &text, sizeof text);
    return;
  }
  uint64_t value = take_number (input, 8);
  uint32_t half = (uint32_t) value;
  if (member->size == sizeof half)
    memcpy (place, &half, sizeof half);
  else
    memcpy (place, &value, sizeof value);
}

/* ---- Layout and check -------------------------------------------------- */

/* Memory with as many bytes as a table says it has (a head to read that from
 * is always there), of which the first are those of the image. */
static void *
lay_out (const void *table, size_t ours, uint64_t claimed)
{
  size_t size = claimed < 16 || claimed > TABLE_MAX ? 16 : (size_t) claimed;
  char *memory = calloc (1, size);

  FUZZ_CHECK (memory != NULL);
  memcpy (memory, table, size < ours ? size : ours);
  return memory;
}

/* As many options as are counted, each with as many bytes as the stride. */
static void *
lay_out_options (const struct image *image)
{
  size_t stride = image->connector.option_stride;
  size_t count = image->connector.option_count;

  if (count == 0 || count > 256 || stride == 0 || stride > TABLE_MAX)
    return calloc (1, 1);
  char *memory = calloc (count, stride);
  FUZZ_CHECK (memory != NULL);
  for (size_t i = 0; i < count; i++)
    memcpy (memory + i * stride, &image->options[i % OPTIONS],
            stride < sizeof image->options[0] ? stride
                                              : sizeof image->options[0]);
  return memory;
}

static void
check_tables (const struct ezcdc_connector *descriptor)
{
  struct connector connector = { 0 };
  struct error error = { 0 };

  if (loader_check (descriptor, "connector x.so", &connector, &error) != 0) {
    FUZZ_CHECK (error.code < 0 && error.text[0] != '\0');
    FUZZ_CHECK (connector.options == NULL);
    return;
  }
  FUZZ_CHECK (connector.descriptor.name != NULL
              && connector.descriptor.kind != 0);
  FUZZ_CHECK ((connector.descriptor.source != NULL)
              == ((connector.descriptor.kind & EZCDC_KIND_SOURCE) != 0));
  FUZZ_CHECK ((connector.descriptor.sink != NULL)
              == ((connector.descriptor.kind & EZCDC_KIND_SINK) != 0));
  for (uint32_t i = 0; i < connector.descriptor.option_count; i++)
    FUZZ_CHECK (connector.options[i].name != NULL
                && connector.options[i].help != NULL);
  free (connector.options);
}

static void
check_image (struct image *image)
{
  void *source = lay_out (&image->source, sizeof image->source,
                          image->source.size);
  void *sink = lay_out (&image->sink, sizeof image->sink, image->sink.size);
  void *options = lay_out_options (image);

  /* A kind without one has none, so that more than one reason is seen. */
  image->connector.source = image->connector.kind == EZCDC_KIND_SINK ? NULL
                                                                     : source;
  image->connector.sink = image->connector.kind == EZCDC_KIND_SOURCE ? NULL
                                                                     : sink;
  image->connector.options = options;
  void *descriptor = lay_out (&image->connector, sizeof image->connector,
                              image->connector.size);
  check_tables (descriptor);
  free (descriptor);
  free (options);
  free (sink);
  free (source);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  struct input input = { .at = data, .end = data + length };
  struct image image;

  image_make (&image);
  while (input.at < input.end)
    change (&image, &input);
  check_image (&image);
  for (size_t i = 0; i < image.text_count; i++)
    free (image.texts[i]);
  return 0;
}
