/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the files that are none of a runner's business. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/keeper/guard.h"
#include "core/keeper/named_path.h"

#define DIGITS "0123456789"
#define COUNT(array) (sizeof (array) / sizeof *(array))

/* One name of a file. */
struct entry {
  const char *what;
  char *path; /* owned; whole, as of struct named_path */
  size_t length;
  bool family;     /* so are names that go on behind it by "." or "-" */
  bool approached; /* the runner has asked for a folder above it */
};

struct guard {
  struct path_view view; /* folder: owned */
  struct entry *entries; /* owned */
  size_t count;
  size_t capacity;
  char *state_dirs[2]; /* owned; as given, and without links */
  char *name;          /* owned; the pipeline's */
  bool processes_approached;
};

/* ---- Making one -------------------------------------------------------- */

/* Takes path over. */
static bool
add_entry (struct guard *guard, const char *what, bool family, char *path)
{
  CLEANUP_FREE char *owned = path;

  if (path == NULL
      || !array_reserve (&guard->entries, &guard->capacity, guard->count + 1,
                         sizeof *guard->entries))
    return false;
  for (size_t i = 0; i < guard->count; i++)
    if (strcmp (guard->entries[i].path, path) == 0)
      return true;
  guard->entries[guard->count++] = (struct entry){
    .what = what,
    .path = TAKE_POINTER (owned),
    .length = strlen (path),
    .family = family,
  };
  return true;
}

/* The file need not be there yet. */
static bool
add_file (struct guard *guard, const char *what, bool family, const char *path)
{
  CLEANUP_FREE char *target = path == NULL ? NULL : realpath (path, NULL);
  struct named_path named;

  if (target != NULL
      && !add_entry (guard, what, family, TAKE_POINTER (target)))
    return false;
  if (path == NULL || !named_path_make (&guard->view, false, path, &named)
      || !named.is_whole || named.length == 0)
    return true;
  return add_entry (guard, what, family, strdup (named.text));
}

static bool
add_keys (struct guard *guard, const struct key_source *source)
{
  const char *paths[KEY_SOURCE_FILES];

  key_source_files (source, paths);
  for (size_t i = 0; i < KEY_SOURCE_FILES; i++)
    if (!add_file (guard, "an encryption key", false, paths[i]))
      return false;
  return true;
}

static bool
add_state (struct guard *guard, const struct pipeline_settings *settings)
{
  struct named_path named;

  guard->name = strdup (settings->name);
  if (!named_path_make (&guard->view, false, settings->state_dir, &named))
    return guard->name != NULL;
  guard->state_dirs[0] = strdup (named.text);
  /* NULL if there is none yet. */
  guard->state_dirs[1] = realpath (settings->state_dir, NULL);
  return guard->name != NULL && guard->state_dirs[0] != NULL;
}

struct guard *
guard_new (const struct pipeline_settings *settings, const char *ini_path,
           const struct key_source *source, struct error *error)
{
  struct guard *guard = calloc (1, sizeof *guard);

  if (guard != NULL) {
    guard->view.process = getpid ();
    guard->view.folder = getcwd (NULL, 0);
    if (add_keys (guard, source)
        && add_file (guard, "the configuration", false, ini_path)
        && add_file (guard, "the audit log", true, settings->audit_log)
        && add_state (guard, settings))
      return guard;
  }
  guard_free (guard);
  error_set (error, EZCDC_E_MEMORY, "out of memory for the names of files");
  return NULL;
}

void
guard_free (struct guard *guard)
{
  if (guard == NULL)
    return;
  for (size_t i = 0; i < guard->count; i++)
    free (guard->entries[i].path);
  free (guard->entries);
  free (guard->state_dirs[0]);
  free (guard->state_dirs[1]);
  free (guard->name);
  free ((char *) guard->view.folder);
  free (guard);
}

void
guard_begin (struct guard *guard, pid_t runner)
{
  guard->view.process = runner;
  guard->processes_approached = false;
  for (size_t i = 0; i < guard->count; i++)
    guard->entries[i].approached = false;
}

/* ---- By the text ------------------------------------------------------- */

/* Whether the path is that name, or one of its family. */
static bool
begins (const struct entry *entry, const struct named_path *path,
        const char *name)
{
  size_t length = strlen (name);
  const char *rest = path->text + length;

  if (strncmp (path->text, name, length) != 0)
    return false;
  return *rest == '\0' || (entry->family && (*rest == '.' || *rest == '-'));
}

/* The whole of the entry's path, or its end if the start is not known. */
static bool
is_entry (const struct entry *entry, const struct named_path *path)
{
  if (path->is_whole)
    return begins (entry, path, entry->path);
  if (!entry->approached)
    return false;
  for (const char *tail = entry->path; tail != NULL;
       tail = strchr (tail + 1, '/'))
    if (begins (entry, path, tail))
      return true;
  return false;
}

static const struct entry *
find_entry (const struct guard *guard, const struct named_path *path)
{
  for (size_t i = 0; i < guard->count; i++)
    if (is_entry (&guard->entries[i], path))
      return &guard->entries[i];
  return NULL;
}

/* Something in /proc/PID, or below the number in a folder that may be /proc;
 * where it begins, or NULL. */
static const char *
find_process (const struct guard *guard, const struct named_path *path)
{
  const char *rest = path->text;
  size_t digits;

  if (!path->is_whole && !guard->processes_approached)
    return NULL;
  if (strncmp (rest, "/proc/", 6) == 0)
    rest += 5;
  else if (path->is_whole)
    return NULL;
  digits = rest[0] == '/' ? strspn (rest + 1, DIGITS) : 0;
  if (digits == 0 || (rest[digits + 1] != '/' && rest[digits + 1] != '\0'))
    return NULL;
  return path_view_is_self (&guard->view, rest + 1) ? NULL : rest;
}

/* What lies in the folder of a pipeline; it may have others, as of a
 * connector that keeps something there. */
static bool
is_pipelines_own (const char *name)
{
  static const char *const beginnings[] = { "state.db", "audit.jsonl",
                                            "dead_letters.jsonl" };

  for (size_t i = 0; i < COUNT (beginnings); i++)
    if (strncmp (name, beginnings[i], strlen (beginnings[i])) == 0)
      return true;
  return false;
}

static bool
is_other_pipelines (const struct guard *guard, const struct named_path *path)
{
  for (size_t i = 0; path->is_whole && i < COUNT (guard->state_dirs); i++) {
    const char *folder = guard->state_dirs[i];
    size_t length = folder == NULL ? 0 : strlen (folder);
    const char *rest = path->text + length;
    if (folder == NULL || strncmp (path->text, folder, length) != 0
        || *rest != '/')
      continue;
    size_t name = strcspn (rest + 1, "/");
    bool own = name == strlen (guard->name)
               && strncmp (rest + 1, guard->name, name) == 0;
    if (!own && rest[name + 1] == '/' && is_pipelines_own (rest + name + 2))
      return true;
  }
  return false;
}

/* ---- Recognising ------------------------------------------------------- */

/* From here on the end of a path is enough. */
static void
note_approach (struct guard *guard, const struct named_path *path)
{
  if (!path->is_whole)
    return;
  if (path->length == 0 || strcmp (path->text, "/proc") == 0)
    guard->processes_approached = true;
  for (size_t i = 0; i < guard->count; i++) {
    struct entry *entry = &guard->entries[i];
    if (path->length < entry->length && entry->path[path->length] == '/'
        && strncmp (entry->path, path->text, path->length) == 0)
      entry->approached = true;
  }
}

static bool
found (struct guarded *guarded, const char *what, const char *prefix,
       const char *path)
{
  guarded->what = what;
  snprintf (guarded->path, sizeof guarded->path, "%s%.*s", prefix,
            (int) (sizeof guarded->path - 1 - strlen (prefix)), path);
  return true;
}

bool
guard_recognises (struct guard *guard, bool in_folder, const char *path,
                  struct guarded *ret_guarded)
{
  const struct entry *entry;
  const char *process;
  struct named_path named;

  if (path[0] == '\0'
      || !named_path_make (&guard->view, in_folder, path, &named))
    return false;
  entry = find_entry (guard, &named);
  if (entry != NULL)
    return found (ret_guarded, entry->what, "", entry->path);
  process = find_process (guard, &named);
  if (process != NULL)
    return found (ret_guarded, "another process", "/proc", process);
  if (is_other_pipelines (guard, &named))
    return found (ret_guarded, "of another pipeline", "", named.text);
  note_approach (guard, &named);
  return false;
}
