# SPDX-License-Identifier: Apache-2.0
"""bash completes ezcdc's commands, words, options and files."""

import os
import re
import shlex
import shutil
import tempfile

from house import PROGRAM, SOURCE, Tap, run, skip_all

BASH = shutil.which("bash")
if BASH is None:
    skip_all("bash is not there")

# What bash does when somebody presses Tab behind a line.
PRESS_TAB = """
source {script}
function=$(complete -p ezcdc | sed -n 's/.*-F \\([^ ]*\\) .*/\\1/p')
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
"$function" {program} "${{COMP_WORDS[COMP_CWORD]}}" \\
  "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def complete(*words, folder=None):
    """The words that may stand in the place of the last one."""
    script = PRESS_TAB.format(
        script=shlex.quote(str(SOURCE / "etc" / "ezcdc.bash")),
        words=" ".join(map(shlex.quote, ("ezcdc",) + words)),
        program=shlex.quote(str(PROGRAM)),
    )
    done = run(BASH, "--norc", "-c", script, cwd=folder)
    return sorted(filter(None, done.stdout.splitlines()))


def helped(*command):
    return run(PROGRAM, *command, "--help").stdout


tap = Tap()


def expect(what, found, wanted):
    wanted = sorted(wanted)
    problems = [] if found == wanted else [f"{found}, but not {wanted}"]
    tap.none(problems, what)


listed = re.search(r"^Commands:\n((?:  .*\n)+)", helped(), re.M).group(1)
commands = [line.split()[0] for line in listed.splitlines()]
expect(
    "the first word is a command",
    complete(""),
    commands + ["help", "--help", "--version"],
)
expect("a beginning of one", complete("ver"), ["verify"])
expect("help is for a command", complete("help", ""), commands)
for command in commands:
    options = set(re.findall(r"--[a-z][a-z-]*", helped(command))) | {"--help"}
    expect(f"the options of {command}", complete(command, "-"), options)
expect("the words of key", complete("key", ""), ["new", "id", "status", "retire"])
expect("the words of audit", complete("audit", ""),
       ["verify", "show", "checkpoint", "public-key", "setup-keys"])
expect("nothing behind key new", complete("key", "new", ""), [])
expect("nothing behind an unknown command", complete("nonsense", ""), [])

with tempfile.TemporaryDirectory() as folder:
    for name in ("shop.ini", "with space.ini", "shop.audit.jsonl", "notes.txt"):
        with open(os.path.join(folder, name), "w", encoding="ascii"):
            pass
    os.mkdir(os.path.join(folder, "conf d"))
    files = ["shop.ini", "with space.ini", "conf d"]
    for command in ("run", "check", "status", "verify", "seal", "reseal"):
        expect(f"a file for {command}", complete(command, "", folder=folder), files)
    expect("a file behind an option",
           complete("status", "--json", "s", folder=folder), ["shop.ini"])
    expect("a log for audit verify",
           complete("audit", "verify", "", folder=folder),
           ["shop.audit.jsonl", "conf d"])
    expect("a configuration for audit setup-keys",
           complete("audit", "setup-keys", "", folder=folder), files)
    expect("a configuration for key status",
           complete("key", "status", "", folder=folder), files)
    expect("a configuration behind an option of key status",
           complete("key", "status", "--json", "", folder=folder), files)
    expect("nothing behind audit public-key",
           complete("audit", "public-key", "", folder=folder), [])
    expect("a folder for --connector-dir",
           complete("connectors", "--connector-dir", "", folder=folder), ["conf d"])
    expect("an option of seal is typed",
           complete("seal", "--set", "", folder=folder), [])
tap.end()
