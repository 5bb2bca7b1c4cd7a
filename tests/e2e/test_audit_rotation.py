# SPDX-License-Identifier: Apache-2.0
"""logrotate, with the configuration that is installed."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from harness.waiting import wait_for

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")
INSTALLED = pathlib.Path(__file__).parents[2] / "etc" / "ezcdc.logrotate"
WHERE = "/var/log/ezcdc/*.audit.jsonl"

# Of a machine where one pipeline is the only unit.
SYSTEMCTL = """\
#!/bin/sh
case $1 in
is-active) kill -0 {pid} 2>/dev/null ;;
reload) test "$2" = "ezcdc@{name}" && kill -HUP {pid} ;;
esac
"""


class Rotation:
    """logrotate for the logs of one pipeline."""

    def __init__(self, pipeline, program):
        self.pipeline = pipeline
        self.program = program
        self.folder = pipeline.folder
        self.config = self.folder / "logrotate.conf"
        text = INSTALLED.read_text()
        assert WHERE in text
        self.config.write_text(text.replace(
            WHERE, f"{self.folder}/*.audit.jsonl"))
        self.config.chmod(0o600)

    def moved(self):
        """The files that the log was moved to, the oldest first."""
        return sorted(self.folder.glob(f"{self.pipeline.audit_log.name}-*"))

    def __call__(self, pid):
        """Rotates once. The names have a second in them, so a second rotation
        in it does nothing."""
        systemctl = self.folder / "systemctl"
        systemctl.write_text(SYSTEMCTL.format(pid=pid,
                                              name=self.pipeline.name))
        systemctl.chmod(0o700)
        before = len(self.moved())

        def rotated():
            done = subprocess.run(
                [self.program, "--force", "--state", self.folder / "rotated",
                 self.config], check=False, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=dict(os.environ,
                         PATH=f"{self.folder}:{os.environ['PATH']}"))
            assert done.returncode == 0 or "already exists" in done.stdout, \
                done.stdout
            return len(self.moved()) > before

        wait_for(rotated, 10, "the log is moved away", every=0.2)


def test_logrotate_keeps_one_chain(world):
    program = shutil.which("logrotate",
                           path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("logrotate is not installed")
    world.sql(ITEMS)
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    rotate = Rotation(pipeline, program)
    for _ in range(2):
        rotate(run.keeper)
        run.wait_until(pipeline.audit_log.exists, "the log goes on")
        world.sql("UPDATE items SET name = name || '!'")
        world.wait_same(run, "items")
    assert run.terminate() == 0, run.describe()
    # And while nothing runs.
    rotate(run.keeper)
    assert not pipeline.audit_log.exists()
    pipeline.until_caught_up()

    files = []
    for path in rotate.moved():
        if path.suffix == ".gz":
            plain = path.with_suffix("")
            plain.write_bytes(gzip.decompress(path.read_bytes()))
            path = plain
        files.append(path)
    files.append(pipeline.audit_log)
    assert len(files) == 4 and any(
        path.suffix == ".gz" for path in rotate.moved()), rotate.moved()
    done = pipeline("audit", "verify", "--checkpoint",
                    f"{pipeline.audit_log}.checkpoint", *files)
    assert done.code == 0, done
    assert "seq 0 to " in done.stdout and "4 files" in done.stdout, done
    # The checkpoint is of the very end.
    checkpoint = json.loads(
        pathlib.Path(f"{pipeline.audit_log}.checkpoint").read_text())
    assert checkpoint["seq"] == pipeline.audit()[-1]["seq"]
    done = pipeline("audit", "verify", *files[:1], *files[2:])
    assert done.code == 3, done
