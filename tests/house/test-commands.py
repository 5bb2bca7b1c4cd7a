# SPDX-License-Identifier: Apache-2.0
"""The program's commands: help on everything, exit codes, misspelt names."""

import re
import subprocess

from house import PROGRAM, Tap, run


def ezcdc(*arguments):
    return run(PROGRAM, *arguments, stderr=subprocess.PIPE)


tap = Tap()
version = ezcdc("--version")
tap.result(
    version.returncode == 0
    and re.fullmatch(r"ezcdc \d+\.\d+\.\d+\n", version.stdout),
    "--version prints name and version",
    [version.stdout],
)

overview = ezcdc("--help")
tap.result(
    overview.returncode == 0
    and overview.stdout.startswith("Usage: ezcdc ")
    and overview.stderr == "",
    "--help prints the usage",
)
tap.result(ezcdc("help").stdout == overview.stdout, "help is --help")

listed = re.search(r"^Commands:\n((?:  .*\n)+)", overview.stdout, re.M)
commands = [line.split()[0] for line in (listed.group(1).splitlines() if listed else [])]
for name in commands:
    one = ezcdc(name, "--help")
    tap.result(
        one.returncode == 0
        and one.stdout.startswith(f"Usage: ezcdc {name}")
        and one.stdout.endswith("\n")
        and one.stderr == "",
        f"{name} --help prints its usage",
        [one.stdout.split("\n")[0], one.stderr],
    )
    tap.result(
        ezcdc("help", name).stdout == one.stdout,
        f"help {name} is {name} --help",
    )
    wrong = ezcdc(name, "--no-such-option")
    tap.result(
        wrong.returncode == 2
        and wrong.stdout == ""
        and f" {name}: " in wrong.stderr
        and f"ezcdc {name} --help" in wrong.stderr,
        f"{name} refuses an unknown option with exit code 2",
        [f"exit code {wrong.returncode}", wrong.stderr],
    )

for arguments in [(), ("nonsense",), ("help", "nonsense"), ("--nonsense",)]:
    wrong = ezcdc(*arguments)
    tap.result(
        wrong.returncode == 2
        and wrong.stdout == ""
        and wrong.stderr.startswith("ezcdc: ")
        and wrong.stderr.count("\n") == 1,
        f"exit code 2 for: ezcdc {' '.join(arguments)}",
        [f"exit code {wrong.returncode}", wrong.stderr],
    )

for name in commands:
    if len(name) < 4:
        continue
    misspelt = name[1] + name[0] + name[2:]
    tap.result(
        f'"{name}"' in ezcdc(misspelt).stderr, f"{misspelt} suggests {name}"
    )

with open("/dev/full", "w", encoding="ascii") as full:
    failed = subprocess.run(
        [PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, check=False
    )
tap.result(
    failed.returncode == 1 and b"standard output" in failed.stderr,
    "a full disk is no success",
)
tap.end()
