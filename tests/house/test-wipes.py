# SPDX-License-Identifier: Apache-2.0
"""What is to be wiped is wiped: the compiler has dropped no such call, and no
library is let past the program's own allocator."""

import os
import re

from house import BUILD, Tap, code, run, sources

READELF = os.environ["READELF"]
CALL = re.compile(r"\b(?:explicit_bzero|OPENSSL_cleanse)\s*\(")
# With fortified functions it is __explicit_bzero_chk.
CALLED = re.compile(r"\b(?:_*explicit_bzero(?:_chk)?|OPENSSL_cleanse)\b")


def objects():
    """{path of a source without its suffix: its object files}; libtool and
    automake put a prefix before the name."""
    found = {}
    for path in BUILD.rglob("*.o"):
        folder = path.parent
        if folder.name == ".libs":
            folder = folder.parent
        stem = path.stem.rpartition("-")[2]
        key = (folder.relative_to(BUILD) / stem).as_posix()
        found.setdefault(key, []).append(path)
    return found


def dropped(path, wanted, compiled):
    """The objects of a source that have fewer calls than it."""
    problems = []
    for made in compiled:
        if ".gnu.lto" in run(READELF, "-SW", made).stdout:
            continue
        relocations = run(READELF, "-rW", made).stdout
        count = len(CALLED.findall(relocations))
        if count < wanted:
            problems.append(f"{path}: {wanted} calls, in {made} {count}")
    return problems


def calls_dropped():
    compiled = objects()
    problems, seen = [], 0
    for path in sources("core", "plugins"):
        wanted = len(CALL.findall(code(path)))
        made = compiled.get(path.with_suffix("").as_posix(), [])
        if wanted and made:
            seen += 1
            problems += dropped(path, wanted, made)
    return problems, seen


def goes_past_the_program():
    return [path for path in sources("core", "plugins")
            if "RTLD_DEEPBIND" in code(path)]


tap = Tap()
if READELF == "no":
    tap.skip("no wipe was optimised away", "readelf is missing")
else:
    missing, count = calls_dropped()
    tap.none(missing, "no wipe was optimised away")
    tap.result(count > 5, f"{count} objects were looked at")
tap.none(goes_past_the_program(), "no library is opened with RTLD_DEEPBIND")
tap.end()
