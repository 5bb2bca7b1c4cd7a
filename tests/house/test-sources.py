# SPDX-License-Identifier: Apache-2.0
"""Rules that each source file keeps: licence line, layout, banned functions.
"""

import re

from house import SOURCE, Tap, code, sources

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
BANNED = {
    "strcpy": "memcpy or struct text",
    "strcat": "struct text",
    "sprintf": "snprintf or text_printf",
    "vsprintf": "vsnprintf",
    "strtok": "strtok_r, or a parser with pointer and end",
    "gets": "file_read",
    "atoi": "value_integer",
    "atol": "value_integer",
    "strncpy": "snprintf or memcpy",
    "system": "fork and exec",
    "popen": "fork and exec",
    "alloca": "a bounded array",
    "getenv": "secure_getenv, in one file of core/cli",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


def lines_of(path):
    text = (SOURCE / path).read_text(encoding="utf-8")
    return enumerate(text.splitlines(), 1)


def without_licence(paths):
    problems = []
    for path in paths:
        first = next(lines_of(path), (1, ""))[1]
        if first != SPDX:
            problems.append(f"{path}:1: must be {SPDX}")
    return problems


def badly_laid_out(paths):
    problems = []
    for path in paths:
        for number, line in lines_of(path):
            if "\t" in line:
                problems.append(f"{path}:{number}: a tab")
            if len(line) > 80:
                problems.append(f"{path}:{number}: {len(line)} columns")
            if line != line.rstrip():
                problems.append(f"{path}:{number}: space at the end")
    return problems


def banned_calls(paths):
    problems = []
    for path in paths:
        for number, line in enumerate(code(path).splitlines(), 1):
            for match in CALL.finditer(line):
                name = match.group(1)
                problems.append(
                    f"{path}:{number}: {name}; instead: {BANNED[name]}"
                )
    return problems


def environment_readers(paths):
    return [
        str(path) for path in paths if re.search(r"\bsecure_getenv\b", code(path))
    ]


def unfinished(paths):
    return [
        f"{path}:{number}: {line.strip()}"
        for path in paths
        for number, line in lines_of(path)
        if UNFINISHED.search(line)
    ]


tap = Tap()
ours = sources("include", "core", "plugins")
everything = ours + sources("tests")
tap.none(without_licence(everything), "each file begins with its licence line")
tap.none(badly_laid_out(everything), "no tabs, no trailing space, 80 columns")
tap.none(banned_calls(ours), "no banned function")
readers = environment_readers(ours)
tap.result(
    len(readers) <= 1 and all(name.startswith("core/cli/") for name in readers),
    "the environment is read in one file of core/cli",
    readers,
)
tap.none(unfinished(everything), "nothing is marked as unfinished")
tap.end()
