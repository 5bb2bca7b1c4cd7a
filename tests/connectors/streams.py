# SPDX-License-Identifier: Apache-2.0
"""Standard input, output and error may be closed: no file takes their place,
and what would print a result does nothing. Prints TAP."""

import itertools
import os
import pathlib
import re
import shutil
import sys
import tempfile

from pipeline import Pipeline, check_lines, connector
from tap import EZCDC, Tests, run


def closed(streams, *words, **more):
    """A command with those streams closed."""
    how = " ".join("%d>&-" % stream for stream in streams)
    return run(["sh", "-c", '"$@" ' + how, "sh", EZCDC, *words], timeout=120,
               **more)


def content(folder):
    """Of every file below."""
    return {str(path): path.read_bytes()
            for path in sorted(pathlib.Path(folder).rglob("*"))
            if path.is_file()}


def check_nothing_done(tests, made, name, *words):
    before = content(made.folder)
    done = closed([1], *words)
    tests.equal((done.returncode, done.stderr),
                (1, "ezcdc: error: write to standard output: "
                    "Bad file descriptor\n"), name + ": fails")
    after = content(made.folder)
    tests.equal([path for path in before if after.get(path) != before[path]],
                [], name + ": changes nothing")
    tests.equal(sorted(set(after) - set(before)), [], name + ": makes nothing")


def check_setup_keys(tests, folder):
    """The key that it prints once is in no file."""
    made = Pipeline(folder, "given", "connector = discard")
    tests.succeeds(made.until_caught_up(), "a log has begun")
    check_nothing_done(tests, made, "audit setup-keys", "audit", "setup-keys",
                       made.ini)
    done = run([EZCDC, "audit", "setup-keys", made.ini])
    tests.result(re.fullmatch("[0-9a-f]{64}\n", done.stdout),
                 "with an output the key is given", done.stderr)


def check_results(tests, folder):
    made = Pipeline(folder, "results", "connector = discard")
    tests.succeeds(made.until_caught_up(), "a run")
    identity = run([EZCDC, "key", "id"]).stdout.strip()
    for words in (("key", "new"), ("key", "id"), ("key", "status", made.ini),
                  ("key", "retire", identity, made.ini),
                  ("reseal", made.ini), ("check", made.ini),
                  ("verify", made.ini), ("status", made.ini),
                  ("connectors",)):
        check_nothing_done(tests, made, " ".join(words[:2]), *words)
    tests.equal(closed([1], "--help").returncode, 1, "--help fails")


def check_runs(tests, folder):
    """In any combination, and nothing is printed into a file."""
    for count in range(1, 4):
        for streams in itertools.combinations(range(3), count):
            name = "run" + "".join(map(str, streams))
            made = Pipeline(folder, name, "connector = file\npath = LINES")
            tests.equal(closed(streams, "run", "--until-caught-up",
                               made.ini).returncode, 0, name + ": works")
            check_lines(tests, made.lines(), name)
            log = os.path.join(made.folder, "state", name, "audit.jsonl")
            tests.succeeds(run([EZCDC, "audit", "verify", log]),
                           name + ": the log is whole")


def check_seal(tests, folder):
    """Neither without an output, nor what a closed input has not said."""
    made = Pipeline(folder, "sealed", "connector = starrocks\nhost = h\n"
                    "user = u\npassword = not-sealed-yet")
    copy = shutil.copy(connector("plugins", "starrocks", "starrocks"),
                       made.folder)
    os.chmod(copy, 0o755)
    check_nothing_done(tests, made, "seal", "seal", made.ini)
    before = content(made.folder)
    done = closed([0], "seal", "--set", "sink.password", made.ini)
    tests.equal((done.returncode, content(made.folder)), (1, before),
                "no input: nothing is sealed")
    done = run([EZCDC, "seal", made.ini])
    tests.result(done.returncode == 0
                 and "sink.password sealed" in done.stdout,
                 "with both it is", done.stdout + done.stderr)


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        check_setup_keys(tests, folder)
        check_results(tests, folder)
        check_runs(tests, folder)
        check_seal(tests, folder)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
