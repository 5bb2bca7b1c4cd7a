/* SPDX-License-Identifier: Apache-2.0 */
/* hostile: a sink that tries what no connector may, when it is loaded and when
 * it is opened. "ezcdc check" shows for each attempt how it ended: "ok" if it
 * was refused, "fail" if it worked or failed for another reason. Otherwise it
 * is a sink that takes everything.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
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

static int
close_outcome (long descriptor)
{
  int result = outcome (descriptor);

  if (descriptor >= 0)
    close ((int) descriptor);
  return result;
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

/* By options of a socket that the keeper could have the other end of. A kernel
 * that does not have them says so if it is asked. */
#define PASS_PIDFD 76
#define PEER_PIDFD 77

static int
hold_peer (void)
{
  int ends[2];
  int held = -1;
  socklen_t size = sizeof held;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return errno;
  int code = outcome (
    getsockopt (ends[0], SOL_SOCKET, PEER_PIDFD, &held, &size));
  if (held >= 0)
    close (held);
  close (ends[0]);
  close (ends[1]);
  return code;
}

static int
be_given_senders (void)
{
  const int yes = 1;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return errno;
  int code = outcome (
    setsockopt (ends[0], SOL_SOCKET, PASS_PIDFD, &yes, sizeof yes));
  close (ends[0]);
  close (ends[1]);
  return code;
}

static int
signal_keeper (void)
{
  return outcome (kill (getppid (), 0));
}

/* Whose signals the kernel sends is not for a connector to say: by the ways
 * that fcntl has for it. 0 is nobody, so that nothing is sent if it works. */
static int
direct_signals (int command, long argument)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return errno;
  int code = outcome (fcntl (ends[0], command, argument));
  close (ends[0]);
  close (ends[1]);
  return code;
}

static int
own_signals (void)
{
  return direct_signals (F_SETOWN, 0);
}

static int
choose_signals (void)
{
  return direct_signals (F_SETSIG, 0);
}

static int
own_signals_of_threads (void)
{
  struct f_owner_ex owner = { F_OWNER_PID, 0 };

  return direct_signals (F_SETOWN_EX, (long) (intptr_t) &owner);
}

static int
lease_file (void)
{
  return direct_signals (F_SETLEASE, F_UNLCK);
}

static int
watch_folder (void)
{
  return direct_signals (F_NOTIFY, 0);
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

/* ---- What others could make use of ------------------------------------- */

/* Paths, of the state. */
static char state_folder[512];
static char program_file[600];

/* Gives a file or a folder a mode. */
static int
change_mode (const char *path, int flags, mode_t mode)
{
  int descriptor = open (path, flags | O_CLOEXEC, 0700);

  if (descriptor < 0)
    return EBADF;
  int code = outcome (fchmod (descriptor, mode));
  close (descriptor);
  return code;
}

static int
make_program_of_user (void)
{
  return change_mode (program_file, O_WRONLY | O_CREAT, 04700);
}

static int
make_program_of_group (void)
{
  return change_mode (program_file, O_WRONLY | O_CREAT, 02700);
}

/* Makes a file that is not there yet in each way there is. Returns what the
 * first that is not refused comes to. */
static int
make_with_mode (mode_t mode)
{
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  char path[600];

  snprintf (path, sizeof path, "%s/made", state_folder);
  int result = close_outcome (open (path, flags, mode));
  if (result == EPERM)
    result = close_outcome (
      open (state_folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, mode));
#ifdef SYS_open
  if (result == EPERM)
    result = close_outcome (syscall (SYS_open, path, flags, mode));
#endif
#ifdef SYS_creat
  if (result == EPERM)
    result = close_outcome (syscall (SYS_creat, path, mode));
#endif
  unlink (path);
  return result;
}

static int
begin_program_of_user (void)
{
  return make_with_mode (04700);
}

static int
begin_program_of_group (void)
{
  return make_with_mode (02700);
}

static int
begin_sticky_program (void)
{
  return make_with_mode (01700);
}

static int
make_sticky_folder (void)
{
  char path[600];

  snprintf (path, sizeof path, "%s/made", state_folder);
  int result = outcome (mkdirat (AT_FDCWD, path, 01700));
#ifdef SYS_mkdir
  if (result == EPERM)
    result = outcome (syscall (SYS_mkdir, path, 01700));
#endif
  rmdir (path);
  return result;
}

static int
open_folder_to_group (void)
{
  return change_mode (state_folder, O_RDONLY | O_DIRECTORY, 0750);
}

static int
open_folder_to_all (void)
{
  return change_mode (state_folder, O_RDONLY | O_DIRECTORY, 0701);
}

/* The call says what was the mask before, or -1. */
static int
make_files_for_all (void)
{
  long mask = syscall (SYS_umask, 0);

  if (mask < 0)
    return errno;
  umask ((mode_t) mask);
  return 0;
}

/* ---- Itself and the kernel --------------------------------------------- */

/* A signal for a thread that is not there: ESRCH if it may be sent. The bits
 * beyond those of an int are not for the kernel. */
static int
signal_nobody (uint64_t number)
{
  return outcome (syscall (SYS_tgkill, getpid (), INT_MAX, number));
}

static int
stop_itself (void)
{
  return signal_nobody (SIGSTOP);
}

static int
stop_itself_by_terminal (void)
{
  return signal_nobody (SIGTTIN);
}

static int
stop_itself_beyond (void)
{
  return signal_nobody (UINT64_C (1) << 32 | SIGSTOP);
}

/* What raise, abort, pthread_cancel and their like need; the first that is
 * refused. */
static int
signal_itself (void)
{
  const int numbers[] = { 0, SIGABRT, SIGTERM, SIGURG, 32, SIGRTMIN, 63 };

  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    int result = signal_nobody ((uint64_t) numbers[i]);
    if (result != ESRCH)
      return result;
  }
  return 0;
}

static int
filter_packets (void)
{
  int descriptor = socket (AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  int result = outcome (descriptor);

  if (descriptor >= 0)
    close (descriptor);
  return result;
}

/* Paths, from the options. */
static char key_file[256];
static char link_file[256];
static char ini_file[256];
static char audit_log[256];
static char other_state[256];
static char home_file[256];
static char stolen_file[600];

/* From any folder. */
#define TO_ROOT "../../../../../../../../../../../../../../../.."

static int
open_path (const char *path, int flags)
{
  int descriptor = open (path, flags | O_CLOEXEC, 0600);
  int result = outcome (descriptor);

  if (descriptor >= 0)
    close (descriptor);
  return result;
}

static int
open_of_keeper (const char *name)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%d/%s", (int) getppid (), name);
  return open_path (path, O_RDONLY);
}

static int
open_keepers_memory (void)
{
  return open_of_keeper ("mem");
}

static int
open_keepers_environment (void)
{
  return open_of_keeper ("environ");
}

static int
open_keepers_descriptors (void)
{
  return open_of_keeper ("fd");
}

static int
open_key (void)
{
  return open_path (key_file, O_RDONLY);
}

static int
write_key (void)
{
  return open_path (key_file, O_WRONLY | O_TRUNC);
}

static int
move_key (void)
{
  return outcome (rename (key_file, stolen_file));
}

static int
link_key (void)
{
  return outcome (link (key_file, stolen_file));
}

static int
open_home (void)
{
  return open_path (home_file, O_RDONLY);
}

static int
open_shadow (void)
{
  return open_path ("/etc/shadow", O_RDONLY);
}

static int
write_temporary (void)
{
  return open_path ("/tmp", O_WRONLY | O_TMPFILE);
}

static int
write_system (void)
{
  return open_path ("/usr/lib/os-release", O_WRONLY);
}

static int
list_root (void)
{
  return open_path ("/", O_RDONLY | O_DIRECTORY);
}

/* A file that it may only read, as many of the system's are. Who says that it
 * is done, and has done nothing, has refused. */
static int
close_file_to_others (void)
{
  char path[300];
  struct stat before;
  struct stat after;

  snprintf (path, sizeof path, "%s", ini_file);
  char *slash = strrchr (path, '/');
  if (slash == NULL)
    return EINVAL;
  snprintf (slash, sizeof path - (size_t) (slash - path), "/counter.so");
  int descriptor = open (path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || fstat (descriptor, &before) != 0)
    return EBADF;
  int code = outcome (fchmod (descriptor, 0));
  if (code == 0 && fstat (descriptor, &after) == 0
      && after.st_mode == before.st_mode)
    code = EPERM;
  close (descriptor);
  return code;
}

/* To whom it belongs already: that takes the set-user-ID bit of a program. */
static int
own_standard_error (void)
{
  return outcome (fchown (STDERR_FILENO, (uid_t) -1, (gid_t) -1));
}

/* ---- Attempts by other names ------------------------------------------- */

/* Past the C library, which knows openat only. Not every machine has it. */
static int
open_old (const char *path)
{
#ifdef SYS_open
  return close_outcome (syscall (SYS_open, path, O_RDONLY | O_CLOEXEC, 0));
#else
  return open_path (path, O_RDONLY);
#endif
}

static int
open_at (int folder, const char *path)
{
  return close_outcome (openat (folder, path, O_RDONLY | O_CLOEXEC));
}

/* A call that there is not is refused, too. */
static int
open_by_structure (void)
{
  struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };
  int result = close_outcome (
    syscall (SYS_openat2, AT_FDCWD, state_folder, &how, sizeof how));

  return result == ENOSYS ? EPERM : result;
}

/* A file that it may write; Landlock of any version has nothing against it. */
static int
truncate_by_opening (int access)
{
  int flags = access | O_TRUNC | O_CLOEXEC;
  int descriptor = open (program_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  int result = open_path (program_file, flags);

  if (descriptor < 0)
    return EBADF;
  close (descriptor);
#ifdef SYS_open
  if (result == EPERM)
    result = close_outcome (syscall (SYS_open, program_file, flags, 0));
#endif
  return result;
}

static int
truncate_what_is_read (void)
{
  return truncate_by_opening (O_RDONLY);
}

static int
truncate_what_is_neither_read_nor_written (void)
{
  return truncate_by_opening (O_WRONLY | O_RDWR);
}

static int
open_key_relatively (void)
{
  char path[512];

  snprintf (path, sizeof path, TO_ROOT "%s", key_file);
  return open_old (path);
}

static int
open_key_from_root (void)
{
  char path[512];

  snprintf (path, sizeof path, "/proc/thread-self/./root/proc/..%s", key_file);
  return open_at (-1, path);
}

static int
open_key_by_link (void)
{
#ifdef SYS_creat
  return close_outcome (syscall (SYS_creat, link_file, 0600));
#else
  return open_path (link_file, O_WRONLY | O_CREAT | O_TRUNC);
#endif
}

static int
remove_key (void)
{
  return outcome (unlink (key_file));
}

static int
open_memory_relatively (void)
{
  char path[128];

  snprintf (path, sizeof path, TO_ROOT "/proc/%d/mem", (int) getppid ());
  return open_old (path);
}

/* A folder that is named only, which no Landlock refuses. */
static int
open_memory_from_folder (void)
{
  int folder = open ("/proc", O_PATH | O_CLOEXEC);
  char path[64];

  snprintf (path, sizeof path, "%d/mem", (int) getppid ());
  int result = open_at (folder, path);
  close (folder);
  return result;
}

static int
open_configuration (void)
{
  int folder = open ("/", O_PATH | O_CLOEXEC);
  int result = close_outcome (
    openat (folder, ini_file + 1, O_RDONLY | O_CLOEXEC));

  close (folder);
  return result;
}

static int
write_audit_log (void)
{
  return open_path (audit_log, O_RDWR);
}

static int
link_audit_log (void)
{
  return outcome (link (audit_log, stolen_file));
}

static int
open_other_state (void)
{
  return open_path (other_state, O_RDONLY);
}

/* ---- What anybody may look for ----------------------------------------- */

/* By its own number, as if it were a process. */
static void *
look_at_thread (void *unused)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%ld/comm", syscall (SYS_gettid));
  open_path (path, O_RDONLY);
  return unused;
}

static void
look_around (void)
{
  static const char *const paths[] = {
    "/nonexistent/.pgpass",    "/etc/gai.conf",     "/etc/mtab",
    "/proc/self/status",       "/proc/self/maps",   "/proc/self/fd/0",
    "/proc/thread-self/comm",  "/proc/cpuinfo",     "/dev/fd/1",
    "/usr/share/zoneinfo/UTC", "../nonexistent/key"
  };
  char path[128];
  pthread_t thread;

  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    open_path (paths[i], O_RDONLY);
  snprintf (path, sizeof path, "/proc/%d/stat", (int) getpid ());
  open_path (path, O_RDONLY);
  if (pthread_create (&thread, NULL, look_at_thread, NULL) == 0)
    pthread_join (thread, NULL);
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
  { "hold who is at the other end", hold_peer, 0 },
  { "be given hold of who sends", be_given_senders, 0 },
  { "signal the keeper", signal_keeper, 0 },
  { "say whom signals go to", own_signals, 0 },
  { "say which signals are sent", choose_signals, 0 },
  { "say whom signals go to by a structure", own_signals_of_threads, 0 },
  { "be told of a lease by a signal", lease_file, 0 },
  { "be told of a folder by a signal", watch_folder, 0 },
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
  { "make a program that is run as its user", make_program_of_user, 0 },
  { "make a program that is run as its group", make_program_of_group, 0 },
  { "begin a program that is run as its user", begin_program_of_user, 0 },
  { "begin a program that is run as its group", begin_program_of_group, 0 },
  { "begin a program that is sticky", begin_sticky_program, 0 },
  { "make a sticky folder", make_sticky_folder, 0 },
  { "open its folder to its group", open_folder_to_group, 0 },
  { "open its folder to all", open_folder_to_all, 0 },
  { "close a file to others", close_file_to_others, 0 },
  { "say again who owns a file", own_standard_error, 0 },
  { "make files for all", make_files_for_all, 0 },
  { "stop itself", stop_itself, 0 },
  { "stop itself as a terminal does", stop_itself_by_terminal, 0 },
  { "stop itself with bits that nobody looks at", stop_itself_beyond, 0 },
  { "filter packets", filter_packets, 0 },
  { "open the keeper's memory", open_keepers_memory, 0 },
  { "open the keeper's environment", open_keepers_environment, 0 },
  { "open the keeper's descriptors", open_keepers_descriptors, 0 },
  { "open the key file", open_key, 0 },
  { "write the key file", write_key, 0 },
  { "move the key file", move_key, 0 },
  { "link the key file", link_key, 0 },
  { "open a file of a home", open_home, 0 },
  { "open the passwords of this machine", open_shadow, 0 },
  { "write a temporary file", write_temporary, 0 },
  { "write a file of the system", write_system, 0 },
  { "list the root folder", list_root, 0 },
  { "open the key file relatively", open_key_relatively, 0 },
  { "open the key file from the root", open_key_from_root, 0 },
  { "open the key file by a link", open_key_by_link, 0 },
  { "remove the key file", remove_key, 0 },
  { "open the keeper's memory relatively", open_memory_relatively, 0 },
  { "open the keeper's memory from a folder", open_memory_from_folder, 0 },
  { "open the configuration", open_configuration, 0 },
  { "write the audit log", write_audit_log, 0 },
  { "link the audit log", link_audit_log, 0 },
  { "open another pipeline's state", open_other_state, 0 },
  { "open by a structure", open_by_structure, 0 },
  { "cut a file that is read", truncate_what_is_read, 0 },
  { "cut a file without an access mode",
    truncate_what_is_neither_read_nor_written, 0 },
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

/* Before anybody has looked at the descriptor. */
static int loading = -1;
static int looking = -1;

/* What it may do. */
static int signalling = -1;

__attribute__ ((constructor)) static void
try_while_loaded (void)
{
  loading = make_process ();
  looking = open_keepers_environment ();
}

/* ---- The sink ---------------------------------------------------------- */

/* The options lack the "/" at the beginning: what looks like a path may be
 * opened. */
static void
make_path (struct ezcdc_instance *instance, const char *option, char *path,
           size_t size)
{
  snprintf (path, size, "/%s", host->option_string (instance, option));
}

static int
hostile_open (struct ezcdc_instance *instance, void **ret_self)
{
  make_path (instance, "key_file", key_file, sizeof key_file);
  make_path (instance, "link_file", link_file, sizeof link_file);
  make_path (instance, "ini_file", ini_file, sizeof ini_file);
  make_path (instance, "audit_log", audit_log, sizeof audit_log);
  make_path (instance, "other_state", other_state, sizeof other_state);
  make_path (instance, "home_file", home_file, sizeof home_file);
  snprintf (state_folder, sizeof state_folder, "%s",
            host->state_folder (instance));
  snprintf (program_file, sizeof program_file, "%s/program", state_folder);
  snprintf (stolen_file, sizeof stolen_file, "%s/stolen", state_folder);
  for (size_t i = 0; i < ATTEMPTS; i++)
    attempts[i].result = attempts[i].try_it ();
  signalling = signal_itself ();
  look_around ();
  *ret_self = instance;
  return EZCDC_OK;
}

static void
hostile_close (void *self)
{
  (void) self;
}

/* EXDEV: so Landlock refuses a link to what it does not allow. */
static bool
is_refusal (int result)
{
  return result == EPERM || result == EACCES || result == EXDEV;
}

static void
report (struct ezcdc_instance *instance, const char *what, int result)
{
  host->report (instance,
                is_refusal (result) ? EZCDC_REPORT_OK : EZCDC_REPORT_FAIL,
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
  host->report (self, signalling == 0 ? EZCDC_REPORT_OK : EZCDC_REPORT_FAIL,
                "signal itself", strerror (signalling), NULL);
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

static const struct ezcdc_option options[] = {
  {
    .name = "key_file",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "path of the encryption key without the first /",
  },
  {
    .name = "link_file",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "path of a link to the encryption key without the first /",
  },
  {
    .name = "ini_file",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "path of the configuration without the first /",
  },
  {
    .name = "audit_log",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "path of the audit log without the first /",
  },
  {
    .name = "other_state",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "path of another pipeline's state without the first /",
  },
  {
    .name = "home_file",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "path of another secret without the first /",
  },
};

static const struct ezcdc_sink sink = {
  .size = sizeof sink,
  .open = hostile_open,
  .close = hostile_close,
  .prepare = hostile_prepare,
  .write = hostile_write,
  .check = hostile_check,
};

static char summary[200];

static const struct ezcdc_connector connector = {
  .magic = EZCDC_CONNECTOR_MAGIC,
  .size = sizeof connector,
  .abi_major = EZCDC_ABI_MAJOR,
  .abi_minor = EZCDC_ABI_MINOR,
  .option_stride = sizeof options[0],
  .option_count = sizeof options / sizeof options[0],
  .options = options,
  .kind = EZCDC_KIND_SINK,
  .threads = EZCDC_THREADS_INSTANCE,
  .name = "hostile",
  .version = "1.0",
  .summary = summary,
  .license = "Apache-2.0",
  .sink = &sink,
};

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  host = the_host;
  snprintf (
    summary, sizeof summary,
    "For tests. When it was loaded: to make a process, %s; to open the "
    "environment of who started it, %s",
    loading == 0 ? "it worked" : "refused",
    looking == 0 ? "it worked" : "refused");
  return &connector;
}
