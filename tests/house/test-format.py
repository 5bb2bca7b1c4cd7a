# SPDX-License-Identifier: Apache-2.0
"""Each C file is laid out as clang-format does it; "make format" helps. Other
versions of clang-format have other opinions, so only one counts."""

import shutil

from house import SOURCE, Tap, run, skip_all, sources

PROGRAM = shutil.which("clang-format-14")
if PROGRAM is None:
    skip_all("clang-format-14 is not there")

files = sources("core", "plugins", "include", "tests")
done = run(PROGRAM, "--dry-run", "--Werror", *files, cwd=SOURCE)
complaints = [
    line for line in done.stdout.splitlines() if "[-Wclang-format" in line
]
tap = Tap()
tap.result(len(files) > 100, "the tree is looked at", [f"{len(files)} files"])
tap.result(
    done.returncode == 0,
    "laid out as make format does it",
    complaints or done.stdout.splitlines(),
)
tap.end()
