/* SPDX-License-Identifier: Apache-2.0 */
/* under_filter kill|refuse|watch COMMAND WORDS...: runs a command under a
 * filter, as a service manager or a container would. It is killed, or refused,
 * when it makes a system call that standard input does not name, one a line;
 * or it may do all, but has a filter already that somebody watches.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

static int
allow_all (scmp_filter_ctx filter)
{
  char name[64];

  while (fgets (name, sizeof name, stdin) != NULL) {
    name[strcspn (name, "\n")] = '\0';
    int number = seccomp_syscall_resolve_name (name);
    /* Not every machine has every call. */
    int code = number == __NR_SCMP_ERROR
                 ? 0
                 : seccomp_rule_add (filter, SCMP_ACT_ALLOW, number, 0);
    if (code != 0)
      return code;
  }
  return 0;
}

static bool
restrict_to_list (uint32_t otherwise)
{
  scmp_filter_ctx filter = seccomp_init (otherwise);
  bool done = filter != NULL && allow_all (filter) == 0
              && seccomp_load (filter) == 0;

  seccomp_release (filter);
  return done;
}

/* The descriptor stays open behind exec, or the filter would be without. */
static bool
be_watched (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  bool done = filter != NULL
              && seccomp_rule_add (filter, SCMP_ACT_NOTIFY, SCMP_SYS (acct), 0)
                   == 0
              && seccomp_load (filter) == 0
              && fcntl (seccomp_notify_fd (filter), F_SETFD, 0) == 0;

  seccomp_release (filter);
  return done;
}

static bool
apply (const char *what)
{
  if (strcmp (what, "watch") == 0)
    return be_watched ();
  return restrict_to_list (strcmp (what, "kill") == 0
                             ? SCMP_ACT_KILL_PROCESS
                             : SCMP_ACT_ERRNO (EPERM));
}

int
main (int argc, char **argv)
{
  if (argc < 3 || !apply (argv[1])) {
    fputs ("under_filter: cannot filter\n", stderr);
    return 98;
  }
  execv (argv[2], argv + 2);
  perror (argv[2]);
  return 99;
}
