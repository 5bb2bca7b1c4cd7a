# SPDX-License-Identifier: Apache-2.0
"""What the tests of the house share: TAP output, folders, sources."""

import os
import pathlib
import re
import subprocess

SOURCE = pathlib.Path(os.environ["abs_top_srcdir"])
BUILD = pathlib.Path(os.environ["abs_top_builddir"])
SANITIZED = os.environ.get("SANITIZERS", "no") != "no"
PROGRAM = BUILD / "core" / "ezcdc"


class Tap:
    """Prints one line a result, and the plan at the end."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, good, what, problems=()):
        self.count += 1
        if not good:
            self.failed += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}")
        for problem in problems:
            print(f"# {problem}")

    def none(self, problems, what):
        """Good if there is no problem."""
        self.result(not problems, what, problems)

    def skip(self, what, reason):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {reason}")

    def end(self):
        print(f"1..{self.count}")
        raise SystemExit(1 if self.failed else 0)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    raise SystemExit(0)


def run(*command, **options):
    """Runs a program to its end; its output is text."""
    return subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=options.pop("stderr", subprocess.STDOUT),
        universal_newlines=True,
        timeout=120,
        **options,
    )


def sources(*folders):
    """The C files of some folders, as paths from the top, sorted."""
    found = []
    for folder in folders:
        for path in sorted((SOURCE / folder).rglob("*.[ch]")):
            found.append(path.relative_to(SOURCE))
    return found


def code(path):
    """A C file's text without comments and without what is in quotes, with
    the same number of lines."""
    pattern = re.compile(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S
    )

    def blank(match):
        return " " + "\n" * match.group().count("\n")

    return pattern.sub(blank, (SOURCE / path).read_text(encoding="utf-8"))


def installed_objects():
    """The program (libtool may have put a script in its place) and the
    connectors that were built."""
    program = PROGRAM
    if (PROGRAM.parent / ".libs" / PROGRAM.name).exists():
        program = PROGRAM.parent / ".libs" / PROGRAM.name
    return [program] + connectors()


def connectors():
    return sorted((BUILD / "plugins").glob("*/.libs/*.so"))


def needed(path):
    """The libraries that an object asks for."""
    text = run(os.environ["READELF"], "-dW", path).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)
