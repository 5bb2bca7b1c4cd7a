# SPDX-License-Identifier: Apache-2.0
"""A connector that breaks a rule of the ABI is told which: the run ends with
that reason, and nothing crashes or is lost in silence. The rules are broken in
careless.c. Prints TAP."""

import os
import shutil
import sys
import tempfile

from pipeline import connector
from tap import EZCDC, Tests, run

INI = """[pipeline]
name = p
state_dir = %(folder)s/state
connector_dir = %(folder)s
on_bad_row = dead_letter
[source]
connector = careless
fault = %(source)s
[sink]
%(sink)s
"""

# Fault of the sink: what the message says.
SINK = {
    "refuse_truncate": "it empties a table",
    "announce": "announce load load: a log has no table",
}


def run_once(folder, name, source="none", sink="connector = careless"):
    folder = os.path.join(folder, name)
    os.mkdir(folder)
    for names in (("careless",), ("discard",)):
        copy = shutil.copy(connector("tests", "connectors", *names), folder)
        os.chmod(copy, 0o755)
    ini = os.path.join(folder, "p.ini")
    with open(ini, "w", encoding="ascii") as file:
        file.write(INI % {"folder": folder, "source": source, "sink": sink})
    return run([EZCDC, "run", "--until-caught-up", ini], timeout=60)


def check(tests, done, name, reason):
    told = done.stderr
    tests.result(done.returncode == 1 and reason in told
                 and "started again" not in told,
                 "%s: %s" % (name, reason), told)


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        tests.succeeds(run_once(folder, "log"), "no fault, to a log")
        tests.succeeds(run_once(folder, "keyed", sink="connector = discard"),
                       "no fault, to a sink of keys")
        for fault, reason in SINK.items():
            done = run_once(folder, fault,
                            sink="connector = careless\nfault = " + fault)
            check(tests, done, fault, reason)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
