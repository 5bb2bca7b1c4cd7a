# SPDX-License-Identifier: Apache-2.0
"""Arrows point one way: include <- core, include <- plugins."""

import re

from house import SOURCE, Tap, code, sources

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]*)[>"]', re.M)


def includes(path):
    """(line, delimiter, name) for each include of a file."""
    text = (SOURCE / path).read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match.group(1), match.group(2)


def violations(folder, allowed):
    problems = []
    for path in sources(folder):
        for line, delimiter, name in includes(path):
            if not allowed(path, delimiter, name):
                problems.append(f"{path}:{line}: includes {name}")
    return problems


def of_include(path, delimiter, name):
    return delimiter == "<" and name in {"stdarg.h", "stddef.h", "stdint.h"}


def of_core(path, delimiter, name):
    if delimiter == '"':
        return name.startswith("core/") and (SOURCE / name).exists()
    return "plugins" not in name and "tests" not in name


def of_plugin(path, delimiter, name):
    """Its own folder's headers by name; the host's only <ezcdc/connector.h>."""
    own = SOURCE / path.parent / name
    if delimiter == '"':
        return "/" not in name and own.exists()
    if name.startswith("ezcdc/"):
        return name == "ezcdc/connector.h"
    return name != "config.h" and not name.startswith(("core/", "plugins/"))


def unguarded_headers():
    return [
        f"{path} has no include guard"
        for path in sources("core", "plugins", "include")
        if path.suffix == ".h"
        and not re.search(r"#ifndef (\w+)\s*#define \1\b", code(path))
    ]


def config_first():
    problems = []
    for path in sources("core"):
        names = [name for _, _, name in includes(path)]
        if path.suffix == ".c" and names[:1] != ["config.h"]:
            problems.append(f"{path}: <config.h> must come first")
        if path.suffix == ".h" and "config.h" in names:
            problems.append(f"{path}: a header does not include <config.h>")
    return problems


tap = Tap()
tap.none(violations("include", of_include), "the public header needs nothing")
tap.none(violations("core", of_core), "the core knows no connector")
tap.none(violations("plugins", of_plugin), "a connector knows its header only")
tap.none(config_first(), "config.h comes first in the core, never in a header")
tap.none(unguarded_headers(), "every header has a guard")
tap.end()
