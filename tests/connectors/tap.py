# SPDX-License-Identifier: Apache-2.0
"""What the tests of connectors have in common: results as TAP, and ezcdc."""

import os
import subprocess
import sys

SOURCE = os.environ["abs_top_srcdir"]
BUILD = os.environ["abs_top_builddir"]
EZCDC = os.path.join(BUILD, "core", "ezcdc")


def run(command, **more):
    """Runs a command to its end and keeps what it said."""
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          **more)


class Tests:
    """Numbers the tests and prints one line for each."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, passed, name, details=""):
        self.count += 1
        print("%s %d - %s" % ("ok" if passed else "not ok", self.count, name))
        if not passed:
            self.failed += 1
            for line in details.splitlines():
                print("# " + line)
        sys.stdout.flush()

    def equal(self, value, expected, name):
        self.result(value == expected, name,
                    "expected %r\nnot %r" % (expected, value))

    def succeeds(self, done, name):
        self.result(done.returncode == 0, name,
                    "exit %d\n%s%s" % (done.returncode, done.stdout,
                                       done.stderr))

    def skip(self, name, reason):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, reason))

    def end(self):
        """Prints the plan and returns the exit code."""
        print("1..%d" % self.count)
        return 1 if self.failed else 0
