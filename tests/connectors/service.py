# SPDX-License-Identifier: Apache-2.0
"""The unit in etc/: a run does not meet its filter of system calls, and it is
as hard as it was. Prints TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

from pipeline import Pipeline, check_lines
from tap import BUILD, EZCDC, SOURCE, Tests, run

UNIT = os.path.join(SOURCE, "etc", "ezcdc@.service")
WRAPPER = os.path.join(BUILD, "tests", "connectors", "under_filter")
# As root would run it. Any user who is not root will do.
AS_USER = ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups",
           "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
USER = 64123


def members(name):
    """The calls of one of systemd's sets, those of its sets included."""
    words = run(["systemd-analyze", "syscall-filter", name]).stdout.split("\n")
    found = set()
    for word in (line.strip() for line in words[1:]):
        if word.startswith("@"):
            found |= members(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed_calls():
    """What the SystemCallFilter lines of the unit add up to."""
    calls = members("@default")
    with open(UNIT, encoding="ascii") as file:
        lines = [line.strip().split("=", 1)[1] for line in file
                 if line.startswith("SystemCallFilter=")]
    for line in lines:
        words = set()
        for word in line.lstrip("~").split():
            words |= members(word) if word.startswith("@") else {word}
        calls = calls - words if line.startswith("~") else calls | words
    return calls


def run_under(calls, pipeline, otherwise="kill"):
    command = [WRAPPER, otherwise, EZCDC, "run", "--until-caught-up", pipeline.ini]
    if os.geteuid() == 0:
        command = AS_USER + command
    return run(command, input="\n".join(sorted(calls)) + "\n", timeout=300)


def make_pipeline(folder, name):
    made = Pipeline(folder, name, "connector = file\npath = LINES")
    if os.geteuid() == 0:
        for path in (made.folder, made.ini):
            os.chown(path, USER, USER)
    return made


def check_filter(tests, folder):
    calls = allowed_calls()
    made = make_pipeline(folder, "service")
    tests.succeeds(run_under(calls, made), "a run under the unit's filter")
    check_lines(tests, made.lines(), "service")
    tests.equal([action for action in made.audited()
                 if action.startswith("runner.")],
                ["runner.started", "runner.confined"],
                "its runner is confined as well")
    made = make_pipeline(folder, "without")
    done = run_under(calls - {"landlock_create_ruleset"}, made)
    tests.result("signal 31" in done.stderr,
                 "the filter kills who makes another call", done.stderr)


def confinement(made):
    """What the runner of a pipeline that ran once says of itself."""
    record, = (record for record in made.records()
               if record["action"].startswith("runner.")
               and record["action"].endswith("confined"))
    return record


def check_less(tests, folder):
    """What a runner does where it cannot be confined altogether."""
    calls = allowed_calls()
    made = make_pipeline(folder, "files")
    done = run_under(calls - {"landlock_create_ruleset"}, made, "refuse")
    tests.succeeds(done, "a run without Landlock")
    check_lines(tests, made.lines(), "without Landlock")
    tests.result("the kernel offers no Landlock" in done.stderr,
                 "which the log says", done.stderr)
    record = confinement(made)
    tests.equal((record["action"], record["outcome"],
                 record["detail"]["files"]),
                ("runner.unconfined", "failure",
                 "the kernel offers no Landlock"), "and the audit log")
    # The older way to set a filter has no word of what it refused; and where
    # there is a filter that is watched, there is no second one.
    for name, missing, otherwise in (("older", {"seccomp"}, "refuse"),
                                     ("nested", set(), "watch")):
        made = make_pipeline(folder, name)
        done = run_under(calls - missing, made, otherwise)
        tests.succeeds(done, name + ": a run")
        check_lines(tests, made.lines(), name)
        record = confinement(made)
        tests.equal(record["detail"]["system_calls"], "filtered",
                    name + ": with a filter, unwatched")


def main():
    os.umask(0o022)
    tests = Tests()
    if not shutil.which("systemd-analyze"):
        print("1..0 # SKIP systemd-analyze is missing")
        return 0
    done = subprocess.run(
        ["systemd-analyze", "--offline=yes", "--threshold=15", "security",
         UNIT], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    tests.equal(done.returncode, 0, "its exposure is 1.5 or less")
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    if os.environ["CALL_FILTER"] != "yes":
        tests.skip("a run under the unit's filter",
                   "built without libseccomp, or with a sanitizer")
        return tests.end()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        os.chmod(folder, 0o711)
        check_filter(tests, folder)
        check_less(tests, folder)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
