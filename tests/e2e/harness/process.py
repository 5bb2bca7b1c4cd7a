# SPDX-License-Identifier: Apache-2.0
"""Child processes that never outlive the test run."""

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent(number):
    def before_exec():
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    return before_exec


def start(command, death_signal=signal.SIGKILL, user=None, detached=False,
          **options):
    """Popen, but the child gets death_signal when this process ends.

    user is a passwd entry, or None for the caller's own account. A detached
    child is meant to outlive us.
    """
    if user is not None:
        options.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    if detached:
        options["start_new_session"] = True
    else:
        options["preexec_fn"] = _die_with_parent(death_signal)
    return subprocess.Popen(command, **options)


def connections(pid, ports):
    """How many connections of a process to ports (by IPv4) are established."""
    own = set()
    for descriptor in os.scandir(f"/proc/{pid}/fd"):
        # It may have been closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            own.add(os.readlink(descriptor.path))
    with open(f"/proc/{pid}/net/tcp") as lines:
        next(lines)
        fields = [line.split() for line in lines]
    return sum(state == "01" and int(remote.rpartition(":")[2], 16) in ports
               and f"socket:[{inode}]" in own
               for _, _, remote, state, *_, inode in
               (line[:10] for line in fields))


def unprivileged_user():
    """The account that servers run under: None unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no unprivileged account: neither postgres nor nobody")


def stop(process, number=signal.SIGTERM, timeout=20):
    """Ends a child that we started, politely first. Returns its exit code."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def free_port():
    """A loopback port that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def descendants(pid):
    """The process ids below pid, children before grandchildren."""
    found = []
    pending = [pid]
    while pending:
        parent = pending.pop(0)
        try:
            with open(f"/proc/{parent}/task/{parent}/children") as listing:
                children = [int(word) for word in listing.read().split()]
        except OSError:
            children = []
        found += children
        pending += children
    return found


def _stat(pid):
    """The fields of /proc/PID/stat after the name, or None."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()
    except OSError:
        return None


def alive(pid):
    """Whether pid runs (a zombie does not)."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in "ZX"


def start_time(pid):
    """When pid began, in ticks since boot: tells it from a later process with
    the same number. None if it is gone."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None
