/* SPDX-License-Identifier: Apache-2.0 */
/* Where the keys come from. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/base/text.h"
#include "core/crypto/key_command.h"
#include "core/crypto/key_source.h"
#include "core/crypto/secret.h"

/* KEY_RING_MAX keys, each with a comma or line end. */
#define LIST_MAX ((2 * KEY_SIZE + 1) * KEY_RING_MAX)

#define KEY_VARIABLE "CONFIG_ENCRYPTION_KEY"
#define KEY_FILE_VARIABLE "CONFIG_ENCRYPTION_KEY_FILE"
#define KEY_COMMAND_VARIABLE "CONFIG_ENCRYPTION_KEY_COMMAND"
#define OLD_VARIABLE "CONFIG_ENCRYPTION_KEYS_OLD"
#define OLD_FILE_VARIABLE "CONFIG_ENCRYPTION_KEYS_OLD_FILE"
#define OLD_COMMAND_VARIABLE "CONFIG_ENCRYPTION_KEYS_OLD_COMMAND"
#define FOLDER_VARIABLE "CREDENTIALS_DIRECTORY"
#define KEY_CREDENTIAL "config-encryption-key"
#define OLD_CREDENTIAL "config-encryption-keys-old"

/* Text that was in a variable. It is too long for what it should be if length
 * is more than fits; only the length is kept then. */
struct variable {
  bool is_set;
  struct secret pages; /* owned */
  size_t length;
};

struct key_source {
  struct variable key;
  struct variable old;
  char *key_file;       /* owned; NULL if not given */
  char *old_file;       /* owned; NULL if not given */
  char *key_command;    /* owned; NULL if not given */
  char *old_command;    /* owned; NULL if not given */
  char *key_credential; /* owned path; NULL if there is no such file */
  char *old_credential;
};

/* What modes key files may have. systemd (254 and later) lets the user of a
 * unit read its credentials by an access control list, whose mask stands where
 * the mode has the group's bits: 0440. */
enum file_modes {
  FILE_MODES = 0600,
  CREDENTIAL_MODES = 0640
};

/* ---- Taking from the environment --------------------------------------- */

/* The value of the entry if it is the variable's, else NULL. */
static char *
entry_value (char *entry, const char *name)
{
  size_t length = strlen (name);

  return strncmp (entry, name, length) == 0 && entry[length] == '='
           ? entry + length + 1
           : NULL;
}

/* The first value in the environment, as getenv would say; NULL if none. */
static char *
environment_value (const char *name)
{
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    char *value = entry_value (*entry, name);
    if (value != NULL)
      return value;
  }
  return NULL;
}

/* unsetenv would leave the bytes readable in /proc/PID/environ, and find only
 * one of several entries of the same name. */
static void
wipe_variable (const char *name)
{
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    char *value = entry_value (*entry, name);
    if (value != NULL)
      explicit_bzero (value, strlen (value));
  }
  unsetenv (name);
}

static int
take_variable (const char *name, struct variable *variable,
               struct error *error)
{
  const char *value = environment_value (name);
  int code = 0;

  if (value == NULL)
    return 0;
  variable->is_set = true;
  variable->length = strlen (value);
  if (variable->length <= LIST_MAX)
    code = secret_create (&variable->pages, LIST_MAX, error);
  if (code == 0 && variable->length <= LIST_MAX)
    memcpy (variable->pages.data, value, variable->length);
  return code;
}

/* A path may be printed; a key that was put in its place must not be. */
static bool
looks_like_key (const char *value)
{
  size_t digits;

  if (strchr (value, '/') != NULL)
    return false;
  for (; *value != '\0'; value += digits > 0 ? digits : 1) {
    digits = strspn (value, "0123456789abcdefABCDEF");
    if (digits >= KEY_SIZE)
      return true;
  }
  return false;
}

/* A path or a command. */
static int
take_copy (const char *name, char **ret_copy, struct error *error)
{
  const char *value = environment_value (name);

  if (value == NULL)
    return 0;
  if (looks_like_key (value))
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: a path is expected; this looks like the key itself",
                      name);
  *ret_copy = strdup (value);
  if (*ret_copy == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for %s", name);
  return 0;
}

/* The path of a credential, if systemd has given us one. */
static int
take_credential (const char *name, char **ret_path, struct error *error)
{
  const char *folder = environment_value (FOLDER_VARIABLE);
  CLEANUP_TEXT struct text path = { 0 };

  if (folder == NULL || folder[0] != '/')
    return 0;
  text_printf (&path, "%s/%s", folder, name);
  if (!path.failed && access (path.data, F_OK) != 0 && errno == ENOENT)
    return 0;
  *ret_path = text_take (&path);
  if (*ret_path == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  return 0;
}

static int
take_all (struct key_source *source, struct error *error)
{
  int code = take_variable (KEY_VARIABLE, &source->key, error);

  if (code == 0)
    code = take_variable (OLD_VARIABLE, &source->old, error);
  if (code == 0)
    code = take_copy (KEY_FILE_VARIABLE, &source->key_file, error);
  if (code == 0)
    code = take_copy (OLD_FILE_VARIABLE, &source->old_file, error);
  if (code == 0)
    code = take_copy (KEY_COMMAND_VARIABLE, &source->key_command, error);
  if (code == 0)
    code = take_copy (OLD_COMMAND_VARIABLE, &source->old_command, error);
  if (code == 0)
    code = take_credential (KEY_CREDENTIAL, &source->key_credential, error);
  if (code == 0)
    code = take_credential (OLD_CREDENTIAL, &source->old_credential, error);
  return code;
}

struct key_source *
key_source_take (struct error *error)
{
  struct key_source *source = calloc (1, sizeof *source);
  int code;

  if (source == NULL)
    code = error_set (error, EZCDC_E_MEMORY, "out of memory for the keys");
  else
    code = take_all (source, error);
  wipe_variable (KEY_VARIABLE);
  wipe_variable (OLD_VARIABLE);
  if (code == 0)
    return source;
  key_source_free (source);
  return NULL;
}

void
key_source_free (struct key_source *source)
{
  if (source == NULL)
    return;
  secret_free (&source->key.pages);
  secret_free (&source->old.pages);
  free (source->key_file);
  free (source->old_file);
  free (source->key_command);
  free (source->old_command);
  free (source->key_credential);
  free (source->old_credential);
  free (source);
}

/* ---- Reading files ----------------------------------------------------- */

static int
refuse_file (const char *path, const char *why, struct error *error)
{
  return error_set (error, EZCDC_E_CONFIG,
                    "key file %s: %s; it has to be a regular file that "
                    "belongs to root or to the user that runs ezcdc, with "
                    "mode 0600 or 0400",
                    path, why);
}

/* Checks what was opened, not what a path points at a moment later. */
static int
check_key_file (int descriptor, const char *path, enum file_modes modes,
                struct error *error)
{
  struct stat status;

  if (fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_CONFIG, "key file %s: %m", path);
  if (!S_ISREG (status.st_mode))
    return refuse_file (path, "it is not a regular file", error);
  if (status.st_uid != 0 && status.st_uid != geteuid ())
    return refuse_file (path, "it belongs to another user", error);
  if ((status.st_mode & 07777 & ~(mode_t) modes) != 0)
    return refuse_file (path,
                        "others may read or write it, or it has a mode "
                        "that no key file has",
                        error);
  if (status.st_nlink != 1)
    return refuse_file (path, "it has more than one name", error);
  return 0;
}

/* Reads at most LIST_MAX + 1 bytes into the pages. */
static int
read_key_file (const char *path, enum file_modes modes, struct secret *pages,
               size_t *ret_length, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW
                                               | O_NONBLOCK | O_NOCTTY);
  size_t length = 0;

  if (descriptor < 0 && errno == ELOOP)
    return refuse_file (path, "it is a symbolic link", error);
  if (descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open key file %s: %m",
                      print_given (path));
  int code = check_key_file (descriptor, path, modes, error);
  if (code == 0)
    code = secret_create (pages, LIST_MAX + 1, error);
  while (code == 0 && length <= LIST_MAX) {
    ssize_t got = read (descriptor, pages->data + length,
                        LIST_MAX + 1 - length);
    if (got < 0 && errno != EINTR)
      return error_set (error, EZCDC_E_CONFIG, "read key file %s: %m", path);
    if (got == 0)
      break;
    length += got > 0 ? (size_t) got : 0;
  }
  *ret_length = length;
  return code;
}

static int
add_file (struct key_ring *ring, const char *path, enum file_modes modes,
          struct error *error)
{
  CLEANUP_SECRET struct secret pages = { 0 };
  size_t length;
  int code = read_key_file (path, modes, &pages, &length, error);

  if (code != 0)
    return code;
  if (length > 0 && pages.data[length - 1] == '\n')
    length--;
  return key_ring_add_digits (ring, (const char *) pages.data, length, path,
                              error);
}

int
key_file_add (struct key_ring *ring, const char *path, struct error *error)
{
  return add_file (ring, path, FILE_MODES, error);
}

/* Keys between the separators. */
static int
add_list (struct key_ring *ring, const char *list, size_t length,
          const char *separators, const char *origin, struct error *error)
{
  size_t begin = 0;

  if (length > LIST_MAX)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: too long for a list of keys; retire old ones",
                      origin);
  for (size_t at = 0; at <= length; at++) {
    if (at < length && (list[at] == '\0' || !strchr (separators, list[at])))
      continue;
    int code = key_ring_add_digits (ring, list + begin, at - begin, origin,
                                    error);
    if (code != 0)
      return code;
    begin = at + 1;
  }
  return 0;
}

static int
add_list_file (struct key_ring *ring, const char *path, enum file_modes modes,
               struct error *error)
{
  CLEANUP_SECRET struct secret pages = { 0 };
  size_t length;
  int code = read_key_file (path, modes, &pages, &length, error);

  if (code != 0)
    return code;
  if (length > 0 && pages.data[length - 1] == '\n')
    length--;
  if (length == 0)
    return 0;
  return add_list (ring, (const char *) pages.data, length, ",\n", path,
                   error);
}

/* ---- Asking programs --------------------------------------------------- */

static int
add_from_command (struct key_ring *ring, const char *command,
                  struct error *error)
{
  CLEANUP_SECRET struct secret pages = { 0 };
  size_t length;
  int code = key_command_run (command, 2 * KEY_SIZE + 1, &pages, &length,
                              error);

  if (code != 0)
    return code;
  if (length > 0 && pages.data[length - 1] == '\n')
    length--;
  return key_ring_add_digits (ring, (const char *) pages.data, length,
                              KEY_COMMAND_VARIABLE, error);
}

static int
add_list_from_command (struct key_ring *ring, const char *command,
                       struct error *error)
{
  CLEANUP_SECRET struct secret pages = { 0 };
  size_t length;
  int code = key_command_run (command, LIST_MAX, &pages, &length, error);

  if (code != 0)
    return code;
  if (length > 0 && pages.data[length - 1] == '\n')
    length--;
  if (length == 0)
    return 0;
  return add_list (ring, (const char *) pages.data, length, ",\n",
                   OLD_COMMAND_VARIABLE, error);
}

/* ---- The ring ---------------------------------------------------------- */

static int
count_primary (const struct key_source *source)
{
  return (source->key_credential != NULL) + (source->key_file != NULL)
         + (source->key_command != NULL) + source->key.is_set;
}

void
key_source_files (const struct key_source *source,
                  const char *ret_paths[KEY_SOURCE_FILES])
{
  ret_paths[0] = source->key_file;
  ret_paths[1] = source->old_file;
  ret_paths[2] = source->key_credential;
  ret_paths[3] = source->old_credential;
}

bool
key_source_is_given (const struct key_source *source)
{
  return count_primary (source) > 0;
}

static int
add_primary (struct key_ring *ring, const struct key_source *source,
             struct error *error)
{
  int given = count_primary (source);

  if (given == 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "no encryption key: set " KEY_VARIABLE
                      " (64 hexadecimal digits), " KEY_FILE_VARIABLE
                      ", " KEY_COMMAND_VARIABLE
                      ", or the systemd credential " KEY_CREDENTIAL
                      "; \"ezcdc key new\" makes a key");
  if (given > 1)
    return error_set (
      error, EZCDC_E_CONFIG,
      "more than one encryption key: set only one of " KEY_VARIABLE
      ", " KEY_FILE_VARIABLE ", " KEY_COMMAND_VARIABLE
      " and the systemd credential " KEY_CREDENTIAL
      "; a key that only opens goes to " OLD_VARIABLE);
  if (source->key_credential != NULL)
    return add_file (ring, source->key_credential, CREDENTIAL_MODES, error);
  if (source->key_file != NULL)
    return key_file_add (ring, source->key_file, error);
  if (source->key_command != NULL)
    return add_from_command (ring, source->key_command, error);
  /* Of an empty variable there are no pages. */
  const char *digits = (const char *) source->key.pages.data;
  return key_ring_add_digits (ring, digits != NULL ? digits : "",
                              source->key.length, KEY_VARIABLE, error);
}

static int
add_old (struct key_ring *ring, const struct key_source *source,
         struct error *error)
{
  int code = 0;

  if (source->old_credential != NULL)
    code = add_list_file (ring, source->old_credential, CREDENTIAL_MODES,
                          error);
  if (code == 0 && source->old_file != NULL)
    code = add_list_file (ring, source->old_file, FILE_MODES, error);
  if (code == 0 && source->old_command != NULL)
    code = add_list_from_command (ring, source->old_command, error);
  if (code == 0 && source->old.is_set && source->old.length > 0)
    code = add_list (ring, (const char *) source->old.pages.data,
                     source->old.length, ",", OLD_VARIABLE, error);
  return code;
}

struct key_ring *
key_source_load (const struct key_source *source, struct error *error)
{
  struct key_ring *ring = key_ring_new (error);

  if (ring == NULL)
    return NULL;
  if (add_primary (ring, source, error) == 0
      && add_old (ring, source, error) == 0)
    return ring;
  key_ring_free (ring);
  return NULL;
}

struct key_ring *
key_ring_from_environment (struct error *error)
{
  struct key_source *source = key_source_take (error);
  struct key_ring *ring = NULL;

  if (source != NULL)
    ring = key_source_load (source, error);
  key_source_free (source);
  return ring;
}
