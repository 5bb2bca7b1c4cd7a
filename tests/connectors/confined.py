# SPDX-License-Identifier: Apache-2.0
"""What still works for a confined runner: paths that it is given, and a file
of /etc that somebody replaces while it runs. Prints TAP."""

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


# Any user who is not root; it need not be in the list of users.
USER, GROUP = 64123, 64124


def facts(process):
    with open("/proc/%d/status" % process, encoding="ascii") as file:
        return {key: value.strip() for key, _, value
                in (line.partition(":") for line in file)}


def runner_of(keeper):
    """Its only child, or None."""
    path = "/proc/%d/task/%d/children" % (keeper, keeper)
    with open(path, encoding="ascii") as file:
        children = file.read().split()
    return int(children[0]) if children else None


def check_facts(tests, process, user, name):
    found = facts(process)
    for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        tests.equal(int(found["Cap%s" % kind], 16), 0,
                    "%s: no capabilities, %s" % (name, kind))
    tests.equal(found["Uid"].split(), [str(user)] * 4, name + ": user")
    tests.equal(found["NoNewPrivs"], "1", name + ": no new privileges")
    if os.environ["CALL_FILTER"] == "yes":
        tests.equal(found["Seccomp"], "2", name + ": calls are filtered")
    return found


def check_user(tests, folder, name, user, group):
    """Started by root; the state's folder belongs to user."""
    made = Pipeline(folder, name, "connector = file\npath = out/lines",
                    "pace = 50ms")
    made.lines_path = os.path.join(made.folder, "out", "lines")
    for part in ("state", "out"):
        os.mkdir(os.path.join(made.folder, part), 0o700)
        os.chown(os.path.join(made.folder, part), user, group)
    process = subprocess.Popen([EZCDC, "run", made.ini], cwd=made.folder,
                               stderr=subprocess.DEVNULL)
    try:
        tests.result(wait_for(lambda: is_copied(made)), name + ": a run")
        runner = runner_of(process.pid)
        found = check_facts(tests, runner, user, name)
        if user != 0:
            tests.equal(found["Gid"].split(), [str(group)] * 4,
                        name + ": group")
            tests.equal(found["Groups"].split(), [], name + ": no others")
        tests.equal(facts(process.pid)["Uid"].split(), ["0"] * 4,
                    name + ": the keeper stays root's")
    finally:
        process.kill()
        process.wait(timeout=60)
    tests.result(wait_for(lambda: is_gone(runner)),
                 name + ": the runner dies with its keeper")
    state = os.path.join(made.folder, "state", name)
    tests.equal({os.stat(os.path.join(state, entry)).st_uid
                 for entry in os.listdir(state)
                 if entry.startswith("state")}, {user},
                name + ": its files are the user's")


def is_gone(process):
    try:
        return facts(process)["State"].startswith("Z")
    except OSError:
        return True


def has_landlock(folder):
    """By what a runner says of itself."""
    made = Pipeline(folder, "probe", "connector = discard")
    made.until_caught_up()
    return any("landlock" in record["detail"] for record in made.records())


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        os.chmod(folder, 0o711)
        check_paths(tests, folder)
        if os.geteuid() == 0:
            check_user(tests, folder, "given", USER, GROUP)
            check_user(tests, folder, "kept", 0, 0)
        else:
            tests.skip("privileges are dropped", "needs root")
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
