# SPDX-License-Identifier: Apache-2.0
"""Wall time, CPU time and memory of commands."""

import os
import re
import subprocess
import threading
import time

from harness import process


class Sample:
    """What one run of a command took."""

    def __init__(self, seconds, cpu, peak):
        self.seconds = seconds
        self.cpu = cpu          # seconds, of it and its children
        self.peak = peak        # bytes of the largest of its processes


def size(path, name):
    """A size in bytes from a file such as /proc/PID/status; 0 if it is gone."""
    try:
        with open(path) as file:
            found = re.search(rf"^{name}:\s+(\d+) kB", file.read(), re.M)
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0


def is_still_us(pid):
    """Whether pid has not become its program yet: it has our memory then."""
    try:
        return os.path.samefile(f"/proc/{pid}/exe", "/proc/self/exe")
    except OSError:
        return True


class Watch(threading.Thread):
    """Follows the peak memory of a process and of those below it.

    ru_maxrss will not do: it begins with the size of the Python that forked.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak = 0
        self.start()

    def run(self):
        while not self._ended.wait(0.02):
            for pid in (self._pid, *process.descendants(self._pid)):
                peak = size(f"/proc/{pid}/status", "VmHWM")
                if peak > self.peak and not is_still_us(pid):
                    self.peak = peak

    def stop(self):
        self._ended.set()
        self.join()
        return self.peak


def run(command, env=None, stdout=None, watch=False):
    """Runs a command to its end; its messages are shown if it fails."""
    with open(os.devnull, "wb") as nowhere, \
            open(os.path.join(os.environ["BENCH_FOLDER"], "stderr"),
                 "w+b") as messages:
        begin = time.monotonic()
        child = process.start([str(word) for word in command], env=env,
                              stdin=subprocess.DEVNULL,
                              stdout=stdout or nowhere, stderr=messages)
        watcher = Watch(child.pid) if watch else None
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        peak = watcher.stop() if watcher else 0
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            messages.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))} ended with"
                               f" {child.returncode}:\n"
                               + messages.read().decode(errors="replace"))
    return Sample(seconds, usage.ru_utime + usage.ru_stime, peak)
