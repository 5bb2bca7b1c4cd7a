# SPDX-License-Identifier: Apache-2.0
"""Somebody of the same user has as many descriptors on their way between
processes as the kernel lets a user have: no pipeline of his can hand over
files. They say so, wait, and go on when there is room. Prints TAP."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading

from pipeline import Pipeline, check_lines, connector
from tap import EZCDC, Tests, run

USER = 64123
# The limit is the one on open files of who sends.
HELD, LIMIT = 600, 256

HOLD = """
import array, os, socket, sys
pairs = []
for i in range(%d // 100):
    pairs.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
    pairs[-1][0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                   array.array("i", [0] * 100))])
os.write(1, b"held")
sys.stdin.read()
""" % HELD

WORDS = "too many files of this user are on their way between processes"


def as_user(*words):
    """Root has no such limit."""
    if os.geteuid() != 0:
        return list(words)
    return ["setpriv", "--reuid=%d" % USER, "--regid=%d" % USER,
            "--clear-groups", *words]


class Holder:
    """Holds descriptors in flight until it is let go."""

    def __enter__(self):
        self.process = subprocess.Popen(
            as_user(sys.executable, "-c", HOLD), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        assert self.process.stdout.read(4) == b"held"
        return self

    def let_go(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.let_go()
        self.process.stdout.close()


class Program:
    """ezcdc, whose messages are read while it runs."""

    def __init__(self, limit, *words):
        self.process = subprocess.Popen(
            as_user("prlimit", "--nofile=%d:%d" % (limit, limit), EZCDC,
                    *words),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.lines = []
        # A message that does not come is no reason to wait for ever.
        self.alarm = threading.Timer(120, self.process.kill)
        self.alarm.start()

    def read_until(self, part):
        """Whether a line with that came before the end."""
        for line in self.process.stderr:
            self.lines.append(line)
            if part in line:
                return True
        return False

    def end(self):
        self.lines.extend(self.process.stderr)
        self.process.stderr.close()
        self.alarm.cancel()
        return self.process.wait(timeout=60)

    @property
    def text(self):
        return "".join(self.lines)


def give_away(made):
    if os.geteuid() == 0:
        run(["chown", "-R", "%d:%d" % (USER, USER), made.folder])


def make(folder, name):
    made = Pipeline(folder, name, "connector = file\npath = LINES")
    give_away(made)
    return made


def check_waiting(tests, folder):
    made = make(folder, "waits")
    with Holder() as holder:
        program = Program(LIMIT, "run", "--until-caught-up", made.ini)
        tests.result(program.read_until(WORDS), "a run says why it waits",
                     program.text)
        holder.let_go()
        tests.equal(program.end(), 0, "and goes on")
    check_lines(tests, made.lines(), "waits")
    record, = (record for record in made.records()
               if record["action"] == "runner.confined")
    tests.equal(record["detail"]["system_calls"],
                "filtered, watched, with files", "as if nothing had been")


def check_giving_up(tests, folder):
    made = make(folder, "gives_up")
    with Holder() as holder:
        program = Program(LIMIT, "check", made.ini)
        tests.equal(program.end(), 1, "a check gives up")
        tests.result("confine the runner: ask the keeper: " + WORDS
                     in program.text and "gone" not in program.text,
                     "and says why", program.text)
        tests.result("config.rejected" not in made.audited(),
                     "the configuration is not to blame")
        program = Program(LIMIT, "run", "--until-caught-up", made.ini)
        tests.result(program.read_until("it is started again"),
                     "a run tries it anew", program.text)
        holder.let_go()
        tests.equal(program.end(), 0, "until there is room")
    check_lines(tests, made.lines(), "gives_up")


def check_secrets(tests, folder):
    """A value that cannot be handed over is asked for again."""
    made = Pipeline(folder, "secret", "connector = discard")
    copy = shutil.copy(connector("plugins", "postgres", "postgres"),
                       made.folder)
    os.chmod(copy, 0o755)
    with open(made.ini, "w", encoding="ascii") as file:
        file.write("[pipeline]\nname = secret\nstate_dir = %s/state\n"
                   "connector_dir = %s\n[source]\nconnector = postgres\n"
                   "host = 127.0.0.1\nport = 1\nuser = u\ndatabase = d\n"
                   "tables = public.*\nssl_mode = disable\n"
                   "password = a-word-to-seal\n[sink]\nconnector = discard\n"
                   % (made.folder, made.folder))
    tests.succeeds(run([EZCDC, "seal", made.ini]), "a configuration is sealed")
    give_away(made)
    with Holder() as holder:
        program = Program(2 * HELD, "run", made.ini)
        tests.result(program.read_until("Connection refused"),
                     "with other limits there is room", program.text)
        tests.succeeds(run(as_user("prlimit", "--nofile=%d:" % LIMIT,
                                   "--pid=%d" % program.process.pid)),
                       "the keeper's limit is lowered")
        tests.result(program.read_until("hand over source.password: " + WORDS),
                     "the keeper says what it cannot do", program.text)
        holder.let_go()
        tests.result(program.read_until("Connection refused"),
                     "and does it later", program.text)
        program.process.terminate()
        tests.equal(program.end(), 0, "the run ends in order")
    tests.equal(made.audited().count("runner.started"), 1, "with one runner")


def main():
    if os.environ["CALL_FILTER"] != "yes":
        print("1..0 # SKIP built without libseccomp, or with a sanitizer")
        return 0
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        os.chmod(folder, 0o711)
        check_waiting(tests, folder)
        check_giving_up(tests, folder)
        check_secrets(tests, folder)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
