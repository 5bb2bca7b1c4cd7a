/* SPDX-License-Identifier: Apache-2.0 */
/* The file that lines are appended to: opened, repaired, locked, buffered,
 * synced and rotated; or standard output, which is only buffered.
 */

#ifndef FILE_OUTPUT_H
#define FILE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#define OUTPUT_BUFFER 65536
#define OUTPUT_HEAD 256

struct output {
  const struct ezcdc_host *host;
  struct ezcdc_instance *instance;
  const char *path;    /* "-": standard output */
  int64_t rotate_size; /* 0: never */
  bool sync;
  int descriptor;  /* -1: not open */
  int64_t durable; /* bytes of the file up to the last commit */
  int64_t written; /* bytes of the file, durable or not */
  int failure;     /* errno of the first write that failed; 0: none */
  size_t length;   /* bytes in the buffer */
  char buffer[OUTPUT_BUFFER];
};

/* Makes a closed output; path lives as long as it. */
void output_init (struct output *output, const struct ezcdc_host *host,
                  struct ezcdc_instance *instance, const char *path,
                  int64_t rotate_size, bool sync);

/* Opens the file if it is not open, makes it if it is missing, and takes off
 * an incomplete last line. ret_head gets the beginning of the last whole
 * line, also of a file that was rotated away, as a string; "" if there is
 * none. EZCDC_OK, or a code after host->fail. */
int output_open (struct output *output, char ret_head[OUTPUT_HEAD]);
bool output_is_open (const struct output *output);

/* Appends; a failure shows in output_commit. */
void output_put (struct output *output, const char *data, size_t length);
void output_text (struct output *output, const char *text);

/* Makes all that was appended durable. If that fails, the file is as it was
 * at the last commit, and a code is returned after host->fail. */
int output_commit (struct output *output);

/* Starts a new file if this one has grown to rotate_size; only when nothing is
 * uncommitted. */
int output_rotate (struct output *output);

void output_close (struct output *output);

#endif
