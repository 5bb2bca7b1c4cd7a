# SPDX-License-Identifier: Apache-2.0
"""Secrets and rows to be searched for, and the places to search."""

import base64
import contextlib
import os
import pathlib
import stat

from . import process

ROW = f"canary-row-{os.urandom(6).hex()}"
KEY = f"canary-key-{os.urandom(6).hex()}"
NUMBER = "739184625017"


def forms(secret):
    """A text as it is, and as it may stand in a header or in a dump."""
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    for before in (b"", b"1", b"12"):       # base64 at each of three offsets
        coded = base64.b64encode(before + plain)
        yield coded[(len(before) * 8 + 5) // 6 + 1:-4]


def pem_pieces(text):
    """What a piece of a PEM text can be told by, if it is 32 letters long."""
    for line in text.splitlines():
        if not line.startswith("-"):
            yield from (line[at:at + 16] for at in range(0, len(line) - 15, 8))


def places(pipeline):
    """(name, bytes) of each text that the program has left anywhere."""
    yield "output", pipeline.outputs().encode()
    for path in pipeline.folder.rglob("*"):
        if stat.S_ISREG(path.stat().st_mode):
            yield str(path.relative_to(pipeline.folder)), path.read_bytes()
    for run in pipeline.runs:
        if run.running:
            for pid in [run.keeper, *process.descendants(run.keeper)]:
                yield from shown_by_the_kernel(pid)


def shown_by_the_kernel(pid):
    """(name, bytes) of what lists of processes show, and of the files that a
    process has open, which may have no name any more."""
    folder = pathlib.Path(f"/proc/{pid}")
    for path in [*map(folder.joinpath, ("cmdline", "environ", "comm")),
                 *folder.glob("task/*/comm"), *folder.glob("fd/*")]:
        with contextlib.suppress(OSError):      # gone or closed meanwhile
            name = os.readlink(path) if path.is_symlink() else str(path)
            # Memory is searched elsewhere.
            if not name.startswith("/memfd:") \
                    and stat.S_ISREG(path.stat().st_mode):
                yield name, path.read_bytes()


def found(world, pipeline, *more):
    """Where a canary is that must not be; rows may be in the dead letters."""
    secrets = [*world.secrets(), pipeline.key, *pipeline.secrets.values(),
               *more]
    leaks = []
    for name, text in places(pipeline):
        needles = [*secrets]
        if not name.endswith("/dead_letters.jsonl"):
            needles += [ROW, NUMBER]
        leaks += [f"{needle} in {name}" for needle in needles
                  for form in forms(needle) if form in text]
    return leaks
