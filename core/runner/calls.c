/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a runner may make. */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/runner/calls.h"

/* A sanitizer stops and traces its own process, and starts others. */
#if defined HAVE_SECCOMP && !defined WITH_SANITIZERS

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/netlink.h>
#include <seccomp.h>

#include "core/keeper/file_calls.h"

#define COUNT(array) (sizeof (array) / sizeof *(array))

/* By name, because not every machine has every one. What the C library, the
 * core and the libraries of the connectors in the tree need, and what others
 * of their kind may. Not in it, among others: execve, fork, ptrace, kill,
 * process_vm_*, pidfd_*, kcmp, bpf, perf_event_open, userfaultfd, io_uring_*,
 * keyctl and its family, mount and its family, unshare, setns, chroot, set*id,
 * capset, listen and accept, shm*, personality, modify_ldt; nor chmod, chown
 * and truncate by path, which not every Landlock looks at (of opening with
 * O_TRUNC see add_truncations). */
static const char *const allowed[] = {
  /* Files; those that are opened by name are in core/keeper/file_calls.h. */
  "access",
  "close",
  "close_range",
  "copy_file_range",
  "dup",
  "dup2",
  "dup3",
  "faccessat",
  "faccessat2",
  "fadvise64",
  "fallocate",
  "fdatasync",
  "flock",
  "fstat",
  "fstatfs",
  "fsync",
  "ftruncate",
  "getcwd",
  "getdents",
  "getdents64",
  "lseek",
  "lstat",
  "mkdir",
  "mkdirat",
  "newfstatat",
  "pread64",
  "preadv",
  "preadv2",
  "pwrite64",
  "pwritev",
  "pwritev2",
  "read",
  "readahead",
  "readlink",
  "readlinkat",
  "readv",
  "rmdir",
  "sendfile",
  "stat",
  "statfs",
  "statx",
  "sync_file_range",
  "write",
  "writev",
  /* Memory. */
  "brk",
  "madvise",
  "membarrier",
  "memfd_create",
  "memfd_secret",
  "mincore",
  "mlock",
  "mlock2",
  "mremap",
  "msync",
  "munlock",
  "munmap",
  /* Network, as a client. */
  "bind",
  "connect",
  "getpeername",
  "getsockname",
  "recvfrom",
  "recvmmsg",
  "recvmsg",
  "sendmmsg",
  "sendmsg",
  "sendto",
  "shutdown",
  "socketpair",
  /* Waiting. */
  "clock_getres",
  "clock_gettime",
  "clock_nanosleep",
  "epoll_create",
  "epoll_create1",
  "epoll_ctl",
  "epoll_pwait",
  "epoll_pwait2",
  "epoll_wait",
  "eventfd",
  "eventfd2",
  "gettimeofday",
  "nanosleep",
  "pause",
  "pipe",
  "pipe2",
  "poll",
  "ppoll",
  "pselect6",
  "select",
  "signalfd",
  "signalfd4",
  "time",
  "timerfd_create",
  "timerfd_gettime",
  "timerfd_settime",
  /* Signals that it gives itself. */
  "restart_syscall",
  "rt_sigaction",
  "rt_sigpending",
  "rt_sigprocmask",
  "rt_sigreturn",
  "rt_sigsuspend",
  "rt_sigtimedwait",
  "sigaltstack",
  /* Threads and the process. */
  "arch_prctl",
  "exit",
  "exit_group",
  "futex",
  "futex_waitv",
  "get_robust_list",
  "getcpu",
  "getegid",
  "geteuid",
  "getgid",
  "getgroups",
  "getpgid",
  "getpgrp",
  "getpid",
  "getppid",
  "getpriority",
  "getrandom",
  "getresgid",
  "getresuid",
  "getrlimit",
  "getrusage",
  "getsid",
  "gettid",
  "getuid",
  "rseq",
  "sched_get_priority_max",
  "sched_get_priority_min",
  "sched_getaffinity",
  "sched_getparam",
  "sched_getscheduler",
  "sched_yield",
  "set_robust_list",
  "set_tid_address",
  "sysinfo",
  "times",
  "uname",
};

/* clone3 and openat2 keep their flags in memory, where no filter sees them;
 * libraries take clone and openat when they are told that there are none. */
static const char *const absent[] = { "clone3", "openat2" };

#define CONDITIONS_MAX 2

/* A call that is allowed with some arguments only: all conditions hold.
 * Several rules for one call are alternatives. */
struct rule {
  const char *name;
  struct scmp_arg_cmp conditions[CONDITIONS_MAX]; /* unused ones: zero */
};

#define IS(index, value) SCMP_CMP ((index), SCMP_CMP_EQ, (value), 0)
#define MASKED(index, mask, value)                                            \
  SCMP_CMP ((index), SCMP_CMP_MASKED_EQ, (mask), (value))
#define LACKS(index, bits) MASKED (index, bits, 0)
#define HAS(index, bits) MASKED (index, bits, bits)
#define LESS(index, value) SCMP_CMP ((index), SCMP_CMP_LT, (value), 0)

/* What others than the user may do with a file, and bits that make a program
 * run as whom it belongs to. */
#define RIGHTS_OF_OTHERS (S_IRWXG | S_IRWXO)
#define RIGHTS_OF_PROGRAMS (S_ISUID | S_ISGID | S_ISVTX)

/* Linux 6.5; the C library's headers may be older. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define NEW_NAMESPACES                                                        \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC                \
   | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static int
add_names (scmp_filter_ctx filter, uint32_t action, const char *const *names,
           size_t count)
{
  for (size_t i = 0; i < count; i++) {
    int number = seccomp_syscall_resolve_name (names[i]);
    int code = number == __NR_SCMP_ERROR
                 ? 0
                 : seccomp_rule_add (filter, action, number, 0);
    if (code != 0)
      return code;
  }
  return 0;
}

/* In the list of those that are watched, or allowed without a condition. */
static int
add_file_calls (scmp_filter_ctx filter)
{
  int code = 0;

  for (size_t i = 0; code == 0 && i < FILE_CALLS; i++)
    code = add_names (filter, SCMP_ACT_ALLOW, &file_calls[i].name, 1);
  return code;
}

static unsigned
count_conditions (const struct rule *rule)
{
  unsigned count = 0;

  while (count < CONDITIONS_MAX && rule->conditions[count].op != 0)
    count++;
  return count;
}

static int
add_rules (scmp_filter_ctx filter, uint32_t action, const struct rule *rules,
           size_t count)
{
  for (size_t i = 0; i < count; i++) {
    int number = seccomp_syscall_resolve_name (rules[i].name);
    int code = seccomp_rule_add_array (filter, action, number,
                                       count_conditions (&rules[i]),
                                       rules[i].conditions);
    if (code != 0)
      return code;
  }
  return 0;
}

static int
add_arguments (scmp_filter_ctx filter)
{
  const scmp_datum_t self = (scmp_datum_t) getpid ();
  const struct rule rules[] = {
    /* A thread, no process. */
    { "clone", { MASKED (0, CLONE_THREAD | NEW_NAMESPACES, CLONE_THREAD) } },
    { "socket", { IS (0, AF_UNIX) } },
    { "socket", { IS (0, AF_INET) } },
    { "socket", { IS (0, AF_INET6) } },
    /* getaddrinfo asks for addresses. */
    { "socket", { IS (0, AF_NETLINK), IS (2, NETLINK_ROUTE) } },
    /* Those before the two that give hold of the process at the other end,
     * the keeper. A "not equal" would look at bits that the kernel ignores. */
    { "getsockopt", { LESS (2, SO_PEERPIDFD) } },
    { "setsockopt", { LESS (2, SO_PASSPIDFD) } },
    /* Code may be mapped from files, but not be written and run. */
    { "mprotect", { LACKS (2, PROT_EXEC) } },
    { "mmap", { LACKS (2, PROT_WRITE) } },
    { "mmap", { LACKS (2, PROT_EXEC) } },
    { "prctl", { IS (0, PR_SET_NAME) } },
    { "prctl", { IS (0, PR_GET_NAME) } },
    { "prctl", { IS (0, PR_GET_DUMPABLE) } },
    { "prctl", { IS (0, PR_GET_NO_NEW_PRIVS) } },
    { "prctl", { IS (0, PR_CAPBSET_READ) } },
    /* raise, abort and pthread_kill: threads of this process only, and no
     * signal that stops it, which a run or a check would wait for for ever.
     * Those with numbers below SIGSTOP, SIGURG, by which some languages let
     * their threads take turns, and 32 to 63, of which the C library has the
     * first. A "greater than" would look at bits that the kernel ignores. */
    { "tgkill", { IS (0, self), LESS (2, SIGSTOP) } },
    { "tgkill", { IS (0, self), IS (2, SIGURG) } },
    { "tgkill", { IS (0, self), MASKED (2, ~UINT64_C (31), 32) } },
    /* What is made here is for its user alone (core/keeper/harden.h). */
    { "umask", { HAS (0, RIGHTS_OF_OTHERS) } },
    /* Not F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY and their kind, with which
     * the kernel sends signals to whom one likes. */
    { "fcntl", { IS (1, F_DUPFD) } },
    { "fcntl", { IS (1, F_DUPFD_CLOEXEC) } },
    { "fcntl", { IS (1, F_GETFD) } },
    { "fcntl", { IS (1, F_SETFD) } },
    { "fcntl", { IS (1, F_GETFL) } },
    { "fcntl", { IS (1, F_SETFL) } },
    { "fcntl", { IS (1, F_GETLK) } },
    { "fcntl", { IS (1, F_SETLK) } },
    { "fcntl", { IS (1, F_SETLKW) } },
    { "fcntl", { IS (1, F_OFD_GETLK) } },
    { "fcntl", { IS (1, F_OFD_SETLK) } },
    { "fcntl", { IS (1, F_OFD_SETLKW) } },
    { "fcntl", { IS (1, F_ADD_SEALS) } },
    { "fcntl", { IS (1, F_GET_SEALS) } },
    /* To ask for a limit, not to set one. */
    { "prlimit64", { IS (2, 0) } },
    /* None that pushes input into a terminal, nor those of this filter. */
    { "ioctl", { IS (1, FIONREAD) } },
    { "ioctl", { IS (1, FIONBIO) } },
    { "ioctl", { IS (1, FIOCLEX) } },
    { "ioctl", { IS (1, FIONCLEX) } },
    { "ioctl", { IS (1, TCGETS) } },
    { "ioctl", { IS (1, TIOCGWINSZ) } },
  };

  return add_rules (filter, SCMP_ACT_ALLOW, rules, COUNT (rules));
}

/* Landlock does not look at modes and owners: a runner of root's could take
 * from all others what it may only read. SQLite sees to it that its files
 * agree in both, which they do; it is told that they do, and nothing is
 * changed. */
static int
add_pretences (scmp_filter_ctx filter)
{
  const struct rule rules[] = {
    { "fchmod", { LACKS (1, RIGHTS_OF_OTHERS | RIGHTS_OF_PROGRAMS) } },
    { "fchown", { IS (1, geteuid ()) } },
  };

  return add_rules (filter, SCMP_ACT_ERRNO (0), rules, COUNT (rules));
}

/* The C library names its mappings, if the kernel has that. */
static int
add_refusals (scmp_filter_ctx filter)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EINVAL), SCMP_SYS (prctl),
                           1, IS (0, PR_SET_VMA));
}

/* Good to have; an older kernel, or a filter around this process, has none of
 * it, and the list is worth as much without. */
static void
refine (scmp_filter_ctx filter)
{
  /* For calls by the numbers of another architecture; else it is the thread
   * that is killed. */
  seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  /* Kernels before 5.16 would slow down the whole process against attacks by
   * code that is kept apart from the data of its own process; here is none. */
  seccomp_attr_set (filter, SCMP_FLTATR_CTL_SSB, 1);
  /* A search by halves, as the list is long. */
  seccomp_attr_set (filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  /* The codes of the kernel instead of one for all. */
  seccomp_attr_set (filter, SCMP_FLTATR_API_SYSRAWRC, 1);
}

static int
describe_filter (scmp_filter_ctx filter, bool watch_files)
{
  int code = add_names (filter, SCMP_ACT_ALLOW, allowed, COUNT (allowed));

  refine (filter);
  if (code == 0)
    code = add_names (filter, SCMP_ACT_ERRNO (ENOSYS), absent, COUNT (absent));
  if (code == 0 && !watch_files)
    code = add_file_calls (filter);
  if (code == 0)
    code = add_arguments (filter);
  if (code == 0)
    code = add_pretences (filter);
  return code == 0 ? add_refusals (filter) : code;
}

/* ---- Calls that are refused for their arguments ------------------------ */

/* To cut a file while it is opened, but not to be written: before ABI 3 of
 * Landlock whoever may read it may do that. Access mode 3 is neither to read
 * nor to write, and for Landlock it is nothing. */
static int
add_truncations (scmp_filter_ctx filter)
{
  const scmp_datum_t modes = O_WRONLY | O_RDWR;
  const struct rule rules[] = {
    { "open", { MASKED (1, modes | O_TRUNC, O_TRUNC) } },
    { "open", { HAS (1, modes | O_TRUNC) } },
    { "openat", { MASKED (2, modes | O_TRUNC, O_TRUNC) } },
    { "openat", { HAS (2, modes | O_TRUNC) } },
  };

  return add_rules (filter, SCMP_ACT_ERRNO (EPERM), rules, COUNT (rules));
}

/* Calls that make a file or a folder, the argument that is its mode, and, of
 * those that need not make one, the argument with the flags and a flag that
 * makes one. */
static const struct maker {
  const char *name;
  unsigned mode;
  unsigned flags;
  int flag; /* 0: makes always */
} makers[] = {
  { "creat", 1, 0, 0 },
  { "mkdir", 1, 0, 0 },
  { "mkdirat", 2, 0, 0 },
  { "open", 2, 1, O_CREAT },
  { "open", 2, 1, O_TMPFILE & ~O_DIRECTORY },
  { "openat", 3, 2, O_CREAT },
  { "openat", 3, 2, O_TMPFILE & ~O_DIRECTORY },
};

/* Nothing that is made is run as whom it belongs to; the umask, which sees to
 * the others' rights, leaves these bits. */
static int
add_makers (scmp_filter_ctx filter)
{
  static const mode_t bits[] = { S_ISUID, S_ISGID, S_ISVTX };
  int code = 0;

  for (size_t i = 0; code == 0 && i < COUNT (makers) * COUNT (bits); i++) {
    const struct maker *maker = &makers[i / COUNT (bits)];
    struct rule rule = {
      maker->name,
      { HAS (maker->mode, bits[i % COUNT (bits)]) },
    };
    if (maker->flag != 0)
      rule.conditions[1] = HAS (maker->flags, (scmp_datum_t) maker->flag);
    code = add_rules (filter, SCMP_ACT_ERRNO (EPERM), &rule, 1);
  }
  return code;
}

/* In a filter of its own, the stricter of the two holds: the other one lets
 * the calls that name files pass, or has them watched, whatever their
 * arguments are. */
static int
load_refusals (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int code = -ENOMEM;

  if (filter != NULL) {
    refine (filter);
    code = add_truncations (filter);
  }
  if (code == 0)
    code = add_makers (filter);
  if (code == 0)
    code = seccomp_load (filter);
  if (filter != NULL)
    seccomp_release (filter);
  return code;
}

/* ---- The list ---------------------------------------------------------- */

/* What is done about calls that are not in a list is other. Returns 0 or
 * minus an errno. */
static int
load_filter (uint32_t other, bool watch_files, int *ret_listener)
{
  scmp_filter_ctx filter = seccomp_init (other);
  int code = filter == NULL ? -ENOMEM : describe_filter (filter, watch_files);

  if (code == 0)
    code = seccomp_load (filter);
  /* The library keeps no copy: when the caller closes it, it is closed. */
  if (code == 0 && other == SCMP_ACT_NOTIFY)
    *ret_listener = seccomp_notify_fd (filter);
  if (filter != NULL)
    seccomp_release (filter);
  return code;
}

static int
load_list (bool watch_files, int *ret_listener)
{
  int code = -1;

  /* Version 5 of the library's interface has listeners, if the kernel has;
   * a process has one at most, and ours may have come with one (for which
   * the library has no code of its own). */
  if (seccomp_api_get () >= 5)
    code = load_filter (SCMP_ACT_NOTIFY, watch_files, ret_listener);
  if (code != 0)
    code = load_filter (SCMP_ACT_ERRNO (EPERM), false, ret_listener);
  return code;
}

int
calls_restrict (bool watch_files, int *ret_listener, struct error *error)
{
  int code = load_refusals ();

  *ret_listener = -1;
  if (code == 0)
    code = load_list (watch_files, ret_listener);
  if (code == 0)
    return 0;
  errno = -code;
  return error_set (error, EZCDC_E_UNAVAILABLE,
                    "filter its system calls (seccomp): %m");
}

#else

int
calls_restrict (bool watch_files, int *ret_listener, struct error *error)
{
#ifdef WITH_SANITIZERS
  const char *why = "sanitizers";
#else
  const char *why = "no libseccomp";
#endif

  (void) watch_files;
  *ret_listener = -1;
  return error_set (error, EZCDC_E_UNSUPPORTED,
                    "filter its system calls: this program is built with %s",
                    why);
}

#endif
