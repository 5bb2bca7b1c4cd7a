# SPDX-License-Identifier: Apache-2.0
"""Each installed object is hardened: position independent, relocations
read-only, bound at start, no executable stack, stack protector, fortified
functions, marks for control-flow enforcement."""

import os
import platform
import re

from house import (
    BUILD,
    SANITIZED,
    Tap,
    connectors,
    installed_objects,
    run,
    skip_all,
)

if SANITIZED:
    skip_all("built with sanitizers, which take the place of hardening")
READELF = os.environ["READELF"]
if READELF == "no":
    skip_all("readelf is missing")
FORTIFIED = "FORTIFY" in os.environ.get("FORTIFY", "")


def readelf(option, path):
    return run(READELF, "-W", option, path).stdout


def stack_line(headers):
    return next(
        (line for line in headers.splitlines() if "GNU_STACK" in line), ""
    )


tap = Tap()
for path in installed_objects():
    name = path.name
    headers = readelf("-l", path)
    dynamic = readelf("-d", path)
    tap.result("DYN" in readelf("-h", path), f"{name}: position independent")
    tap.result("GNU_RELRO" in headers, f"{name}: relocations read-only")
    tap.result("NOW" in dynamic, f"{name}: bound at start")
    tap.result("TEXTREL" not in dynamic, f"{name}: no text relocations")
    tap.result(
        "RPATH" not in dynamic and "RUNPATH" not in dynamic,
        f"{name}: no search path of its own",
    )
    stack = stack_line(headers)
    tap.result(
        stack and "RWE" not in stack, f"{name}: no executable stack", [stack]
    )

# The linker drops the marks of a whole object where the C library's start
# files have none (Debian 12), so look at what the compiler made.
if platform.machine() == "x86_64":
    compiled = [BUILD / "core" / "cli" / "ezcdc-main.o"]
    for path in connectors():
        compiled += path.parent.glob("*.o")
    unmarked = [
        str(path)
        for path in compiled
        if not {"IBT", "SHSTK"} <= set(re.findall(r"\w+", readelf("-n", path)))
    ]
    tap.none(unmarked, "control-flow marks in each compiled file")

# Small connectors may have nothing to protect; the program has.
symbols = readelf("--dyn-syms", installed_objects()[0])
tap.result("__stack_chk_fail" in symbols, "the program has stack protectors")
if FORTIFIED:
    tap.result("_chk@" in symbols, "the program calls fortified functions")
else:
    tap.skip("fortified functions", "not optimised, or left to the user")
tap.end()
