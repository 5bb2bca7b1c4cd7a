/* SPDX-License-Identifier: Apache-2.0 */
/* under_filter COMMAND WORDS...: runs a command that is killed when it makes a
 * system call that standard input does not name, one a line; as a service
 * manager would confine it. */

#include <config.h>

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

int
main (int argc, char **argv)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_KILL_PROCESS);

  if (argc < 2 || filter == NULL || allow_all (filter) != 0
      || seccomp_load (filter) != 0) {
    fputs ("under_filter: cannot filter\n", stderr);
    return 98;
  }
  seccomp_release (filter);
  execv (argv[1], argv + 1);
  perror (argv[1]);
  return 99;
}
