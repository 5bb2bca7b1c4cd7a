# SPDX-License-Identifier: Apache-2.0
"""What a connector may not do is refused, and the pipeline says so. The
attempts stand in hostile.c. Prints TAP."""

import json
import os
import platform
import shutil
import sys
import tempfile

from tap import BUILD, EZCDC, Tests, run

INI = """[pipeline]
name = p
state_dir = %(folder)s/state
connector_dir = %(folder)s
%(more)s
[source]
connector = counter
[sink]
connector = hostile
key_file = %(key)s
link_file = %(link)s
ini_file = %(ini)s
audit_log = %(log)s
other_state = %(other)s
home_file = %(home)s
"""

# The system calls behind the attempts that a program has to name.
CALLS = {"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open",
         "kill", "clone", "execve", "execveat", "prctl", "prlimit64", "mmap",
         "mprotect", "ioctl", "socket", "listen", "mount", "unshare", "chroot",
         "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "keyctl",
         "setuid", "chmod", "fcntl", "fchmod", "fchown", "umask", "tgkill",
         "getsockopt", "setsockopt"}

# The files, and the calls by which they are asked for. Other files that a
# runner cannot open are refused without a word.
OLD_OPEN = {"x86_64": "open"}.get(platform.machine(), "openat")
FILES = {
    "key": {OLD_OPEN, "openat", "creat", "rename", "link", "unlink"},
    "p.ini": {"openat"},
    "audit.jsonl": {"openat", "link"},
    "other/state.db": {"openat"},
    "mem": {OLD_OPEN, "openat"},
    "environ": {"openat"},
    "fd": {"openat"},
}
if platform.machine() != "x86_64":  # which has no calls but those for folders
    ANEW = {"creat": "openat", "rename": "renameat", "link": "linkat",
            "unlink": "unlinkat"}
    FILES = {file: {ANEW.get(call, call) for call in calls}
             for file, calls in FILES.items()}


class Pipeline:
    """A configuration in a folder of its own."""

    def __init__(self, folder, name, more="", log="state/p/audit.jsonl"):
        self.folder = os.path.join(folder, name)
        self.log = os.path.join(self.folder, log)
        self.under = []
        os.mkdir(self.folder)
        for connector in ("counter", "hostile"):
            shutil.copy(os.path.join(BUILD, "tests", "connectors", ".libs",
                                     connector + ".so"), self.folder)
            os.chmod(os.path.join(self.folder, connector + ".so"), 0o755)
        home = os.path.join(folder, "home")
        os.makedirs(home, exist_ok=True)
        self.key = os.path.join(self.folder, "key")
        secret = os.path.join(home, ".pgpass")
        for path in (self.key, secret):
            with open(path, "w", encoding="ascii") as file:
                file.write(os.environ["CONFIG_ENCRYPTION_KEY"])
            os.chmod(path, 0o600)
        link = os.path.join(self.folder, "link")
        os.symlink("key", link)
        other = os.path.join(self.folder, "state", "other", "state.db")
        os.makedirs(os.path.dirname(other))
        with open(other, "w", encoding="ascii"):
            pass
        self.ini = os.path.join(self.folder, "p.ini")
        with open(self.ini, "w", encoding="ascii") as file:
            file.write(INI % {"folder": self.folder, "more": more,
                              "key": self.key[1:], "home": secret[1:],
                              "link": link[1:], "ini": self.ini[1:],
                              "log": self.log[1:], "other": other[1:]})

    def __call__(self, *words):
        environment = {name: value for name, value in os.environ.items()
                       if name != "CONFIG_ENCRYPTION_KEY"}
        environment["CONFIG_ENCRYPTION_KEY_FILE"] = self.key
        return run([*self.under, EZCDC, *words, self.ini], timeout=120,
                   env=environment)

    def audited(self, action):
        with open(self.log, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        return [record for record in records if record["action"] == action]


def check_attempts(tests, pipeline):
    """Each attempt is a line of "ezcdc check"."""
    done = pipeline("check")
    lines = [line for line in done.stdout.splitlines()
             if line[5:].startswith("sink:")]
    tests.result(len(lines) == 77, "all is tried", done.stdout + done.stderr)
    for line in lines:
        tests.result(line.startswith("ok "), "refused: " + line[11:])
    return done


def check_told(tests, done, pipeline):
    """By the keeper, in the log and in the audit trail."""
    for call in sorted(CALLS):
        tests.equal(done.stderr.count("tried the system call %s (" % call), 1,
                    "the log names it once: " + call)
    refused = pipeline.audited("runner.call_refused")
    details = [record["detail"] for record in refused]
    tests.equal(sorted(detail["call"] for detail in details
                       if "file" not in detail),
                sorted(CALLS), "so does the audit log")
    tests.equal({record["outcome"] for record in refused}, {"denied"},
                "as denied")
    return [detail for detail in details if "file" in detail]


def expected_files(pipeline, keeper):
    """Which files are named, how, and by which calls."""
    places = {"key": (pipeline.key, "an encryption key"),
              "p.ini": (pipeline.ini, "the configuration"),
              "audit.jsonl": (pipeline.log, "the audit log"),
              "other/state.db": (os.path.join(pipeline.folder, "state",
                                              "other", "state.db"),
                                 "of another pipeline")}
    for name in ("mem", "environ", "fd"):
        places[name] = ("/proc/%d/%s" % (keeper, name), "another process")
    return sorted((*places[name], call) for name, calls in FILES.items()
                  for call in calls)


def check_files_told(tests, done, pipeline, details):
    """Every name of a guarded file, once, and of no other file."""
    keeper = pipeline.audited("runner.started")[0]["detail"]["process"]
    files = expected_files(pipeline, keeper)
    tests.equal(sorted((detail["file"], detail["what"], detail["call"])
                       for detail in details), files,
                "the audit log names the files that were tried, and by what")
    for path, what, call in files:
        line = "tried the system call %s on %s (%s)" % (call, path, what)
        tests.equal(done.stderr.count(line), 1, "the log names once: " + line)
    tests.equal(len([line for line in done.stderr.splitlines()
                     if "which it may not touch" in line]), len(files),
                "and no other")


def check_landlock_alone(tests, folder):
    """Where nobody looks at the names, because there is a watched filter
    already, the same files are refused: nothing rests on the names."""
    pipeline = Pipeline(folder, "unseen",
                        "audit_log = %s/unseen/log/audit.jsonl\n" % folder,
                        log="log/audit.jsonl")
    pipeline.under = [os.path.join(BUILD, "tests", "connectors",
                                   "under_filter"), "watch"]
    check_attempts(tests, pipeline)
    tests.equal(pipeline.audited("runner.call_refused"), [],
                "unseen: nothing is told")
    tests.equal([record["detail"]["system_calls"] for record
                 in pipeline.audited("runner.confined")], ["filtered"],
                "unseen: because there is no listener")


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

        confined = Pipeline(folder, "confined")
        done = check_attempts(tests, confined)
        details = check_told(tests, done, confined)
        check_files_told(tests, done, confined, details)
        tests.succeeds(done, "a check goes on to its end")
        tests.succeeds(confined("run", "--until-caught-up"),
                       "and a run does its work")
        tests.equal({record["detail"]["system_calls"] for record
                     in confined.audited("runner.confined")},
                    {"filtered, watched, with files"}, "names are seen")
        tests.equal(len(confined.audited("runner.confined")), 2,
                    "that it was confined is audited")
        tests.equal(confined.audited("runner.unconfined"), [], "each time")

        done = run([EZCDC, "connectors", "--connector-dir", confined.folder,
                    "hostile"])
        tests.succeeds(done, "a command that describes it")
        for attempt in ("make a process", "open the environment"):
            tests.result("to %s" % attempt in done.stdout, "tells of attempts")
        tests.equal(done.stdout.count("refused"), 2, "which are refused")
        if os.geteuid() == 0:
            os.chmod(folder, 0o711)
            done = run(["setpriv", "--reuid=64123", "--regid=64123",
                        "--clear-groups", EZCDC, "connectors",
                        "--connector-dir", confined.folder, "hostile"])
            tests.equal((done.returncode, done.stdout.count("refused")),
                        (0, 2), "also for another user")
        done = run([EZCDC, "connectors", "--json", "--allow-path",
                    os.path.join(confined.folder, "hostile.so")])
        tests.succeeds(done, "also elsewhere")
        tests.equal(done.stdout.count("refused"), 2, "they are refused")

        check_landlock_alone(tests, folder)

        free = Pipeline(folder, "free", "confine = no")
        done = free("check")
        for attempt in ("make a process while it is loaded", "make a process",
                        "start a shell", "write and run code",
                        "open the key file", "open a file of a home",
                        "list the root folder"):
            tests.result("fail sink: %s: it worked" % attempt in done.stdout,
                         "works with confine = no: " + attempt,
                         done.stdout + done.stderr)
        tests.result("confine = no" in done.stderr, "which is a warning")
        tests.equal([record["outcome"] for record
                     in free.audited("runner.unconfined")], ["failure"],
                    "and audited")
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
