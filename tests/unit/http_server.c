/* SPDX-License-Identifier: Apache-2.0 */
/* The test server as a child process. */

#include <config.h>

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/http_server.h"

#define LISTENERS_MAX 16

struct http_server {
  pid_t process;
  int input; /* its end is the child's end */
  FILE *output;
  char *line;
  size_t line_size;
  struct {
    char name[32];
    int port;
  } listeners[LISTENERS_MAX];
  size_t listener_count;
};

static void
become_server (const char *python, const char *folder, int input, int output)
{
  const char *source = getenv ("abs_top_srcdir");
  char *script = NULL;

  if (asprintf (&script, "%s/tests/unit/http_server.py",
                source == NULL ? "." : source)
      < 0)
    _exit (127);
  dup2 (input, STDIN_FILENO);
  dup2 (output, STDOUT_FILENO);
  execl (python, python, "-B", script, folder, (char *) NULL);
  _exit (127);
}

static const char *
read_line (struct http_server *server)
{
  struct pollfd event = { .fd = fileno (server->output), .events = POLLIN };
  ssize_t length;

  /* The stream is unbuffered for poll's sake. */
  assert_int_equal (poll (&event, 1, 20000), 1);
  length = getline (&server->line, &server->line_size, server->output);
  assert_true (length > 0);
  server->line[length - 1] = '\0';
  return server->line;
}

struct http_server *
http_server_start (const char *folder)
{
  const char *python = getenv ("PYTHON3");
  struct http_server *server;
  int input[2];
  int output[2];

  if (python == NULL)
    python = "/usr/bin/python3";
  if (access (python, X_OK) != 0)
    return NULL;
  server = calloc (1, sizeof *server);
  assert_non_null (server);
  assert_int_equal (pipe2 (input, O_CLOEXEC), 0);
  assert_int_equal (pipe2 (output, O_CLOEXEC), 0);
  server->process = fork ();
  assert_true (server->process >= 0);
  if (server->process == 0)
    become_server (python, folder, input[0], output[1]);
  close (input[0]);
  close (output[1]);
  server->input = input[1];
  server->output = fdopen (output[0], "r");
  setvbuf (server->output, NULL, _IONBF, 0);
  while (read_line (server)[0] != '\0') {
    assert_true (server->listener_count < LISTENERS_MAX);
    assert_int_equal (sscanf (server->line, "%31s %d",
                              server->listeners[server->listener_count].name,
                              &server->listeners[server->listener_count].port),
                      2);
    server->listener_count++;
  }
  return server;
}

void
http_server_stop (struct http_server *server)
{
  if (server == NULL)
    return;
  close (server->input);
  waitpid (server->process, NULL, 0);
  fclose (server->output);
  free (server->line);
  free (server);
}

int
http_server_port (const struct http_server *server, const char *listener)
{
  for (size_t i = 0; i < server->listener_count; i++)
    if (strcmp (server->listeners[i].name, listener) == 0)
      return server->listeners[i].port;
  fail_msg ("no listener %s", listener);
  return 0;
}

const char *
http_server_next (struct http_server *server)
{
  return read_line (server);
}
