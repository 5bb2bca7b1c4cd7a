# SPDX-License-Identifier: Apache-2.0
"""The public header is clean by itself, in each language that may use it and
with each compiler that is there."""

import os
import shutil
import tempfile

from house import SOURCE, Tap, run

USE = """#include <ezcdc/connector.h>
const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *host)
{
  static const struct ezcdc_connector *const none = NULL;
  return EZCDC_HOST_HAS (host, fail) ? none : NULL;
}
"""
FLAGS = "-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -fsyntax-only".split()
C_ONLY = "-Wstrict-prototypes -Wmissing-prototypes".split()
# Before C99 there are no 64-bit constants.
LANGUAGES = [
    ("c", "-std=c90", C_ONLY + ["-Wno-long-long"]),
    ("c", "-std=c99", C_ONLY),
    ("c", "-std=c11", C_ONLY),
    ("c++", "-std=c++11", []),
    ("c++", "-std=c++17", []),
]


def compilers():
    """(C compiler, C++ compiler), NULL where there is none."""
    for c, cxx in [("gcc", "g++"), ("clang", "clang++")]:
        yield shutil.which(c), shutil.which(cxx)


tap = Tap()
with tempfile.TemporaryDirectory() as folder:
    source = os.path.join(folder, "use.c")
    with open(source, "w", encoding="ascii") as file:
        file.write(USE)
    for (language, standard, flags), (name, pair) in [
        (language, compiler)
        for language in LANGUAGES
        for compiler in zip(("gcc", "clang"), compilers())
    ]:
        compiler = pair[0] if language == "c" else pair[1]
        what = f"clean with {name} {standard}"
        if compiler is None:
            tap.skip(what, "this compiler is not there")
            continue
        done = run(
            compiler, "-x", language, standard, *FLAGS, *flags,
            f"-I{SOURCE / 'include'}", source,
        )
        tap.result(done.returncode == 0, what, done.stdout.splitlines())

    # No padding: what a member's place is does not depend on luck.
    clang = shutil.which("clang")
    if clang is None:
        tap.skip("no padding in the public structures", "clang is not there")
    else:
        done = run(
            clang, "-std=c11", "-Wpadded", "-Werror", "-fsyntax-only",
            f"-I{SOURCE / 'include'}", source,
        )
        tap.result(
            done.returncode == 0,
            "no padding in the public structures",
            done.stdout.splitlines(),
        )
tap.end()
