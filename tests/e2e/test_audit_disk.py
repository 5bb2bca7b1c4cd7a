# SPDX-License-Identifier: Apache-2.0
"""An audit log that cannot be written: what has to be audited does not
happen, what streams goes on, and nothing half written remains."""

import resource
import signal
import subprocess

import pytest

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")


class Limit:
    """No file of the keeper may grow: a write is cut short, as by a full disk."""

    def __init__(self, folder):
        self.log = folder / "audit.jsonl"
        self.keeper = None

    def fill(self, keeper):
        self.keeper = keeper
        self._former = resource.prlimit(
            keeper, resource.RLIMIT_FSIZE,
            (self.log.stat().st_size + 100, resource.RLIM_INFINITY))

    def free(self):
        resource.prlimit(self.keeper, resource.RLIMIT_FSIZE, self._former)

    def files(self):
        return [self.log]

    def remove(self):
        pass


class FullDisk:
    """A file system of its own, filled by somebody else."""

    def __init__(self, folder):
        self.folder = folder / "disk"
        self.folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k",
                               "none", self.folder], check=False,
                              stderr=subprocess.PIPE)
        if done.returncode != 0:
            self.folder.rmdir()
            pytest.skip("a file system cannot be mounted here")
        self.log = self.folder / "audit.jsonl"
        self.ballast = self.folder / "ballast"

    def fill(self, _keeper):
        with open(self.ballast, "wb", buffering=0) as ballast, \
                pytest.raises(OSError, match="No space left"):
            while True:
                ballast.write(bytes(4096))

    def free(self):
        self.ballast.unlink()

    def files(self):
        return [self.log]

    def remove(self):
        subprocess.run(["umount", self.folder], check=True)


class Unwritable:
    """The log was moved away, and no new one can be begun in its place."""

    def __init__(self, folder):
        self.log = folder / "audit.jsonl"
        self.moved = folder / "audit.jsonl.1"

    def fill(self, _keeper):
        self.log.rename(self.moved)
        self.log.mkdir()

    def free(self):
        self.log.rmdir()

    def files(self):
        return [path for path in (self.moved, self.log) if path.is_file()]

    def remove(self):
        pass


@pytest.fixture(params=[Limit, FullDisk, Unwritable])
def disk(request, world):
    world.folder.mkdir(exist_ok=True)
    made = request.param(world.folder)
    yield made
    for pipeline in world.pipelines:
        pipeline.stop_all()
    made.remove()


def whole_lines(disk):
    """The bytes of all files of the log, which end with whole records."""
    content = b"".join(path.read_bytes() for path in disk.files())
    assert content.endswith(b'"}\n'), content[-200:]
    return content


def test_an_act_without_a_record_does_not_happen(world, disk):
    world.sql(ITEMS)
    pipeline = world.pipeline(pipeline={"audit_log": disk.log})
    run = pipeline.start()
    run.wait_streaming()
    world.wait_same(run, "items")
    assert pipeline.status()["audit"] is None
    disk.fill(run.keeper)
    before = whole_lines(disk)

    def refused():
        """A page of the file may have had room."""
        run.process.send_signal(signal.SIGHUP)
        return "audit log" in run.text

    run.wait_until(refused, "a record was refused")
    # Nothing but whole records stands there, and the stream goes on.
    held = whole_lines(disk)
    assert held.startswith(before)
    walsender = world.postgres.walsender(pipeline.slot)
    assert walsender
    trouble = pipeline.status()["audit"]
    assert trouble["refused"] >= 1 and trouble["since"].endswith("Z")
    assert "audit log" in trouble["reason"] and str(disk.log) in trouble["reason"]
    told = pipeline("status", pipeline.ini).stdout
    assert f"cannot be written since {trouble['since']}" in told
    world.sql("INSERT INTO items VALUES (100, 'while it is full')")
    world.wait_same(run, "items")
    assert world.postgres.walsender(pipeline.slot) == walsender

    # A new connection needs its password, and gets none.
    told = run.text.count("source.password")
    world.postgres.terminate(walsender)
    world.sql("INSERT INTO items VALUES (101, 'while nobody reads')")
    run.wait_until(lambda: run.text.count("source.password") > told,
                   "the connection is refused")
    assert world.postgres.walsender(pipeline.slot) is None
    assert whole_lines(disk) == held

    # Nor does a command do what it cannot record.
    sealed = pipeline.ini.read_bytes()
    if not isinstance(disk, Limit):     # that one is the keeper's
        done = pipeline("seal", pipeline.ini, "--set", "source.password",
                        input="another")
        assert done.code != 0 and "audit log" in done.stderr, done
    assert pipeline.ini.read_bytes() == sealed
    assert whole_lines(disk) == held

    later = pipeline.status()["audit"]
    assert later["since"] == trouble["since"]
    assert later["refused"] > trouble["refused"]

    disk.free()
    world.wait_same(run, "items")
    assert pipeline.status()["audit"] is None
    assert run.terminate() == 0, run.describe()
    content = whole_lines(disk)
    assert content.startswith(held) and len(content) > len(held)
    assert content.count(b'"key.reloaded"') \
        == run.text.count("keys and configuration were read anew")
    done = pipeline("audit", "verify", *disk.files())
    assert done.code == 0, done
    names = {path.name for path in disk.log.parent.iterdir()
             if path.name.startswith("audit.jsonl")}
    expected = {path.name for path in disk.files()} \
        | {"audit.jsonl.checkpoint", "audit.jsonl.lock"}
    assert names == expected
