/* SPDX-License-Identifier: Apache-2.0 */
/* hostile: a sink that tries what no connector may, when it is loaded and when
 * it is opened. "ezcdc check" shows for each attempt how it ended: "ok" if it
 * was refused, "fail" if it worked or failed for another reason. Otherwise it
 * is a sink that takes everything.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

static const struct ezcdc_host *host;

/* 0 or the errno of a call that returns -1 when it fails. */
static int
outcome (long result)
{
  return result < 0 ? errno : 0;
}

/* ---- Attempts ---------------------------------------------------------- */

static int
trace_keeper (void)
{
  return outcome (ptrace (PTRACE_SEIZE, getppid (), NULL, NULL));
}

static int
read_keeper (void)
{
  char byte;
  struct iovec here = { &byte, 1 };
  struct iovec there = { NULL, 1 };

  return outcome (process_vm_readv (getppid (), &here, 1, &there, 1, 0));
}

static int
write_keeper (void)
{
  char byte = 0;
  struct iovec here = { &byte, 1 };
  struct iovec there = { NULL, 1 };

  return outcome (process_vm_writev (getppid (), &here, 1, &there, 1, 0));
}

static int
hold_keeper (void)
{
  return outcome (syscall (SYS_pidfd_open, getppid (), 0));
}

static int
signal_keeper (void)
{
  return outcome (kill (getppid (), 0));
}

static int
make_process (void)
{
  pid_t child = fork ();

  if (child == 0)
    _exit (0);
  if (child > 0)
    waitpid (child, NULL, 0);
  return outcome (child);
}

static int
start_shell (void)
{
  static char shell[] = "sh";
  char *words[] = { shell, NULL };
  pid_t child;
  int code = posix_spawn (&child, "/bin/sh", NULL, NULL, words, NULL);

  if (code == 0)
    waitpid (child, NULL, 0);
  return code;
}

/* Of nothing: where it may, it goes on here. */
static int
become_another_program (void)
{
  return outcome (syscall (SYS_execve, "", NULL, NULL));
}

static int
become_another_program_at (void)
{
  return outcome (syscall (SYS_execveat, -1, "", NULL, NULL, 0));
}

static int
make_itself_dumpable (void)
{
  return outcome (prctl (PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
have_core_dumps (void)
{
  const struct rlimit limit = { 0, 0 };

  return outcome (setrlimit (RLIMIT_CORE, &limit));
}

static int
outlive_keeper (void)
{
  return outcome (prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

static int
filter_anew (void)
{
  return outcome (prctl (PR_SET_SECCOMP, 0, 0, 0, 0));
}

static int
write_and_run_code (void)
{
  void *place = mmap (NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return place == MAP_FAILED ? errno : 0;
}

static int
run_written_code (void)
{
  void *place = mmap (NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return outcome (mprotect (place, 4096, PROT_READ | PROT_EXEC));
}

static int
type_into_terminal (void)
{
  return outcome (ioctl (STDIN_FILENO, TIOCSTI, "x"));
}

static int
capture_packets (void)
{
  return outcome (socket (AF_PACKET, SOCK_RAW, 0));
}

static int
wait_for_connections (void)
{
  return outcome (listen (-1, 1));
}

static int
mount_a_file_system (void)
{
  return outcome (mount ("", "", "tmpfs", 0, NULL));
}

static int
leave_namespace (void)
{
  return outcome (unshare (CLONE_NEWUSER));
}

static int
change_root (void)
{
  return outcome (chroot (""));
}

static int
load_bpf (void)
{
  union bpf_attr attributes;

  memset (&attributes, 0, sizeof attributes);
  return outcome (
    syscall (SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

static int
count_events (void)
{
  return outcome (syscall (SYS_perf_event_open, NULL, 0, 0, 0, 0));
}

static int
handle_page_faults (void)
{
  return outcome (syscall (SYS_userfaultfd, -1));
}

static int
queue_calls (void)
{
  return outcome (syscall (SYS_io_uring_setup, 0, NULL));
}

static int
read_keys (void)
{
  return outcome (
    syscall (SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

static int
be_root (void)
{
  return outcome (setuid (0));
}

static int
open_rights (void)
{
  return outcome (chmod ("/proc/self/exe", 0755));
}

struct attempt {
  const char *what;
  int (*try_it) (void);
  int result;
};

static struct attempt attempts[] = {
  { "trace the keeper", trace_keeper, 0 },
  { "read the keeper's memory", read_keeper, 0 },
  { "write the keeper's memory", write_keeper, 0 },
  { "hold the keeper", hold_keeper, 0 },
  { "signal the keeper", signal_keeper, 0 },
  { "make a process", make_process, 0 },
  { "start a shell", start_shell, 0 },
  { "become another program", become_another_program, 0 },
  { "become another program at", become_another_program_at, 0 },
  { "make itself dumpable", make_itself_dumpable, 0 },
  { "have core dumps", have_core_dumps, 0 },
  { "outlive the keeper", outlive_keeper, 0 },
  { "filter anew", filter_anew, 0 },
  { "write and run code", write_and_run_code, 0 },
  { "run written code", run_written_code, 0 },
  { "type into the terminal", type_into_terminal, 0 },
  { "capture packets", capture_packets, 0 },
  { "wait for connections", wait_for_connections, 0 },
  { "mount a file system", mount_a_file_system, 0 },
  { "leave the namespace", leave_namespace, 0 },
  { "change the root folder", change_root, 0 },
  { "load a program into the kernel", load_bpf, 0 },
  { "count events", count_events, 0 },
  { "handle page faults", handle_page_faults, 0 },
  { "queue calls", queue_calls, 0 },
  { "read keys", read_keys, 0 },
  { "be root", be_root, 0 },
  { "open the rights of a file", open_rights, 0 },
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

/* Before anybody has looked at the descriptor. */
static int loading = -1;

__attribute__ ((constructor)) static void
try_while_loaded (void)
{
  loading = make_process ();
}

/* ---- The sink ---------------------------------------------------------- */

static int
hostile_open (struct ezcdc_instance *instance, void **ret_self)
{
  for (size_t i = 0; i < ATTEMPTS; i++)
    attempts[i].result = attempts[i].try_it ();
  *ret_self = instance;
  return EZCDC_OK;
}

static void
hostile_close (void *self)
{
  (void) self;
}

static void
report (struct ezcdc_instance *instance, const char *what, int result)
{
  host->report (instance,
                result == EPERM || result == EACCES ? EZCDC_REPORT_OK
                                                    : EZCDC_REPORT_FAIL,
                what, result == 0 ? "it worked" : strerror (result), NULL);
}

static int
hostile_check (void *self, const struct ezcdc_table *const *tables,
               uint64_t table_count)
{
  (void) tables;
  (void) table_count;
  report (self, "make a process while it is loaded", loading);
  for (size_t i = 0; i < ATTEMPTS; i++)
    report (self, attempts[i].what, attempts[i].result);
  return EZCDC_OK;
}

static int
hostile_prepare (void *self, const struct ezcdc_table *table)
{
  (void) self;
  (void) table;
  return EZCDC_OK;
}

static int
hostile_write (void *self, const struct ezcdc_batch *batch)
{
  (void) self;
  (void) batch;
  return EZCDC_OK;
}

static const struct ezcdc_sink sink = {
  .size = sizeof sink,
  .open = hostile_open,
  .close = hostile_close,
  .prepare = hostile_prepare,
  .write = hostile_write,
  .check = hostile_check,
};

static const struct ezcdc_connector connector = {
  .magic = EZCDC_CONNECTOR_MAGIC,
  .size = sizeof connector,
  .abi_major = EZCDC_ABI_MAJOR,
  .abi_minor = EZCDC_ABI_MINOR,
  .kind = EZCDC_KIND_SINK,
  .threads = EZCDC_THREADS_INSTANCE,
  .name = "hostile",
  .version = "1.0",
  .summary = "Tries what no connector may, for tests",
  .license = "Apache-2.0",
  .sink = &sink,
};

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  host = the_host;
  return &connector;
}
