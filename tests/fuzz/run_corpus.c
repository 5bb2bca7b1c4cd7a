/* SPDX-License-Identifier: Apache-2.0 */
/* The main function of a fuzz target without libFuzzer: runs the target over
 * its corpus, tests/fuzz/corpus/NAME, and over near variants of each file:
 * cut at every place, and with each byte changed in four ways.
 */

#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "tests/fuzz/fuzz.h"

/* Files with more bytes than this are run as they are. */
#define VARIED_MAX 4096

/* Runs the target over bytes that end where their memory ends, so that
 * AddressSanitizer and valgrind see a read beyond. */
static void
run_exactly (const char *data, size_t length)
{
  uint8_t *copy = malloc (length > 0 ? length : 1);

  if (copy == NULL)
    abort ();
  memcpy (copy, data, length);
  LLVMFuzzerTestOneInput (copy, length);
  free (copy);
}

static void
run_variants (struct text *text)
{
  static const unsigned char changes[] = { 0x01, 0x20, 0x80, 0xff };

  for (size_t length = 0; length < text->length; length++)
    run_exactly (text->data, length);
  for (size_t at = 0; at < text->length; at++)
    for (size_t i = 0; i < sizeof changes; i++) {
      text->data[at] = (char) ((unsigned char) text->data[at] ^ changes[i]);
      run_exactly (text->data, text->length);
      text->data[at] = (char) ((unsigned char) text->data[at] ^ changes[i]);
    }
}

static int
run_file (const char *folder, const char *name)
{
  CLEANUP_TEXT struct text path = { 0 };
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };

  text_printf (&path, "%s/%s", folder, name);
  text_reserve (&text, 1);
  if (file_read (text_string (&path), 1 << 20, &text, &error) < 0) {
    printf ("Bail out! %s\n", error.text);
    return -1;
  }
  run_exactly (text.data, text.length);
  if (text.length <= VARIED_MAX)
    run_variants (&text);
  return 0;
}

static int
by_name (const struct dirent **a, const struct dirent **b)
{
  return strcmp ((*a)->d_name, (*b)->d_name);
}

static int
is_visible (const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

static int
run_folder (const char *folder)
{
  struct dirent **entries;
  int count = scandir (folder, &entries, is_visible, by_name);
  int failed = 0;

  if (count <= 0) {
    printf ("Bail out! no corpus in %s\n", folder);
    return -1;
  }
  printf ("1..%d\n", count);
  for (int i = 0; i < count; i++) {
    if (!failed && run_file (folder, entries[i]->d_name) < 0)
      failed = -1;
    if (!failed)
      printf ("ok %d - %s\n", i + 1, entries[i]->d_name);
    fflush (stdout);
    free (entries[i]);
  }
  free (entries);
  return failed;
}

/* Without an argument the folder follows from the program's name. */
int
main (int argc, char **argv)
{
  CLEANUP_TEXT struct text folder = { 0 };
  const char *top = getenv ("abs_top_srcdir");
  const char *name = strstr (argv[0], "fuzz-");

  if (argc > 1)
    text_append_string (&folder, argv[1]);
  else if (top != NULL && name != NULL)
    text_printf (&folder, "%s/tests/fuzz/corpus/%s", top,
                 name + strlen ("fuzz-"));
  else {
    fprintf (stderr, "Usage: %s CORPUS-FOLDER\n", argv[0]);
    return 2;
  }
  return run_folder (text_string (&folder)) < 0 ? 1 : 0;
}
