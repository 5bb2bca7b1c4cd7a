# SPDX-License-Identifier: Apache-2.0
"""What still works for a confined runner: paths that it is given, and a file
of /etc that somebody replaces while it runs. Prints TAP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from pipeline import Pipeline, check_lines
from tap import EZCDC, Tests, run

ETC = ("passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache")


def wait_for(condition, seconds=60):
    """Whether it has come true."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def check_paths(tests, folder):
    for name, path in (("bare", "lines.jsonl"), ("dotted", "./lines.jsonl"),
                       ("upwards", "../upwards/lines.jsonl")):
        made = Pipeline(folder, name, "connector = file\npath = " + path)
        done = run([EZCDC, "run", "--until-caught-up", made.ini], timeout=300,
                   cwd=made.folder)
        tests.succeeds(done, "a sink may write " + path)
        check_lines(tests, made.lines(), name)


def confined(pipeline):
    """How many runners were, by the audit log; partly, with sanitizers."""
    try:
        return sum(action in ("runner.confined", "runner.unconfined")
                   for action in pipeline.audited())
    except OSError:
        return 0


def is_copied(pipeline):
    try:
        return any(line["op"] != "read" for line in pipeline.lines())
    except (OSError, ValueError):
        return False


def check_replaced(tests, folder):
    """In a namespace of its own, where /etc is a folder of the test."""
    etc = os.path.join(folder, "etc")
    os.mkdir(etc)
    for name in ETC:
        if os.path.exists("/etc/" + name):
            shutil.copy("/etc/" + name, etc)
    # Long enough to be in the middle of it: 60 transactions.
    made = Pipeline(folder, "replaced", "connector = file\npath = LINES",
                    "pace = 50ms")
    errors = os.path.join(folder, "errors")
    with open(errors, "wb") as file:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c",
             'mount --bind "$0" /etc && exec "$@"', etc, EZCDC, "run",
             made.ini], stderr=file, start_new_session=True)
    try:
        tests.result(wait_for(lambda: is_copied(made)), "a run has begun")
        shutil.copy(os.path.join(etc, "hosts"), os.path.join(etc, "new"))
        os.rename(os.path.join(etc, "new"), os.path.join(etc, "hosts"))
        tests.result(wait_for(lambda: confined(made) == 2),
                     "a new runner comes when /etc/hosts is replaced")
        tests.result(wait_for(lambda: is_complete(made)),
                     "and goes on with the work")
    finally:
        process.send_signal(signal.SIGTERM)
        tests.equal(process.wait(timeout=60), 0, "the run ends in order")
    with open(errors, encoding="utf-8") as file:
        text = file.read()
    tests.equal(text.count("/etc/hosts was replaced: the runner is started"),
                1, "which the log says")
    check_lines(tests, made.lines(), "replaced")
    tests.equal(made.audited().count("runner.crashed"), 0,
                "and which is no crash")


def is_complete(made):
    try:
        return sum(line["op"] != "read" for line in made.lines()) == 60 * 20
    except ValueError:
        return False


def has_landlock(folder):
    """By what a runner says of itself."""
    made = Pipeline(folder, "probe", "connector = discard")
    made.until_caught_up()
    with open(os.path.join(made.folder, "state", "probe", "audit.jsonl"),
              encoding="utf-8") as file:
        return any("landlock" in json.loads(line)["detail"] for line in file)


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        check_paths(tests, folder)
        name = "a file of /etc is replaced"
        if os.geteuid() != 0:
            tests.skip(name, "needs root for a mount of its own")
        elif not has_landlock(folder):
            tests.skip(name, "the kernel has no Landlock")
        elif run(["unshare", "-m", "true"]).returncode != 0:
            tests.skip(name, "no namespace can be made here")
        else:
            check_replaced(tests, folder)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
