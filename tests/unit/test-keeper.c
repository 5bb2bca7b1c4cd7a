/* SPDX-License-Identifier: Apache-2.0 */
/* Keeper and runner: what a runner gets, what it cannot get, how both end.
 *
 * This program is its own runner: the keeper starts it again with --runner,
 * and the first word behind the mode says what it does.
 */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/verify.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/crypto/envelope.h"
#include "core/crypto/key_ring.h"
#include "core/keeper/budget.h"
#include "core/keeper/keeper.h"
#include "core/keeper/link.h"
#include "core/keeper/protocol.h"
#include "core/keeper/run_lock.h"
#include "core/runner/calls.h"
#include "core/tls/memfd.h"
#include "tests/unit/unit.h"

#define GOOD "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
#define OTHER                                                                 \
  "c94e7a1b2d5f60830e1a9b7c4d3e2f58617a8b9c0d1e2f3a4b5c6d7e8f901223"

static char folder[] = "/tmp/ezcdc-keeper-XXXXXX";
static char ini_path[64];
static char key_path[64];
static char old_path[64];
static char log_path[96];
static char pipeline_folder[64];
static char marks_path[64];

static int
number_in (const char *text)
{
  return (int) strtol (text, NULL, 10);
}

/* ---- Runners ----------------------------------------------------------- */

/* A line of the runner for the test to find. */
static void mark (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

static void
mark (const char *format, ...)
{
  char line[512];
  va_list args;

  va_start (args, format);
  int length = vsnprintf (line, sizeof line - 1, format, args);
  va_end (args);
  if (length > (int) sizeof line - 2)
    length = (int) sizeof line - 2;
  line[length++] = '\n';
  int file = open (marks_path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (file < 0 || write (file, line, (size_t) length) < 0)
    _exit (99);
  close (file);
}

static int
keep_secret (void *context, const char *data, size_t length)
{
  char *copy = context;

  if (length >= 64 || data[length] != '\0')
    return -99;
  memcpy (copy, data, length + 1);
  return 17;
}

static int
runner_secret (struct keeper_link *link)
{
  char copy[64] = "";
  struct error error = { 0 };

  mark ("result %d",
        keeper_link_use_secret (link, "source", "password", "connect",
                                keep_secret, copy, &error));
  mark ("value %s code %d", copy, error.code);
  mark ("empty %d", keeper_link_use_secret (link, "sink", "password", "load",
                                            keep_secret, copy, &error));
  mark ("value <%s> code %d", copy, error.code);
  return 0;
}

static void
mark_refusal (struct keeper_link *link, const char *section,
              const char *option)
{
  char copy[64] = "nothing";
  struct error error = { 0 };

  keeper_link_use_secret (link, section, option, "probe", keep_secret, copy,
                          &error);
  mark ("refused %d %s %s", error.code, copy, error.text);
}

static int
runner_denied (struct keeper_link *link)
{
  mark_refusal (link, "source", "user");
  mark_refusal (link, "source", "nonsense");
  mark_refusal (link, "pipeline", "name");
  mark_refusal (link, "../source", "password");
  return 0;
}

static int
runner_audit (struct keeper_link *link)
{
  struct error error = { 0 };

  mark ("good %d",
        keeper_link_audit (link, "slot.created", "ezcdc_shop", "success",
                           "{\"a\":\"x\\n\\u007f\302\200\"}", &error));
  mark ("none %d", keeper_link_audit (link, "snapshot.started", "shop",
                                      "success", NULL, &error));
  mark ("forged %d", keeper_link_audit (link, "credential.unsealed", "shop",
                                        "success", NULL, &error));
  mark ("unknown %d", keeper_link_audit (link, "slot.painted", "shop",
                                         "success", NULL, &error));
  mark ("outcome %d", keeper_link_audit (link, "slot.created", "shop", "great",
                                         NULL, &error));
  mark ("open %d", keeper_link_audit (link, "slot.created", "shop", "success",
                                      "{},\"mac\":{}", &error));
  mark ("array %d", keeper_link_audit (link, "slot.created", "shop", "success",
                                       "[1]", &error));
  mark ("unconfined %d", keeper_link_audit (link, "runner.unconfined", "shop",
                                            "failure", NULL, &error));
  mark ("confined %d", keeper_link_audit (link, "runner.confined", "shop",
                                          "success", NULL, &error));
  return 0;
}

static int
runner_world (void)
{
  struct rlimit limit;
  DIR *descriptors = opendir ("/proc/self/fd");

  for (char **entry = environ; *entry != NULL; entry++)
    mark ("environment %s", *entry);
  for (struct dirent *entry; (entry = readdir (descriptors)) != NULL;)
    if (entry->d_name[0] != '.'
        && number_in (entry->d_name) != dirfd (descriptors))
      mark ("descriptor %s", entry->d_name);
  closedir (descriptors);
  getrlimit (RLIMIT_CORE, &limit);
  mark ("core %lu", (unsigned long) limit.rlim_max);
  mark ("privileges %d", prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  mark ("dumpable %d", prctl (PR_GET_DUMPABLE, 0, 0, 0, 0));
  mark ("other process %d", getppid () != getpid ());
  return 0;
}

/* Crashes as often as its word says, then ends well. */
static int
runner_crashes (const char *times)
{
  struct stat status;
  off_t before = stat (marks_path, &status) == 0 ? status.st_size : 0;

  if (before < number_in (times)) {
    int file = open (marks_path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (write (file, "x", 1) == 1)
      raise (SIGABRT);
  }
  return 0;
}

/* Ends like a connector that calls exit, once, then ends well. */
static int
runner_leaves (const char *exit_code)
{
  if (access (marks_path, F_OK) == 0)
    return 0;
  mark ("left");
  exit (number_in (exit_code));
}

/* Has records written until it is ended. */
static int
runner_floods (struct keeper_link *link)
{
  static char detail[8000];

  memset (detail, 'x', sizeof detail - 1);
  memcpy (detail, "{\"a\":\"", 6);
  memcpy (detail + sizeof detail - 3, "\"}", 3);
  for (size_t i = 0; i < 2 * BUDGET_BYTES / sizeof detail; i++)
    if (keeper_link_audit (link, "table.created", "shop", "success", detail,
                           NULL)
        != 0)
      return 1;
  return 0;
}

static volatile sig_atomic_t reloads;
static volatile sig_atomic_t stops;

static void
count_reload (int number)
{
  (void) number;
  reloads++;
}

static void
count_stop (int number)
{
  (void) number;
  stops++;
}

/* Waits until it is told to stop; opens its secret on each SIGHUP. */
static int
runner_waits (struct keeper_link *link)
{
  struct sigaction reload = { .sa_handler = count_reload };
  struct sigaction stop = { .sa_handler = count_stop };
  sigset_t both;
  sigset_t none;
  int seen = 0;

  sigemptyset (&none);
  sigemptyset (&both);
  sigaddset (&both, SIGHUP);
  sigaddset (&both, SIGTERM);
  sigprocmask (SIG_BLOCK, &both, NULL);
  sigaction (SIGHUP, &reload, NULL);
  sigaction (SIGTERM, &stop, NULL);
  mark ("waiting %d", getpid ());
  while (!stops) {
    sigsuspend (&none);
    if (reloads > seen) {
      char copy[64] = "";
      struct error error = { 0 };
      keeper_link_use_secret (link, "source", "password", "reload",
                              keep_secret, copy, &error);
      seen = reloads;
      mark ("reloaded %d %s", seen, copy);
    }
  }
  mark ("drained");
  return 0;
}

/* The first word of the file that an option names. */
static void
mark_file (struct keeper_link *link, const char *section, const char *option)
{
  char word[16] = "";
  int descriptor = -1;
  struct error error = { 0 };
  int code = keeper_link_open_file (link, section, option, &descriptor,
                                    &error);

  if (code == 0 && read (descriptor, word, sizeof word - 1) < 0)
    code = 1;
  if (descriptor >= 0)
    close (descriptor);
  mark ("%s.%s %d <%s> %s", section, option, code, word,
        code == 0 ? "" : error.text);
}

static int
runner_files (struct keeper_link *link)
{
  mark_file (link, "source", "ssl_root_cert");
  mark_file (link, "source", "ssl_crl");
  mark_file (link, "source", "ssl_client_key");
  mark_file (link, "source", "ssl_client_cert");
  mark_file (link, "source", "password");
  mark_file (link, "source", "nonsense");
  mark_file (link, "pipeline", "state_dir");
  mark_file (link, "table x", "target");
  return 0;
}

/* A file in memory: whose it is, for whom, and that it can be filled. */
static int
runner_file (struct keeper_link *link)
{
  CLEANUP_CLOSE int file = -1;
  CLEANUP_CLOSE int sealed = -1;
  struct error error = { 0 };
  struct stat status;

  int code = keeper_link_make_file (link, &file, &error);
  if (code != 0 || fstat (file, &status) != 0)
    return 93;
  mark ("made %o %lu of %lu", (unsigned) status.st_mode,
        (unsigned long) status.st_size, (unsigned long) status.st_uid);
  mark ("filled %d",
        memfd_fill_sealed (file, "key", "secret", 6, &sealed, &error));
  return 0;
}

/* Has one call watched, which is then tried twice, and another one from a
 * second thread. */
static void *
try_calls (void *unused)
{
  for (int i = 0; i < 2; i++)
    mark ("chroot %d", chroot ("/") == 0 ? 0 : errno);
  mark ("swapoff %d", swapoff ("") == 0 ? 0 : errno);
  return unused;
}

static int
runner_calls (struct keeper_link *link)
{
  struct error error = { 0 };
  pthread_t thread;
  bool sees_files = false;
  int listener;

  mark ("restricted %d", calls_restrict (false, &listener, &error));
  mark ("watched %d", keeper_link_watch (link, listener, &sees_files, &error));
  close (listener);
  if (pthread_create (&thread, NULL, try_calls, NULL) != 0)
    return 95;
  pthread_join (thread, NULL);
  return 0;
}

/* Sends a request, and a descriptor with it. */
static bool
send_with_descriptor (int socket, enum message_type type, int descriptor)
{
  static const char *const fields[MESSAGE_FIELDS_MAX] = { "slot.created",
                                                          "shop", "success",
                                                          "{}" };
  unsigned char bytes[MESSAGE_MAX];
  size_t length = message_encode (type, 1, 0, fields, bytes);

  return message_send (socket, bytes, length, descriptor);
}

static bool
violate (int socket, const char *how)
{
  if (strcmp (how, "smuggle") == 0)
    return send_with_descriptor (socket, MESSAGE_AUDIT, STDERR_FILENO);
  if (strcmp (how, "watch nothing") == 0)
    return send_with_descriptor (socket, MESSAGE_WATCH, -1);
  if (strcmp (how, "show memory later") == 0)
    return send_with_descriptor (socket, MESSAGE_MEMORY, STDIN_FILENO);
  if (strcmp (how, "watch twice") == 0)
    return send_with_descriptor (socket, MESSAGE_WATCH, STDIN_FILENO)
           && send_with_descriptor (socket, MESSAGE_WATCH, STDIN_FILENO);
  return write (socket, "nonsense", 8) == 8;
}

static int
runner_violates (int descriptor, const char *how)
{
  struct pollfd entry = { .fd = descriptor };

  if (!violate (descriptor, how))
    return 98;
  poll (&entry, 1, -1); /* until the keeper closes its end */
  mark ("closed");
  for (;;)
    pause ();
}

static int
runner_main (const char *mode, int argc, char **argv, int descriptor)
{
  struct keeper_link *link = keeper_link_open (descriptor, NULL);
  const char *act = argc > 0 ? argv[0] : "";
  int result = 96;

  (void) mode;
  if (strcmp (act, "secret") == 0)
    result = runner_secret (link);
  else if (strcmp (act, "denied") == 0)
    result = runner_denied (link);
  else if (strcmp (act, "audit") == 0)
    result = runner_audit (link);
  else if (strcmp (act, "flood") == 0)
    result = runner_floods (link);
  else if (strcmp (act, "world") == 0)
    result = runner_world ();
  else if (strcmp (act, "exit") == 0)
    result = number_in (argv[1]);
  else if (strcmp (act, "leave") == 0)
    result = runner_leaves (argv[1]);
  else if (strcmp (act, "crash") == 0)
    result = runner_crashes (argv[1]);
  else if (strcmp (act, "wait") == 0)
    result = runner_waits (link);
  else if (strcmp (act, "violate") == 0)
    result = runner_violates (descriptor, argv[1]);
  else if (strcmp (act, "trace") == 0)
    result = ptrace (PTRACE_TRACEME, 0, NULL, NULL) == 0 ? raise (SIGCHLD)
                                                         : 94;
  else if (strcmp (act, "files") == 0)
    result = runner_files (link);
  else if (strcmp (act, "file") == 0)
    result = runner_file (link);
  else if (strcmp (act, "calls") == 0)
    result = runner_calls (link);
  else if (strcmp (act, "signals") == 0) {
    sigset_t blocked;
    sigprocmask (SIG_BLOCK, NULL, &blocked);
    /* What the keeper passes on waits until the runner listens. */
    result = !sigismember (&blocked, SIGTERM)
             || sigismember (&blocked, SIGCHLD)
             || signal (SIGPIPE, SIG_DFL) != SIG_DFL;
  }
  keeper_link_free (link);
  return result;
}

/* ---- Set-up ------------------------------------------------------------ */

static void
name_paths (void)
{
  snprintf (ini_path, sizeof ini_path, "%s/shop.ini", folder);
  snprintf (key_path, sizeof key_path, "%s/key", folder);
  snprintf (old_path, sizeof old_path, "%s/old", folder);
  snprintf (pipeline_folder, sizeof pipeline_folder, "%s/state/shop", folder);
  snprintf (log_path, sizeof log_path, "%s/audit.jsonl", pipeline_folder);
  snprintf (marks_path, sizeof marks_path, "%s/marks", folder);
}

static void
write_file (const char *path, const char *content)
{
  assert_int_equal (file_replace (path, content, strlen (content), 0600, NULL),
                    0);
}

static struct key_ring *
ring_of (const char *primary, const char *old)
{
  struct key_ring *ring = key_ring_new (NULL);

  assert_non_null (ring);
  assert_int_equal (key_ring_add_digits (ring, primary, 64, "test", NULL), 0);
  if (old != NULL)
    assert_int_equal (key_ring_add_digits (ring, old, 64, "test", NULL), 0);
  return ring;
}

/* A configuration with two sealed values under the given key. */
static void
write_ini (const char *digits, const char *pipeline, const char *password)
{
  struct key_ring *ring = ring_of (digits, NULL);
  struct text text = { 0 };
  struct text owner = { 0 };

  text_printf (&text, "[pipeline]\nname = shop\nstate_dir = %s/state\n\n",
               folder);
  text_append_string (&text, "[source]\nconnector = postgres\nuser = cdc\n"
                             "password = ");
  text_printf (&owner, "%s/source", pipeline);
  assert_int_equal (envelope_seal (ring, owner.data, "password", password,
                                   strlen (password), &text, NULL),
                    0);
  text_append_string (&text, "\n[sink]\nconnector = starrocks\npassword = ");
  text_clear (&owner);
  text_printf (&owner, "%s/sink", pipeline);
  assert_int_equal (
    envelope_seal (ring, owner.data, "password", "", 0, &text, NULL), 0);
  text_append_string (&text, "\n");
  write_file (ini_path, text.data);
  text_free (&text);
  text_free (&owner);
  key_ring_free (ring);
}

static int
make_folder (void **state)
{
  (void) state;
  return mkdtemp (folder) == NULL;
}

static int
empty_folder (void **state)
{
  int status;

  (void) state;
  pid_t child = fork ();
  if (child == 0) {
    execlp ("find", "find", folder, "-mindepth", "1", "-delete",
            (char *) NULL);
    _exit (127);
  }
  return waitpid (child, &status, 0) == child ? status : -1;
}

static int
remove_folder (void **state)
{
  return empty_folder (state) | rmdir (folder);
}

static int
before_each (void **state)
{
  (void) state;
  name_paths ();
  unsetenv ("CONFIG_ENCRYPTION_KEY");
  write_file (key_path, GOOD "\n");
  write_file (old_path, "");
  setenv ("CONFIG_ENCRYPTION_KEY_FILE", key_path, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD_FILE", old_path, 1);
  write_ini (GOOD, "shop", "s3cr3t-P@ss");
  return 0;
}

/* Starts a keeper in a process of its own; its messages go to a file. */
static pid_t
start_keeper (const char *mode, int argc, char **argv)
{
  pid_t child = fork ();

  assert_true (child >= 0);
  if (child > 0)
    return child;
  char messages[96];
  snprintf (messages, sizeof messages, "%s/messages", folder);
  int file = open (messages, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2 (file, 2);
  close (file);
  _exit (keeper_command (mode, argc, argv, ini_path));
}

/* The exit code of a process, or minus its signal. */
static int
end_of (pid_t child)
{
  int status;

  assert_int_equal (waitpid (child, &status, 0), child);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
}

/* The words of a runner: an act and perhaps a number. The folder comes last,
 * since the environment does not. */
static int
run_keeper (const char *mode, const char *act, const char *number)
{
  char *argv[] = { (char *) act, (char *) number, folder, NULL };

  return end_of (start_keeper (mode, 3, argv));
}

static const char *
content_of (const char *path)
{
  static struct text text;

  text_clear (&text);
  if (access (path, F_OK) == 0)
    assert_int_equal (file_read (path, 40000000, &text, NULL), 0);
  return text_string (&text);
}

static const char *
messages (void)
{
  char path[96];

  snprintf (path, sizeof path, "%s/messages", folder);
  return content_of (path);
}

/* Waits for a line of the runner; it comes soon or never. */
static void
await_mark (const char *wanted)
{
  int64_t deadline = clock_monotonic () + 20000000;
  struct pollfd nothing = { .fd = -1 };

  while (strstr (content_of (marks_path), wanted) == NULL) {
    if (clock_monotonic () > deadline) {
      print_error ("no \"%s\" in:\n%s", wanted, content_of (marks_path));
      print_error ("%s", messages ());
      fail ();
    }
    poll (&nothing, 1, 5);
  }
}

static void
assert_log_in_order (const char *primary, const char *old)
{
  struct key_ring *ring = ring_of (primary, old);
  const char *const paths[] = { log_path };
  const struct audit_request request = {
    .paths = paths,
    .count = 1,
    .ring = ring,
  };
  struct audit_report report;

  assert_int_equal (audit_verify (&request, &report, NULL), 0);
  assert_int_equal (report.fault, AUDIT_FINE);
  key_ring_free (ring);
}

/* ---- Tests ------------------------------------------------------------- */

static void
a_runner_gets_its_secrets (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("run", "secret", ""), 0);
  const char *marks = content_of (marks_path);
  assert_contains (marks, "result 17\n");
  assert_contains (marks, "value s3cr3t-P@ss code 0\n");
  assert_contains (marks, "empty 17\n");
  assert_contains (marks, "value <> code 0\n");
  const char *log = content_of (log_path);
  assert_contains (log, "\"action\":\"audit.opened\"");
  assert_contains (log, "\"action\":\"pipeline.started\"");
  assert_contains (log, "\"action\":\"runner.started\"");
  assert_contains (log, "\"action\":\"credential.unsealed\"");
  assert_contains (log, "\"resource_id\":\"shop/source.password\"");
  assert_contains (log, "\"reason\":\"connect\"");
  assert_contains (log, "\"connector\":\"postgres\"");
  assert_contains (log, "\"action\":\"pipeline.stopped\"");
  assert_null (strstr (log, "s3cr3t"));
  assert_log_in_order (GOOD, NULL);
}

static void
a_runner_gets_nothing_else (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("check", "denied", ""), 0);
  const char *marks = content_of (marks_path);
  assert_contains (marks, "refused -1 nothing there is no sealed value "
                          "source.user");
  assert_contains (marks, "source.nonsense");
  assert_contains (marks, "pipeline.name");
  assert_contains (content_of (log_path),
                   "\"action\":\"credential.unseal_denied\"");
  assert_contains (content_of (log_path), "\"outcome\":\"denied\"");
  assert_log_in_order (GOOD, NULL);
}

static void
a_runner_cannot_forge_records (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("check", "audit", ""), 0);
  const char *marks = content_of (marks_path);
  assert_contains (marks, "good 0\n");
  assert_contains (marks, "none 0\n");
  assert_contains (marks, "forged -11\n");
  assert_contains (marks, "unknown -11\n");
  assert_contains (marks, "outcome -11\n");
  assert_contains (marks, "open -11\n");
  assert_contains (marks, "array -11\n");
  /* It tells once how it is confined. */
  assert_contains (marks, "unconfined 0\n");
  assert_contains (marks, "\nconfined -11\n");
  const char *log = content_of (log_path);
  assert_contains (log, "\"detail\":{\"a\":\"x\\n\\u007f\\u0080\"}");
  assert_null (strstr (log, "credential.unsealed"));
  assert_null (strstr (log, "painted"));
  assert_log_in_order (GOOD, NULL);
}

static void
a_runner_has_a_bare_world (void **state)
{
  (void) state;
  setenv ("PGSSLMODE", "disable", 1);
  setenv ("OPENSSL_CONF", "/tmp/evil.cnf", 1);
  setenv ("TZ", "Europe/Vienna", 1);
  assert_int_equal (run_keeper ("check", "world", ""), 0);
  unsetenv ("PGSSLMODE");
  unsetenv ("OPENSSL_CONF");
  unsetenv ("TZ");
  const char *marks = content_of (marks_path);
  assert_contains (marks, "environment TZ=Europe/Vienna\n");
  assert_contains (marks, "environment HOME=/nonexistent\n");
  assert_null (strstr (marks, "PGSSLMODE"));
  assert_null (strstr (marks, "OPENSSL_CONF"));
  assert_null (strstr (marks, "CONFIG_ENCRYPTION"));
  assert_contains (marks, "descriptor 3\n");
  for (int i = 4; i < 20; i++) {
    char line[32];
    snprintf (line, sizeof line, "descriptor %d\n", i);
    assert_null (strstr (marks, line));
  }
  assert_contains (marks, "core 0\n");
  assert_contains (marks, "privileges 1\n");
#ifndef WITH_SANITIZERS
  assert_contains (marks, "dumpable 0\n");
#endif
  assert_int_equal (run_keeper ("check", "signals", ""), 0);
}

static void
exit_codes_pass_through (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("run", "exit", "0"), 0);
  assert_int_equal (run_keeper ("run", "exit", "1"), 1);
  assert_int_equal (run_keeper ("run", "exit", "2"), 2);
  assert_int_equal (run_keeper ("check", "exit", "3"), 3);
  assert_int_equal (run_keeper ("check", "exit", "70"), 1);
  assert_contains (content_of (log_path), "\"action\":\"config.rejected\"");
  assert_contains (content_of (log_path), "\"action\":\"pipeline.failed\"");
}

static void
a_crashed_runner_is_started_again (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("run", "crash", "2"), 0);
  const char *log = content_of (log_path);
  assert_contains (log, "\"action\":\"runner.crashed\"");
  assert_contains (log, "\"in_a_row\":2");
  assert_contains (messages (), "started again");
  assert_contains (messages (), "Aborted");
  assert_int_equal (strlen (content_of (marks_path)), 2);
  /* Other modes are not tried again. */
  unlink (marks_path);
  assert_int_equal (run_keeper ("verify", "crash", "1"), 1);
  assert_int_equal (strlen (content_of (marks_path)), 1);
}

/* Whatever the exit code says: a connector can end the process with it. */
static void
a_runner_that_is_not_done_has_crashed (void **state)
{
  static const char *const codes[] = { "0", "1", "2", "3" };

  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    assert_int_equal (run_keeper ("check", "leave", codes[i]), 1);
    assert_contains (content_of (log_path), "\"action\":\"runner.crashed\"");
    empty_folder (state);
    before_each (state);
  }
  assert_int_equal (run_keeper ("run", "leave", "0"), 0);
  assert_contains (content_of (marks_path), "left");
  assert_contains (messages (), "ended with exit code 0 before it was done");
  assert_contains (messages (), "started again");
  assert_contains (content_of (log_path), "\"in_a_row\":1");
}

static pid_t
start_waiting (pid_t *ret_runner)
{
  static char act[] = "wait";
  char *argv[] = { act, act, folder, NULL };
  pid_t keeper = start_keeper ("run", 3, argv);

  await_mark ("waiting ");
  const char *at = strstr (content_of (marks_path), "waiting ");
  *ret_runner = (pid_t) number_in (at + 8);
  return keeper;
}

static void
a_signal_drains (void **state)
{
  pid_t runner;
  pid_t keeper = start_waiting (&runner);

  (void) state;
  assert_int_equal (kill (keeper, SIGTERM), 0);
  assert_int_equal (end_of (keeper), 0);
  assert_contains (content_of (marks_path), "drained");
  assert_contains (content_of (log_path), "\"action\":\"pipeline.stopped\"");
}

/* Waits until a process is gone, which is nobody's child here. */
static bool
is_gone_soon (pid_t process)
{
  int64_t deadline = clock_monotonic () + 10000000;
  struct pollfd nothing = { .fd = -1 };
  char path[64];

  snprintf (path, sizeof path, "/proc/%d/cmdline", process);
  while (clock_monotonic () < deadline) {
    char line[64] = "";
    int file = open (path, O_RDONLY);
    if (file < 0)
      return true;
    ssize_t got = read (file, line, sizeof line - 1);
    close (file);
    if (got <= 0) /* a zombie has no command line */
      return true;
    poll (&nothing, 1, 5);
  }
  return false;
}

static void
a_runner_dies_with_its_keeper (void **state)
{
  pid_t runner;
  pid_t keeper = start_waiting (&runner);

  (void) state;
  assert_int_equal (kill (keeper, SIGKILL), 0);
  assert_int_equal (end_of (keeper), -SIGKILL);
  assert_true (is_gone_soon (runner));
}

static void
a_killed_runner_is_replaced (void **state)
{
  pid_t runner;
  pid_t keeper = start_waiting (&runner);

  (void) state;
  unlink (marks_path);
  assert_int_equal (kill (runner, SIGKILL), 0);
  await_mark ("waiting ");
  assert_int_equal (kill (keeper, SIGTERM), 0);
  assert_int_equal (end_of (keeper), 0);
}

/* The folder may be somebody else's, and the keeper root's. */
static void
a_lock_with_another_name_is_not_written (void **state)
{
  char lock[256], precious[256];

  (void) state;
  assert_int_equal (run_keeper ("run", "exit", "0"), 0);
  snprintf (lock, sizeof lock, "%s/lock", pipeline_folder);
  snprintf (precious, sizeof precious, "%s/precious", pipeline_folder);
  assert_int_equal (rename (lock, precious), 0);
  assert_int_equal (link (precious, lock), 0);
  assert_int_equal (run_keeper ("run", "exit", "0"), 2);
  assert_contains (messages (), "regular file with one name");
  unlink (lock);
  unlink (precious);
  assert_int_equal (mkfifo (lock, 0600), 0);
  assert_int_equal (run_keeper ("run", "exit", "0"), 2);
  unlink (lock);
}

static void
a_pipeline_runs_once (void **state)
{
  pid_t runner;
  bool alive;
  pid_t holder;

  (void) state;
  assert_int_equal (run_lock_probe (pipeline_folder, &alive, &holder, NULL),
                    0);
  assert_false (alive);
  pid_t keeper = start_waiting (&runner);
  assert_int_equal (run_keeper ("run", "exit", "0"), 1);
  assert_contains (messages (), "already");
  /* Others may look at it meanwhile, and write the same log. */
  assert_int_equal (run_keeper ("check", "secret", ""), 0);
  assert_int_equal (run_lock_probe (pipeline_folder, &alive, &holder, NULL),
                    0);
  assert_true (alive);
  assert_int_equal (holder, keeper);
  kill (keeper, SIGTERM);
  assert_int_equal (end_of (keeper), 0);
  assert_int_equal (run_lock_probe (pipeline_folder, &alive, &holder, NULL),
                    0);
  assert_false (alive);
  assert_log_in_order (GOOD, NULL);
}

static void
keys_change_while_it_runs (void **state)
{
  pid_t runner;
  pid_t keeper = start_waiting (&runner);

  (void) state;
  /* A new key alone cannot open what is sealed under the old one. */
  write_file (key_path, OTHER "\n");
  kill (keeper, SIGHUP);
  await_mark ("reloaded 1 s3cr3t-P@ss");
  assert_contains (content_of (log_path),
                   "\"action\":\"key.reload_rejected\"");
  /* With the old one beside it, it can; then the file is sealed anew. */
  write_file (old_path, GOOD "\n");
  kill (keeper, SIGHUP);
  await_mark ("reloaded 2 s3cr3t-P@ss");
  assert_contains (content_of (log_path), "\"action\":\"key.reloaded\"");
  assert_contains (content_of (log_path), "\"action\":\"audit.rekeyed\"");
  write_ini (OTHER, "shop", "changed");
  kill (keeper, SIGHUP);
  await_mark ("reloaded 3 changed");
  /* And the old key can go. */
  write_file (old_path, "");
  kill (keeper, SIGHUP);
  await_mark ("reloaded 4 changed");
  kill (keeper, SIGTERM);
  assert_int_equal (end_of (keeper), 0);
  assert_log_in_order (OTHER, GOOD);
}

/* The log of a running keeper may grow by so many bytes. */
static void
limit_log (pid_t keeper, off_t more)
{
  struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
  struct stat status;

  assert_int_equal (stat (log_path, &status), 0);
  if (more > 0)
    limit.rlim_cur = (rlim_t) (status.st_size + more);
  assert_int_equal (prlimit (keeper, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* Whatever still fits on the disk of what a reload records: if it is not all,
 * the former key can go on with the log. */
static void
a_reload_without_a_record_leaves_the_log_its_key (void **state)
{
  pid_t runner;
  pid_t keeper = start_waiting (&runner);
  int seen = 0;

  (void) state;
  write_file (key_path, OTHER "\n");
  write_file (old_path, GOOD "\n");
  for (off_t more = 100; more < 2000; more += 100) {
    char mark[40];

    limit_log (keeper, more);
    kill (keeper, SIGHUP);
    snprintf (mark, sizeof mark, "reloaded %d ", ++seen);
    await_mark (mark);
    if (strstr (content_of (log_path), "\"action\":\"key.reloaded\"") != NULL)
      break;
    assert_log_in_order (GOOD, NULL);
  }
  assert_contains (messages (), "the keys are not reloaded");
  assert_contains (content_of (log_path), "\"action\":\"audit.bridged\"");
  limit_log (keeper, 0);
  kill (keeper, SIGTERM);
  assert_int_equal (end_of (keeper), 0);
  assert_log_in_order (OTHER, GOOD);
}

static void
a_runner_does_not_fill_the_disk (void **state)
{
  struct stat status;

  (void) state;
  assert_int_equal (run_keeper ("check", "flood", ""), 1);
  assert_contains (messages (), "more audit records written than");
  assert_contains (content_of (log_path), "\"action\":\"runner.killed\"");
  assert_int_equal (stat (log_path, &status), 0);
  assert_in_range (status.st_size, BUDGET_BYTES / 2, BUDGET_BYTES * 5 / 4);
}

/* As a file that an editor is about to write, or has been left half done. */
static void
a_file_that_lacks_values_changes_nothing (void **state)
{
  static const struct {
    const char *text;
    const char *word;
  } bad[] = {
    { "", "there is no section [pipeline]" },
    { "[pipeline]\nname = shop\nstate_dir = /tmp\n",
      "source.password: the run uses the sealed value" },
    { "[pipeline]\nname = shop\n[source]\npassword = hunter2\n",
      "shop.ini:4: source.password: the run uses the sealed value" },
    { "[pipeline]\nname = blog\n", "it is blog now, and the run is of shop" },
  };
  CLEANUP_TEXT struct text good = { 0 };
  pid_t runner;
  pid_t keeper;

  (void) state;
  text_append_string (&good, content_of (ini_path));
  keeper = start_waiting (&runner);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char mark[40];
    write_file (ini_path, bad[i].text);
    kill (keeper, SIGHUP);
    snprintf (mark, sizeof mark, "reloaded %zu s3cr3t-P@ss", i + 1);
    await_mark (mark);
    assert_contains (content_of (log_path), bad[i].word);
    assert_null (strstr (content_of (log_path), "hunter2"));
  }
  assert_null (strstr (content_of (log_path), "\"action\":\"key.reloaded\""));
  assert_int_equal (unlink (ini_path), 0);
  assert_int_equal (mkfifo (ini_path, 0600), 0);
  kill (keeper, SIGHUP);
  await_mark ("reloaded 5 s3cr3t-P@ss");
  assert_int_equal (unlink (ini_path), 0);
  write_file (ini_path, text_string (&good));
  kill (keeper, SIGHUP);
  await_mark ("reloaded 6 s3cr3t-P@ss");
  assert_contains (content_of (log_path), "\"action\":\"key.reloaded\"");
  kill (keeper, SIGTERM);
  assert_int_equal (end_of (keeper), 0);
}

static void
a_wrong_key_starts_nothing (void **state)
{
  (void) state;
  write_file (key_path, OTHER "\n");
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  assert_contains (messages (), "credential_unreadable");
  assert_contains (messages (), "shop.ini:8: source.password:");
  assert_contains (messages (), "and the key given has id");
  assert_string_equal (content_of (marks_path), "");
  /* No log was begun under the wrong key. */
  assert_int_equal (access (log_path, F_OK), -1);
  write_file (key_path, GOOD "\n");
  assert_int_equal (run_keeper ("run", "secret", ""), 0);
  /* With the right key among the old ones, the log can tell of it. */
  write_file (key_path, OTHER "\n");
  write_file (old_path, GOOD "\n");
  write_ini (GOOD, "blog", "moved here");
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  assert_contains (messages (), "sealed for another pipeline");
}

static void
a_missing_key_starts_nothing (void **state)
{
  (void) state;
  unsetenv ("CONFIG_ENCRYPTION_KEY_FILE");
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  assert_contains (messages (), "CONFIG_ENCRYPTION_KEY");
  setenv ("CONFIG_ENCRYPTION_KEY", "12345678", 1);
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  assert_null (strstr (messages (), "12345678"));
  assert_string_equal (content_of (marks_path), "");
}

static void
a_bad_configuration_starts_nothing (void **state)
{
  (void) state;
  write_file (ini_path, "[pipeline]\nname = Shop!\n");
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  assert_contains (messages (), "shop.ini:2: pipeline.name:");
  write_file (ini_path, "[source]\nconnector = postgres\n");
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  unlink (ini_path);
  assert_int_equal (run_keeper ("run", "secret", ""), 2);
  assert_string_equal (content_of (marks_path), "");
}

static void
without_a_log_nothing_is_opened (void **state)
{
  pid_t runner;
  char moved[128];
  pid_t keeper = start_waiting (&runner);

  (void) state;
  /* A folder where the log should be: it can be neither written nor made. */
  snprintf (moved, sizeof moved, "%s.moved", log_path);
  assert_int_equal (rename (log_path, moved), 0);
  assert_int_equal (mkdir (log_path, 0700), 0);
  kill (keeper, SIGHUP);
  await_mark ("reloaded 1 \n");
  /* The run itself goes on, and so does the log when it can. */
  assert_int_equal (rmdir (log_path), 0);
  kill (keeper, SIGHUP);
  await_mark ("reloaded 2 s3cr3t-P@ss");
  kill (keeper, SIGTERM);
  assert_int_equal (end_of (keeper), 0);
  assert_log_in_order (GOOD, NULL);
}

static void
a_runner_out_of_order_is_killed (void **state)
{
  static const char *const ways[] = { "nonsense", "smuggle", "watch nothing",
                                      "watch twice", "show memory later" };

  (void) state;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    assert_int_equal (run_keeper ("check", "violate", ways[i]), 1);
    assert_contains (messages (), "protocol");
    empty_folder (state);
    before_each (state);
  }
}

/* Adds lines to [source] and a section behind it. */
static void
name_files (const char *file)
{
  CLEANUP_TEXT struct text text = { 0 };
  const char *sink;

  text_append_string (&text, content_of (ini_path));
  sink = strstr (text.data, "[sink]");
  assert_non_null (sink);
  CLEANUP_TEXT struct text whole = { 0 };
  text_append (&whole, text.data, (size_t) (sink - text.data));
  text_printf (&whole,
               "ssl_root_cert = %s\nssl_crl = %s/missing\n"
               "ssl_client_key = %s\nssl_client_cert = %s/pipe\n%s"
               "[table x]\ntarget = %s\n",
               file, folder, folder, folder, sink, file);
  write_file (ini_path, whole.data);
}

static void
a_runner_gets_the_files_of_its_options (void **state)
{
  char file[64];
  char pipe[64];

  (void) state;
  snprintf (file, sizeof file, "%s/ca.pem", folder);
  snprintf (pipe, sizeof pipe, "%s/pipe", folder);
  write_file (file, "certificate");
  assert_int_equal (mkfifo (pipe, 0600), 0);
  name_files (file);
  assert_int_equal (run_keeper ("check", "files", ""), 0);
  assert_contains (content_of (marks_path),
                   "source.ssl_root_cert 0 <certificate>");
  assert_contains (content_of (marks_path), "/missing: No such file");
  assert_contains (content_of (marks_path), "/pipe is not a regular file");
  assert_contains (content_of (marks_path), " is not a regular file\n"
                                            "source.ssl_client_cert");
  assert_contains (content_of (marks_path), "no path source.password\n");
  assert_contains (content_of (marks_path), "no path source.nonsense\n");
  assert_contains (content_of (marks_path), "no path pipeline.state_dir\n");
  assert_contains (content_of (marks_path), "no path table x.target\n");
}

/* A runner may not give files a mode, and libpq insists on one for keys. */
static void
a_runner_gets_a_file_in_memory (void **state)
{
  const uid_t owner = geteuid () == 0 ? 64123 : geteuid ();
  char line[64];

  (void) state;
  assert_int_equal (run_keeper ("check", "file", ""), 0);
  assert_int_equal (chown (pipeline_folder, owner, (gid_t) -1), 0);
  assert_int_equal (run_keeper ("check", "file", ""), 0);
  snprintf (line, sizeof line, "made 100600 0 of %lu\nfilled 0\n",
            (unsigned long) owner);
  assert_contains (content_of (marks_path), line);
  assert_int_equal (chown (pipeline_folder, geteuid (), (gid_t) -1), 0);
}

/* A stopped runner has not ended; two would work on one pipeline. */
static void
a_runner_that_is_traced_is_killed (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("check", "trace", ""), 1);
  assert_contains (messages (), "made the keeper its tracer");
  assert_contains (messages (), "ended by signal 9");
}

#if defined HAVE_SECCOMP && !defined WITH_SANITIZERS
static void
a_call_that_is_watched_is_refused_and_told_once (void **state)
{
  (void) state;
  assert_int_equal (run_keeper ("check", "calls", ""), 0);
  assert_contains (content_of (marks_path), "restricted 0\nwatched 0\n");
  assert_contains (content_of (marks_path), "chroot 1\nchroot 1\nswapoff 1\n");
  const char *first = strstr (messages (), "the system call chroot (");
  assert_non_null (first);
  assert_null (strstr (first + 1, "the system call chroot ("));
  assert_contains (messages (), "the system call swapoff (");
  assert_contains (content_of (log_path), "\"runner.call_refused\"");
  assert_contains (content_of (log_path), "\"call\":\"chroot\"");
}
#endif

static void
nobody_else_may_say_runner (void **state)
{
  int status;

  (void) state;
  pid_t child = fork ();
  assert_true (child >= 0);
  if (child == 0) {
    int nothing = open ("/dev/null", O_WRONLY);
    dup2 (nothing, 2);
    dup2 (nothing, 3);
    execl ("/proc/self/exe", "test", "--runner", "run", "secret",
           (char *) NULL);
    _exit (127);
  }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (WEXITSTATUS (status), 2);
}

/* ---- The protocol ------------------------------------------------------ */

static size_t
sample (unsigned char bytes[MESSAGE_MAX])
{
  const char *const fields[MESSAGE_FIELDS_MAX] = { "source", "password",
                                                   "connect" };

  return message_encode (MESSAGE_OPEN, 0x01020304, -5, fields, bytes);
}

static void
messages_come_through (void **state)
{
  static struct message message;
  unsigned char bytes[MESSAGE_MAX];
  size_t length = sample (bytes);

  (void) state;
  assert_true (message_decode (bytes, length, &message));
  assert_int_equal (message.type, MESSAGE_OPEN);
  assert_int_equal (message.serial, 0x01020304);
  assert_int_equal (message.number, -5);
  assert_string_equal (message.fields[0], "source");
  assert_string_equal (message.fields[1], "password");
  assert_string_equal (message.fields[2], "connect");
}

static void
malformed_messages_are_refused (void **state)
{
  static struct message message;
  unsigned char good[MESSAGE_MAX];
  unsigned char bytes[MESSAGE_MAX];
  size_t length = sample (good);

  (void) state;
  for (size_t cut = 0; cut < length; cut++)
    assert_false (message_decode (good, cut, &message));
  memcpy (bytes, good, length);
  bytes[length] = 'x';
  assert_false (message_decode (bytes, length + 1, &message));
  bytes[0] = 99;
  assert_false (message_decode (bytes, length, &message));
  bytes[0] = 0;
  assert_false (message_decode (bytes, length, &message));
  /* Fields too many, too long, with a NUL, with a length that lies. */
  memcpy (bytes, good, length);
  bytes[1] = 4;
  assert_false (message_decode (bytes, length, &message));
  memcpy (bytes, good, length);
  bytes[12] = 17;
  assert_false (message_decode (bytes, length, &message));
  bytes[12] = 0xff;
  bytes[13] = 0xff;
  assert_false (message_decode (bytes, length, &message));
  memcpy (bytes, good, length);
  bytes[14] = '\0';
  assert_false (message_decode (bytes, length, &message));
  memset (bytes, 0xff, sizeof bytes);
  assert_false (message_decode (bytes, sizeof bytes, &message));
}

/* Random bytes behind a believable head, for the sanitizers. */
static void
random_messages_do_no_harm (void **state)
{
  static struct message message;
  unsigned char bytes[512];
  unsigned seed = 12345;

  (void) state;
  for (int i = 0; i < 20000; i++) {
    size_t length = (size_t) rand_r (&seed) % sizeof bytes;
    for (size_t j = 0; j < length; j++)
      bytes[j] = (unsigned char) (rand_r (&seed) % (j < 20 ? 6 : 256));
    message_decode (bytes, length, &message);
  }
}

static void
descriptors_are_taken_only_where_expected (void **state)
{
  static struct message message;
  unsigned char bytes[MESSAGE_MAX];
  size_t length = sample (bytes);
  int ends[2];
  int descriptor;

  (void) state;
  assert_int_equal (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  assert_int_equal (message_receive (ends[0], &message, NULL),
                    RECEIPT_NOTHING);
  assert_true (message_send (ends[1], bytes, length, 1));
  assert_int_equal (message_receive (ends[0], &message, NULL),
                    RECEIPT_INVALID);
  assert_true (message_send (ends[1], bytes, length, 1));
  assert_int_equal (message_receive (ends[0], &message, &descriptor),
                    RECEIPT_MESSAGE);
  assert_true (descriptor > ends[1]);
  close (descriptor);
  assert_true (message_send (ends[1], bytes, length, -1));
  assert_int_equal (message_receive (ends[0], &message, &descriptor),
                    RECEIPT_MESSAGE);
  assert_int_equal (descriptor, -1);
  close (ends[1]);
  assert_int_equal (message_receive (ends[0], &message, &descriptor),
                    RECEIPT_END);
  close (ends[0]);
}

int
main (int argc, char **argv)
{
  if (argc > 3 && strcmp (argv[1], "--runner") == 0) {
    snprintf (folder, sizeof folder, "%s", argv[argc - 1]);
    name_paths ();
    return runner_enter (argc, argv, runner_main);
  }
#define KEEPER_TEST(name_)                                                    \
  cmocka_unit_test_setup_teardown (name_, before_each, empty_folder)
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (messages_come_through),
    cmocka_unit_test (malformed_messages_are_refused),
    cmocka_unit_test (random_messages_do_no_harm),
    cmocka_unit_test (descriptors_are_taken_only_where_expected),
    KEEPER_TEST (a_runner_gets_its_secrets),
    KEEPER_TEST (a_runner_gets_nothing_else),
    KEEPER_TEST (a_runner_cannot_forge_records),
    KEEPER_TEST (a_runner_has_a_bare_world),
    KEEPER_TEST (exit_codes_pass_through),
    KEEPER_TEST (a_crashed_runner_is_started_again),
    KEEPER_TEST (a_runner_that_is_not_done_has_crashed),
    KEEPER_TEST (a_signal_drains),
    KEEPER_TEST (a_runner_dies_with_its_keeper),
    KEEPER_TEST (a_killed_runner_is_replaced),
    KEEPER_TEST (a_lock_with_another_name_is_not_written),
    KEEPER_TEST (a_pipeline_runs_once),
    KEEPER_TEST (keys_change_while_it_runs),
    KEEPER_TEST (a_reload_without_a_record_leaves_the_log_its_key),
    KEEPER_TEST (a_file_that_lacks_values_changes_nothing),
    KEEPER_TEST (a_runner_does_not_fill_the_disk),
    KEEPER_TEST (a_wrong_key_starts_nothing),
    KEEPER_TEST (a_missing_key_starts_nothing),
    KEEPER_TEST (a_bad_configuration_starts_nothing),
    KEEPER_TEST (without_a_log_nothing_is_opened),
    KEEPER_TEST (a_runner_out_of_order_is_killed),
    KEEPER_TEST (a_runner_that_is_traced_is_killed),
    KEEPER_TEST (a_runner_gets_the_files_of_its_options),
    KEEPER_TEST (a_runner_gets_a_file_in_memory),
#if defined HAVE_SECCOMP && !defined WITH_SANITIZERS
    KEEPER_TEST (a_call_that_is_watched_is_refused_and_told_once),
#endif
    KEEPER_TEST (nobody_else_may_say_runner),
  };
  return cmocka_run_group_tests_name ("keeper", tests, make_folder,
                                      remove_folder);
}
