# SPDX-License-Identifier: Apache-2.0
"""What lies in a pipeline's folder is its owner's choice: whoever asks for the
pipeline's status, perhaps root, does nothing for him. Prints TAP."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile

from pipeline import Pipeline
from tap import EZCDC, Tests, run

OWNER = 64123
PAGE = 4096
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")

# Ends without closing what it has opened, as a process that is killed.
KILLED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.executescript(sys.argv[2])
os._exit(0)
"""


def number(value):
    return value.to_bytes(4, "big")


def journal_of_several(pages, name):
    """A journal that was not taken back, and belongs to a change of several
    databases that the journal of that name keeps together."""
    head = JOURNAL_MAGIC + number(0) + number(1) + number(pages)
    head += number(512) + number(PAGE)
    check = sum(byte if byte < 128 else byte - 256 for byte in name)
    return (head.ljust(512, b"\0") + number(0x40000000 // PAGE + 1) + name
            + number(len(name)) + number(check & 0xffffffff) + JOURNAL_MAGIC)


class Folder:
    """The folder of a pipeline that has run."""

    def __init__(self, parent, name):
        self.pipeline = Pipeline(parent, name, "connector = discard")
        self.done = self.pipeline.until_caught_up()
        self.path = os.path.join(self.pipeline.folder, "state", name)
        self.database = os.path.join(self.path, "state.db")

    def change(self, script):
        with sqlite3.connect(self.database, isolation_level=None) as database:
            database.executescript(script)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def killed(self, script):
        subprocess.run([sys.executable, "-c", KILLED, self.database, script],
                       check=True)

    def status(self, *words):
        return run([EZCDC, "status", *words, self.pipeline.ini], timeout=60)

    def named(self, word):
        return [name for name in os.listdir(self.path) if word in name]


def refuses(tests, done, word, name):
    tests.result(done.returncode == 1 and word in done.stderr, name,
                 "exit %d\n%s%s" % (done.returncode, done.stdout, done.stderr))


def test_journals(tests, parent):
    folder = Folder(parent, "journals")
    tests.succeeds(folder.done, "a run")
    tests.succeeds(folder.status(), "its status")

    folder.killed("UPDATE status SET reason = 'from the log'")
    tests.result(folder.named("-wal") != [], "a run was killed")
    for left in ("with", "without"):
        done = folder.status("--json")
        tests.equal(json.loads(done.stdout)["reason"], "from the log",
                    "its last words are read, %s an index" % left)
        for name in folder.named("-shm"):
            os.remove(os.path.join(folder.path, name))
    done = folder.pipeline.until_caught_up()
    tests.succeeds(done, "the next run goes on")

    folder.killed("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN;"
                  "CREATE TABLE more (text); INSERT INTO more WITH RECURSIVE"
                  " number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number"
                  " WHERE n < 1000) SELECT hex (zeroblob (200)) FROM number;")
    tests.result(folder.named("-journal") != [],
                 "it was killed in the middle of a change")
    refuses(tests, folder.status(), "the next run takes it back",
            "which is told")
    tests.result(folder.named("-journal") != [], "and left alone")
    done = folder.pipeline.until_caught_up()
    tests.succeeds(done, "the next run takes it back")
    tests.succeeds(folder.status(), "then there is a status again")

    victim = os.path.join(parent, "victim")
    with open(victim, "wb") as file:
        file.write(b"precious")
    folder.change("PRAGMA journal_mode = DELETE")
    pages = os.path.getsize(folder.database) // PAGE
    with open(folder.database + "-journal", "wb") as journal:
        journal.write(journal_of_several(pages, victim.encode()))
    folder.status()
    tests.result(os.path.exists(victim),
                 "a planted journal cannot have a file removed")


def test_owner(tests, parent):
    """Root asks; what the owner may not read, he is not shown."""
    if os.geteuid() != 0:
        tests.skip("root becomes the owner", "this is not root")
        return
    folder = Folder(parent, "owner")
    tests.succeeds(folder.done, "a run of root")
    for name in os.listdir(folder.path):
        os.chown(os.path.join(folder.path, name), OWNER, OWNER)
    os.chown(folder.path, OWNER, OWNER)
    os.chmod(os.path.dirname(folder.path), 0o711)
    tests.succeeds(folder.status(), "root sees the status of a user's pipeline")
    os.chown(folder.database, 0, 0)
    refuses(tests, folder.status(), "unable to open database file",
            "but as that user, not as root")


def test_contents(tests, parent):
    folder = Folder(parent, "contents")
    tests.succeeds(folder.done, "one more run")
    folder.change("ALTER TABLE status RENAME TO kept")
    folder.change("CREATE VIEW status AS WITH RECURSIVE number (n) AS (SELECT 1"
                  " UNION ALL SELECT n + 1 FROM number) SELECT n AS state,"
                  " n AS phase, n AS reason, n AS position, n AS confirmed,"
                  " n AS lag_bytes, n AS lag_seconds, n AS updated,"
                  " n AS started, n AS pid, n AS counters, n AS connections"
                  " FROM number WHERE n < 0")
    refuses(tests, folder.status(), "prepare a statement",
            "a view that goes on for ever is not asked")
    work = "||".join(["instr (zeroblob (60000), zeroblob (lag_bytes)"
                      " || x''01'')"] * 200)
    folder.change("DROP VIEW status; CREATE TABLE status (state AS (0), phase,"
                  " reason, position, confirmed, lag_bytes, lag_seconds,"
                  " updated, started, pid, counters, connections);"
                  "INSERT INTO status (lag_bytes) WITH RECURSIVE number (n) AS"
                  " (SELECT 30000 UNION ALL SELECT n + 1 FROM number"
                  " WHERE n < 30100) SELECT n FROM number;"
                  "PRAGMA writable_schema = 1; UPDATE sqlite_schema"
                  " SET sql = replace (sql, '(0)', '(%s)')"
                  " WHERE name = 'status'" % work)
    refuses(tests, folder.status(), "10 s of the processor's time",
            "a computed column does not hold it up")
    folder.change("DROP TABLE status; ALTER TABLE kept RENAME TO status")
    tests.succeeds(folder.status("--json"), "as it was")
    folder.change("UPDATE status SET counters = '{\"x\":\"\\u001b[31m\x7f\"}'")
    done = folder.status("--json")
    tests.result("\\u001B[31m\\u007f" in done.stdout
                 and json.loads(done.stdout)["counters"] == {"x": "\x1b[31m\x7f"},
                 "what is stored as JSON does not speak to a terminal",
                 done.stdout + done.stderr)
    for forged in ('{"x":"\x1b[31m"}', '{}, "state":"running"', '{},\n{}',
                   '[]', ''):
        folder.change("UPDATE status SET counters = '%s'" % forged)
        refuses(tests, folder.status("--json"), "show the counters: what state.db",
                "counters are an object, not %s" % ascii(forged))
    folder.change("UPDATE status SET counters = '{}', connections = '{}'")
    refuses(tests, folder.status("--json"), "show the connections: what state.db",
            "connections are an array")
    folder.change("UPDATE status SET reason = hex (zeroblob (40000))")
    refuses(tests, folder.status(), "string or blob too big",
            "nor does a long text fill the memory")
    os.rename(folder.database, folder.database + ".kept")
    os.mkfifo(folder.database)
    refuses(tests, folder.status(), "state.db: ",
            "a named pipe is not waited for")


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as parent:
        # Others must get through to what is theirs.
        os.chmod(parent, 0o711)
        parent = os.path.realpath(parent)
        test_journals(tests, parent)
        test_owner(tests, parent)
        test_contents(tests, parent)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
