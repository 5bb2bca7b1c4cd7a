/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a secret from a person or a pipe. */

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/pem_mark.h"
#include "core/cli/read_secret.h"
#include "core/crypto/envelope.h"

/* One byte more than allowed, to notice what is too long. */
#define ROOM (ENVELOPE_VALUE_MAX + 2)

/* Reads once into the room that is left; false at the end. */
static int
read_more (struct secret *secret, size_t *length, bool *ret_end,
           struct error *error)
{
  ssize_t got;

  do
    got = read (STDIN_FILENO, secret->data + *length, ROOM - *length);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return error_set (error, EZCDC_E_OPERATOR, "read standard input: %m");
  *length += (size_t) got;
  *ret_end = got == 0 || *length == ROOM;
  return 0;
}

static int
read_to_end (struct secret *secret, size_t *length, struct error *error)
{
  bool end = false;
  int code = 0;

  while (code == 0 && !end)
    code = read_more (secret, length, &end, error);
  return code;
}

/* Whether what was typed is complete: a line, or a PEM text whose last line
 * is an END. */
static bool
is_complete (const struct secret *secret, size_t length)
{
  const char *data = (const char *) secret->data;
  static const char begin[] = PEM_BEGIN;

  if (length == 0 || data[length - 1] != '\n')
    return false;
  if (length < sizeof begin || memcmp (data, begin, sizeof begin - 1) != 0)
    return true;
  const char *line = memrchr (data, '\n', length - 1);
  return line != NULL
         && strncmp (line + 1, "-----END ", strlen ("-----END ")) == 0;
}

static int
read_lines (struct secret *secret, size_t *length, struct error *error)
{
  bool end = false;
  int code = 0;

  while (code == 0 && !end && !is_complete (secret, *length))
    code = read_more (secret, length, &end, error);
  return code;
}

/* Asks on the terminal; the echo is off while the answer is typed. A signal
 * in between is held back, so that the terminal is never left mute. */
static int
ask (const char *what, struct secret *secret, size_t *length,
     struct error *error)
{
  struct termios before;
  sigset_t held;
  sigset_t former;

  if (tcgetattr (STDIN_FILENO, &before) != 0)
    return error_set (error, EZCDC_E_OPERATOR, "look at the terminal: %m");
  struct termios mute = before;
  mute.c_lflag &= ~(tcflag_t) (ECHO | ECHOE | ECHOK | ECHONL);
  sigemptyset (&held);
  sigaddset (&held, SIGINT);
  sigaddset (&held, SIGTERM);
  sigaddset (&held, SIGTSTP);
  sigprocmask (SIG_BLOCK, &held, &former);
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &mute);
  fprintf (stderr, "%s: ", what);
  int code = read_lines (secret, length, error);
  fputc ('\n', stderr);
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
  sigprocmask (SIG_SETMASK, &former, NULL);
  return code;
}

/* The length without the line end of a single line, also one of Windows. */
static size_t
without_line_end (const struct secret *secret, size_t length)
{
  const unsigned char *data = secret->data;

  if (length == 0 || data[length - 1] != '\n'
      || memchr (data, '\n', length - 1) != NULL)
    return length;
  length--;
  return length > 0 && data[length - 1] == '\r' ? length - 1 : length;
}

static int
check_value (const struct secret *secret, size_t length, struct error *error)
{
  if (length == 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "the value is empty, nothing was sealed; for a login "
                      "without a password leave the option out");
  if (length > ENVELOPE_VALUE_MAX)
    return error_set (error, EZCDC_E_CONFIG,
                      "the value is longer than %u bytes, which is the limit",
                      ENVELOPE_VALUE_MAX);
  if (memchr (secret->data, '\0', length) != NULL)
    return error_set (error, EZCDC_E_CONFIG,
                      "the value has a NUL byte, where the databases' "
                      "libraries would cut it");
  return 0;
}

int
read_secret (const char *what, struct secret *ret_secret, size_t *ret_length,
             struct error *error)
{
  struct secret secret = { 0 };
  size_t length = 0;
  int code = secret_create (&secret, ROOM, error);

  if (code == 0)
    code = isatty (STDIN_FILENO) ? ask (what, &secret, &length, error)
                                 : read_to_end (&secret, &length, error);
  if (code == 0) {
    length = without_line_end (&secret, length);
    code = check_value (&secret, length, error);
  }
  if (code != 0) {
    secret_free (&secret);
    return code;
  }
  *ret_secret = secret;
  *ret_length = length;
  return 0;
}
