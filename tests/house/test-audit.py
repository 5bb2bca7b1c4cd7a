# SPDX-License-Identifier: Apache-2.0
"""ezcdc audit verify and show, on logs that another program has written."""

import copy
import fcntl
import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile

from chain import Chain
from house import PROGRAM, SANITIZED, Tap

ROOT = "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
OTHER = "c94e7a1b2d5f60830e1a9b7c4d3e2f58617a8b9c0d1e2f3a4b5c6d7e8f901223"
FILES = ("log-2", "log-1", "log")

room = tempfile.TemporaryDirectory(prefix="ezcdc-audit-")
folder = pathlib.Path(room.name)
tap = Tap()


def audit(*words, key=ROOT, **options):
    """Runs ezcdc audit in the folder of the logs."""
    environment = dict(os.environ)
    if key is not None:
        environment["CONFIG_ENCRYPTION_KEY"] = key
    return subprocess.run(
        [PROGRAM, "audit", *words], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, timeout=120,
        check=False, **options)


def expect(what, done, code, output="", errors=""):
    """The exit code, and what is in both outputs."""
    tap.result(
        done.returncode == code and output in done.stdout
        and errors in done.stderr and bool(errors) == bool(done.stderr), what,
        [f"exit code {done.returncode}", *done.stdout.splitlines()[:5],
         *done.stderr.splitlines()[:5]])


def write(name, lines):
    (folder / name).write_text("".join(line + "\n" for line in lines),
                               encoding="utf-8")


# ---- A log of three files and four epochs ----------------------------------

CLOSING = 3             # the index of audit.ratcheted in each file


def build(last="pipeline.stopped"):
    """The lines of each file: seq 0 to 5, 6 to 11, 12 to 17."""
    chain = Chain(ROOT)
    return [[chain.opened(), chain.record("pipeline.started"),
             chain.record("credential.unsealed", "shop/source"),
             chain.ratcheted(),
             chain.record("credential.unsealed", "shop/sink"),
             chain.record("pipeline.stopped" if name != "log" else last)]
            for name in FILES]


def verify(files, *options):
    for name, lines in zip(FILES, files):
        write(name, lines)
    return audit("verify", *options, *FILES)


whole = build()
expect("the three files are one chain", verify(whole), 0,
       "log: ok: 18 records, seq 0 to 17, key ")
expect("from the second file on", audit("verify", "log-1", "log"), 0,
       "12 records, seq 6 to 17, ")


def change(line):
    return line.replace('"outcome":"success"', '"outcome":"failure"')


def damaged(damage, file, index):
    """The files with damage at a line."""
    files = copy.deepcopy(whole)
    lines = files[file]
    if damage == "changed":
        lines[index] = change(lines[index])
    elif damage == "removed":
        del lines[index]
    elif damage == "inserted":
        lines.insert(index, change(lines[index]))
    elif damage == "repeated":
        lines.insert(index, lines[index])
    else:
        lines[index], lines[index + 1] = lines[index + 1], lines[index]
    return files


def first_bad(damage, file, index):
    """What is named: file, line from 1, seq. That of a record is believed if
    its mac is right; behind a closing record it cannot be, because the key is
    another one."""
    seq, closing = 6 * file + index, index == CLOSING
    if damage in ("changed", "inserted"):
        return file, index + 1, seq
    if damage == "repeated":
        return file, index + 2, seq + closing
    if damage == "removed" and index == 5:
        return file + 1, 1, seq + 1
    return file, index + 1, seq + 1 - closing


REASONS = {
    "changed": "it was changed, or written by somebody without the key",
    "removed": "one or more records before it were removed",
    "inserted": "it was changed, or written by somebody without the key",
    "repeated": "it is out of order or there twice",
    "reordered": "one or more records before it were removed, or moved",
}
for damage, reason in REASONS.items():
    problems = []
    for file in range(3):
        for index in range(6):
            if damage == "reordered" and index == 5 \
                    or damage == "removed" and (file, index) == (2, 5):
                continue        # nothing to change places with; a cut tail
            bad, line, seq = first_bad(damage, file, index)
            wanted = f"{FILES[bad]}: line {line}, seq {seq}: "
            if index != CLOSING and (file, index) != (0, 0):
                wanted += reason
            done = verify(damaged(damage, file, index))
            if done.returncode != 3 or not done.stdout.startswith(wanted):
                problems.append(f"{file}, {index}: {done.stdout}, not {wanted}")
    tap.none(problems, f"the first record that was {damage} is named")

done = verify(damaged("removed", 1, 2), "--json")
told = json.loads(done.stdout)
tap.result(
    done.returncode == 3
    and (told["log"], told["ok"], told["bad_line"], told["bad_seq"],
         told["expected_seq"], told["records"], told["torn"])
    == ("log-1", False, 3, 9, 8, 8, False),
    "and with --json", [done.stdout])

# ---- Epochs ----------------------------------------------------------------

chain = Chain(ROOT)
first = chain.opened()
forger = copy.copy(chain)
lines = [chain.record("pipeline.started"), chain.ratcheted(),
         chain.record("pipeline.stopped")]
write("log", [first, *lines])
expect("two epochs are a chain", audit("verify", "log"), 0, "4 records")

# Who has the key of the present epoch writes a record of the past anew.
forger.key = chain.key
for forger.epoch in (0, 1):
    forged = copy.copy(forger).record("pipeline.started", user="nobody")
    write("log", [first, forged, *lines[1:]])
    expect(f"a later key cannot write the past anew, as epoch {forger.epoch}",
           audit("verify", "log"), 3, "line 2, seq 1: it was changed")

# ---- Checkpoints -----------------------------------------------------------

verify(whole)
(folder / "kept").write_text(audit("checkpoint", "log").stdout,
                             encoding="ascii")
WITH = ("--checkpoint", "kept")
expect("a checkpoint of the end", verify(whole, *WITH), 0, "1 checkpoints")
for cut in (1, 5, 6):
    files = copy.deepcopy(whole)
    del files[2][6 - cut:]
    expect(f"{cut} records cut off: not seen without one", verify(files), 0)
    expect(f"{cut} records cut off: seen with one", verify(files, *WITH), 3,
           f"log: line {7 - cut}, seq {18 - cut}: the records up to a "
           "checkpoint were cut off")
expect("the last file is not there", audit("verify", *WITH, *FILES[:2]), 3,
       "log-1: line 7, seq 12: the records up to a checkpoint were cut off")
expect("cut and written on by somebody with the key",
       verify(build("pipeline.failed"), *WITH), 3,
       "log: line 6, seq 17: it is not the record that a checkpoint names")

verify(whole)
kept = (folder / "kept").read_text(encoding="ascii")
(folder / "kept").write_text(kept.replace('"seq":17', '"seq":16'),
                             encoding="ascii")
expect("a checkpoint that was changed", audit("verify", *WITH, *FILES), 3, "",
       "kept, line 1: its signature is wrong")
(folder / "kept").write_text(kept, encoding="ascii")
public_key = audit("public-key").stdout.strip()
expect("one of a key that is not at hand",
       audit("verify", *WITH, *FILES, key=OTHER), 2, "", "--public-key")
expect("which may be given, and only the log's own key lacks",
       audit("verify", *WITH, "--public-key", public_key, *FILES, key=OTHER),
       3, "log-2: line 1, seq 0: no key that is in use here verifies it")

# ---- Lines that are none ---------------------------------------------------


def little_memory():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (96 << 20, 96 << 20))


chain = Chain(ROOT)
write("log", [chain.opened()])
with open(folder / "log", "ab") as file:
    file.truncate(256 << 20)        # a line of NULs, without an end
expect("verify does not fill the memory with a line",
       audit("verify", "log", preexec_fn=little_memory), 3, "line 2, ")
expect("nor does show",
       audit("show", "log", key=None, preexec_fn=little_memory), 3, "0 2026-",
       "line 2 is no audit record")
write("log", [chain.opened(), "x" * 65535, "x" * 65536, '{"v":1}', "",
              chain.record("pipeline.started")])
expect("show goes on behind lines that are none", audit("show", "log"), 3,
       " pipeline.started ", "4 lines are no audit records; the first is line 2")
expect("a log that is not there", audit("show", "nothing"), 2, "",
       "open nothing")
expect("verify wants files", audit("verify", "."), 2, "", "regular file")

# ---- What show prints ------------------------------------------------------

chain = Chain(ROOT)
RECORDS = (
    ("2026-01-30T23:59:59.999999Z", "pipeline.started", "shop", "success"),
    ("2026-01-31T00:00:00.000000Z", "credential.unsealed",
     "shop/source.password", "success"),
    ("2026-01-31T12:00:00.500000Z", "credential.unseal_failed",
     "shop/sink.password", "failure"),
    ("2026-01-31T12:00:01.000000Z", "credential.unseal_denied",
     "other/sink.password", "denied"),
    ("2026-02-01T00:00:00.000000Z", "pipeline.failed", "shop", "failure"),
)
write("log", [chain.record(action, name, outcome, timestamp=timestamp)
              for timestamp, action, name, outcome in RECORDS])


def shown(*options):
    """The seq of each record that show prints."""
    done = audit("show", *options, "log", key=None)
    if done.returncode != 0 or done.stderr:
        return [done.returncode, done.stderr]
    return [int(line.split()[0]) for line in done.stdout.splitlines()]


for what, options, wanted in (
        ("all of it", (), [0, 1, 2, 3, 4]),
        ("since a day", ("--since", "2026-01-31"), [1, 2, 3, 4]),
        ("until a day", ("--until", "2026-01-31"), [0]),
        ("a day", ("--since", "2026-01-31", "--until", "2026-02-01"),
         [1, 2, 3]),
        ("since a second", ("--since", "2026-01-31T12:00:01Z"), [3, 4]),
        ("until a second", ("--until", "2026-01-31T12:00:01"), [0, 1, 2]),
        ("since a microsecond, with it",
         ("--since", "2026-01-31T12:00:00.500000Z"), [2, 3, 4]),
        ("until a microsecond, without it",
         ("--until", "2026-01-31T12:00:00.500000Z"), [0, 1]),
        ("an action", ("--action", "pipeline.failed"), [4]),
        ("a pattern of actions", ("--action", "credential.*"), [1, 2, 3]),
        ("a pattern with sets", ("--action", "[[:alpha:]p]*_[!d]*"), [2]),
        ("an action without records", ("--action", "slot.created"), []),
        ("an outcome", ("--outcome", "failure"), [2, 4]),
        ("another outcome", ("--outcome", "denied"), [3]),
        ("a pattern of resources", ("--resource", "shop/*"), [1, 2]),
        ("patterns that are whole", ("--resource", r"[]a][^[:digit:]]\[\\"),
         []),
        ("no resource", ("--resource", ""), []),
        ("since an hour", ("--since", "2026-01-31T12"), [2, 3, 4]),
        ("until a minute", ("--until", "2026-01-31T12:01"), [0, 1, 2, 3]),
        ("a tenth of a second", ("--since", "2026-01-31T12:00:00.5",
                                 "--until", "2026-01-31T12:00:00.6"), [2]),
        ("since a leap day", ("--since", "2024-02-29"), [0, 1, 2, 3, 4]),
        ("all filters together",
         ("--since", "2026-01-31", "--until", "2026-02-01", "--action",
          "credential.*", "--outcome", "failure", "--resource", "shop*"),
         [2])):
    found = shown(*options)
    tap.result(found == wanted, f"show {what}", [f"{found}, not {wanted}"])

# To show nothing would say that nothing has happened.
for options, reason in (
        *((("--since", time), f'--since: "{time}" is no time') for time in (
            "yesterday", "Z", "", "2026-1-1", "2026-01", "2026-01-31T",
            "2026-01-31T2", "2026-01-31T12:00:00.", "2026-01-31T12:00:00ZZ",
            "2026-01-31T12:00:00.0000000", "2026-02-30", "2026-04-31",
            "2025-02-29", "1900-02-29", "2026-13-01", "2026-00-01",
            "2026-01-00", "2026-01-32", "2026-01-31T24:00", "2026-01-31T23:60",
            "2026-01-31T23:59:60", "2026-01-31 23:59")),
        (("--until", "2026-02-30"), '--until: "2026-02-30" is no time'),
        (("--since", "2026-02-01", "--until", "2026-01-31"),
         "--until 2026-01-31, which itself is not meant, is not after"),
        (("--since", "2026-01-31", "--until", "2026-01-31T00:00Z"),
         "is not after --since 2026-01-31"),
        (("--action", "["), 'no action fits "["'),
        (("--action", ""), 'no action fits ""'),
        (("--action", "pipeline"), 'no action fits "pipeline"'),
        (("--action", "credentials.*"), 'no action fits "credentials.*"'),
        (("--action", "credential.unseal"),
         "did you mean credential.unsealed?"),
        (("--outcome", "good"), '"good" is no outcome'),
        (("--outcome", "success*"), '"success*" is no outcome'),
        *((("--resource", pattern), "is not whole") for pattern in (
            "[", "shop/[a-", "[]", "[!]", "[[:digit:]", "shop\\")),
        (("--outcome", "denied", "--outcome", "failure"),
         "--outcome is there twice"),
        (("--action",), "--action needs a value"),
        (("--nonsense",), "unknown option --nonsense")):
    done = audit("show", "log", *options)
    tap.result(done.returncode == 2 and not done.stdout
               and reason in done.stderr,
               f"show refuses {' '.join(options)}", [done.stdout, done.stderr])

tap.result(
    audit("show", "--outcome", "denied", "log").stdout ==
    "3 2026-01-31T12:00:01.000000Z denied credential.unseal_denied "
    "other/sink.password ezcdc {}\n", "a record is a line of words")
done = audit("show", "--json", "--outcome", "denied", "log")
tap.result(
    done.stdout == (folder / "log").read_text().splitlines()[3] + "\n",
    "or with --json the record as it is", [done.stdout])

write("log", [chain.opened(),
              chain.record("verify.finished", "a b\x1b[31m\x7f\u202e\n0 x",
                           timestamp="2026-02-01T10:00:00.000000Z",
                           table="\x9b\u2028")])
for options in ((), ("--json",)):
    done = audit("show", *options, "log")
    tap.result(
        done.stdout.count("\n") == 2
        and re.fullmatch(r"[ -~\n]*", done.stdout) is not None,
        " ".join(("what deceives a terminal is escaped", *options)),
        [ascii(done.stdout)])

# ---- A verification key ----------------------------------------------------

(folder / "shop.ini").write_text("[pipeline]\nname = shop\nstate_dir = state\n")
(folder / "shop.ini").chmod(0o600)
(folder / "state" / "shop").mkdir(parents=True)
LOG = "state/shop/audit.jsonl"
with open(folder / "state" / "shop" / "lock", "w", encoding="ascii") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    expect("no verification key while a run lives",
           audit("setup-keys", "shop.ini"), 1, "", "stop the pipeline shop")
done = audit("setup-keys", "shop.ini")
tap.result(
    done.returncode == 0 and re.fullmatch("[0-9a-f]{64}\n", done.stdout)
    and not done.stderr, "a verification key is printed", [done.stderr])
(folder / "key").write_text(done.stdout)
(folder / "key").chmod(0o600)
again = audit("setup-keys", "shop.ini")
tap.result(again.returncode == 2 and again.stdout == ""
           and "verification key already" in again.stderr,
           "but only once", [again.stdout, again.stderr])

# Another program goes on with the chain, into the next epoch.
given = Chain(done.stdout.strip())
before = json.loads((folder / LOG).read_text().splitlines()[-1])
tap.result(
    before["action"] == "audit.rekeyed"
    and before["detail"]["key_id"] == given.key_id
    and done.stdout.strip() not in "".join(
        path.read_text() for path in (folder / "state").rglob("*.*")),
    "the log goes over to it", [str(before)])
given.seq, given.prev = before["seq"] + 1, before["mac"]
with open(folder / LOG, "a", encoding="ascii") as file:
    now = before["timestamp"]
    for line in (given.record("pipeline.started", timestamp=now),
                 given.record("audit.ratcheted", "audit", timestamp=now,
                              next_epoch=1)):
        file.write(line + "\n")
KEY = ("--verification-key-file", "key")
expect("with both keys it verifies", audit("verify", *KEY, LOG), 0, "4 records")
expect("the state alone verifies its own epoch and those to come",
       audit("checkpoint", LOG), 0, '"seq":3,')
expect("but not those that were closed", audit("verify", LOG), 3,
       "line 3, seq 2: the key of its epoch was forgotten here")
expect("the verification key verifies nothing before it",
       audit("verify", *KEY, LOG, key=None), 3, "line 1, seq 0: no key")
(folder / "key").chmod(0o644)
expect("a verification key that others may read is refused",
       audit("verify", *KEY, LOG), 2, "", "key")
tap.end()
