# SPDX-License-Identifier: Apache-2.0
"""A connector exports one symbol and stands on its own libraries; the program
exports nothing and carries no connector's library."""

import re

from house import SANITIZED, Tap, connectors, installed_objects, needed, run

LIBRARIES = {
    "postgres": ["libpq", "libssl", "libcrypto"],
    "starrocks": ["libmariadb", "libssl", "libcrypto", "libjansson", "libzstd", "liblz4"],
    "file": [],
}
# Parts of the C library, which may be separate.
LIBC = ["libc", "libm", "libpthread", "libdl", "ld-linux-x86-64", "libgcc_s"]
# What the program may define for others: the allocator, which wipes
# (core/base/wiping_free.c).
ALLOCATOR = {"malloc", "calloc", "free", "realloc"}


def dynamic_symbols(path, *options):
    text = run("nm", "-D", *options, path).stdout
    return {line.split()[-1].split("@")[0] for line in text.splitlines()}


def base_name(library):
    return re.sub(r"\.so.*", "", library)


tap = Tap()
for path in connectors():
    exported = dynamic_symbols(path, "--defined-only")
    tap.none(
        sorted(exported ^ {"ezcdc_connector_v1"}),
        f"{path.stem} exports its entry point and nothing else",
    )
    what = f"{path.stem} stands on its own libraries"
    if SANITIZED:
        tap.skip(what, "the sanitizers bring theirs")
        continue
    allowed = LIBRARIES.get(path.stem, []) + LIBC
    tap.none(
        [name for name in needed(path) if base_name(name) not in allowed], what
    )

program = installed_objects()[0]
if SANITIZED:
    tap.skip("the program exports nothing", "the sanitizers export theirs")
else:
    # What is not a function or a variable of ours: copies of library data.
    text = run("nm", "-D", "--defined-only", program).stdout
    exported = {
        line.split()[-1].split("@")[0]
        for line in text.splitlines()
        if "@" not in line.split()[-1]
    }
    tap.none(
        sorted(exported - ALLOCATOR), "the program exports nothing of ours"
    )
foreign = {"libpq", "libmariadb", "libgnutls"}
tap.none(
    sorted(foreign & {base_name(name) for name in needed(program)}),
    "the program carries no connector's library",
)
tap.end()
