/* SPDX-License-Identifier: Apache-2.0 */
/* Changes values in a configuration file. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/cli/ini_edit.h"

/* ---- Opening ----------------------------------------------------------- */

/* Locks the file and makes sure that the name still leads to it: a change
 * that ended just now has put another file there. */
static int
lock_file (struct ini_edit *edit, struct error *error)
{
  struct stat opened;
  struct stat named;

  edit->lock = open (edit->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (edit->lock < 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m", edit->path);
  if (flock (edit->lock, LOCK_EX | LOCK_NB) != 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s is being changed by another process", edit->path);
  if (fstat (edit->lock, &opened) != 0 || stat (edit->path, &named) != 0)
    return error_set (error, EZCDC_E_CONFIG, "look at %s: %m", edit->path);
  if (opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s has just been changed by another process",
                      edit->path);
  if (!S_ISREG (opened.st_mode))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file",
                      edit->path);
  if (opened.st_nlink > 1)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s has more than one name (a hard link): its other "
                      "names would keep the old content",
                      edit->path);
  return 0;
}

int
ini_edit_open (const char *path, struct ini_edit *edit, struct error *error)
{
  edit->path = realpath (path, NULL);
  if (edit->path == NULL)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  int code = lock_file (edit, error);
  if (code == 0)
    code = file_read (edit->path, INI_FILE_MAX, &edit->content, error);
  if (code == 0)
    code = ini_parse_text (path, text_string (&edit->content),
                           edit->content.length, &edit->ini, error);
  return code;
}

void
ini_edit_close (struct ini_edit *edit)
{
  for (size_t i = 0; i < edit->count; i++) {
    free (edit->changes[i].name);
    text_free (&edit->changes[i].value);
  }
  free (edit->changes);
  ini_free (edit->ini);
  text_wipe_free (&edit->content);
  free (edit->path);
  if (edit->lock >= 0)
    close (edit->lock);
  *edit = (struct ini_edit){ .lock = -1 };
}

void
ini_edit_sweep (const struct ini_edit *edit)
{
  file_sweep (edit->path);
}

/* ---- Changing ---------------------------------------------------------- */

/* Behind which line a new key of the section goes. */
static unsigned
last_line (const struct ini_section *section)
{
  unsigned line = section->line;

  for (const struct ini_key *key = section->keys; key != NULL; key = key->next)
    if (key->line > line)
      line = key->line;
  return line;
}

int
ini_edit_set (struct ini_edit *edit, const struct ini_section *section,
              const char *name, const char *value, struct error *error)
{
  const struct ini_key *key = ini_key (section, name);
  struct ini_change change = {
    .section = section,
    .line = key != NULL ? key->line : last_line (section),
    .is_new = key == NULL,
    .name = strdup (name),
  };

  text_append_string (&change.value, value);
  if (change.name == NULL || change.value.failed
      || !array_reserve (&edit->changes, &edit->capacity, edit->count + 1,
                         sizeof *edit->changes)) {
    free (change.name);
    text_free (&change.value);
    return error_set (error, EZCDC_E_MEMORY, "out of memory to change %s",
                      edit->path);
  }
  edit->changes[edit->count++] = change;
  return 0;
}

/* One line with its new value: everything up to the value stays, and the
 * line's end. */
static void
write_changed (const char *line, size_t length, const struct text *value,
               struct text *out)
{
  size_t end = length;
  size_t at = 0;

  while (end > 0 && (line[end - 1] == '\n' || line[end - 1] == '\r'))
    end--;
  while (at < end && line[at] != '=' && line[at] != ':')
    at++;
  if (at < end)
    at++;
  while (at < end && (line[at] == ' ' || line[at] == '\t'))
    at++;
  text_append (out, line, at);
  text_append (out, value->data, value->length);
  text_append (out, line + end, length - end);
}

static void
write_new (const struct ini_change *change, const char *line_end,
           struct text *out)
{
  if (out->length > 0 && out->data[out->length - 1] != '\n')
    text_append_string (out, line_end);
  text_printf (out, "%s = ", change->name);
  text_append (out, change->value.data, change->value.length);
  text_append_string (out, line_end);
}

static void
write_line (const struct ini_edit *edit, unsigned number, const char *line,
            size_t length, struct text *out)
{
  const struct ini_change *replacement = NULL;
  const char *line_end = length > 1 && line[length - 1] == '\n'
                             && line[length - 2] == '\r'
                           ? "\r\n"
                           : "\n";

  for (size_t i = 0; i < edit->count; i++)
    if (edit->changes[i].line == number && !edit->changes[i].is_new)
      replacement = &edit->changes[i];
  if (replacement != NULL)
    write_changed (line, length, &replacement->value, out);
  else
    text_append (out, line, length);
  for (size_t i = 0; i < edit->count; i++)
    if (edit->changes[i].line == number && edit->changes[i].is_new)
      write_new (&edit->changes[i], line_end, out);
}

/* The whole file as it will be. */
static int
make_content (const struct ini_edit *edit, struct text *out,
              struct error *error)
{
  const char *at = text_string (&edit->content);
  const char *end = at + edit->content.length;
  size_t room = edit->content.length;

  /* Reserved at once: growing would leave copies of what is in the clear. */
  for (size_t i = 0; i < edit->count; i++)
    room += edit->changes[i].value.length + strlen (edit->changes[i].name)
            + 16;
  text_reserve (out, room);
  for (unsigned number = 1; at < end; number++) {
    const char *newline = memchr (at, '\n', (size_t) (end - at));
    size_t length = newline != NULL ? (size_t) (newline + 1 - at)
                                    : (size_t) (end - at);
    write_line (edit, number, at, length, out);
    at += length;
  }
  return out->failed ? error_set (error, EZCDC_E_MEMORY,
                                  "out of memory to change %s", edit->path)
                     : 0;
}

/* That every change is where it should be and says what it should. */
static int
check_content (const struct ini_edit *edit, const struct text *content,
               struct error *error)
{
  CLEANUP_INI struct ini *ini = NULL;
  int code = ini_parse_text (edit->path, text_string (content),
                             content->length, &ini, error);

  for (size_t i = 0; i < edit->count && code == 0; i++) {
    const struct ini_change *change = &edit->changes[i];
    const struct ini_key *key = ini_get (ini, change->section->name,
                                         change->name);
    if (key == NULL || strcmp (key->value, text_string (&change->value)) != 0)
      code = error_set (error, EZCDC_E_BUG,
                        "the changed %s would not have the value of %s.%s",
                        edit->path, change->section->name, change->name);
  }
  return code;
}

int
ini_edit_check (struct ini_edit *edit, struct error *error)
{
  CLEANUP_TEXT_WIPE struct text content = { 0 };
  int code = make_content (edit, &content, error);

  return code == 0 ? check_content (edit, &content, error) : code;
}

int
ini_edit_commit (struct ini_edit *edit, struct error *error)
{
  CLEANUP_TEXT_WIPE struct text content = { 0 };
  int code = make_content (edit, &content, error);

  if (code == 0)
    code = check_content (edit, &content, error);
  if (code == 0)
    code = file_replace (edit->path, text_string (&content), content.length,
                         0600, error);
  return code;
}
