# SPDX-License-Identifier: Apache-2.0
"""The manual says what the program has, and the program has what the manual
says: options, commands, exit codes, JSON members, audit actions."""

import json
import os
import re
import shutil

from house import BUILD, PROGRAM, SOURCE, Tap, connectors, run

DOCS = SOURCE / "docs"


# ------------------------------------------------------------------ the pages


class Page:
    """A page docs/NAME.pod, by section."""

    def __init__(self, name):
        self.name = name
        self.text = (DOCS / f"{name}.pod").read_text(encoding="utf-8")

    def section(self, title, level=1):
        """The text of one section."""
        pattern = rf"^=head{level} {re.escape(title)}\n(.*?)(?=^=head[1-{level}] |\Z)"
        found = re.search(pattern, self.text, re.M | re.S)
        return found.group(1) if found else ""

    def sections(self, level):
        return re.findall(rf"^=head{level} (.*)$", self.text, re.M)

    def items(self, title, level=1):
        return items(self.section(title, level))


def paragraphs(text):
    return re.split(r"\n\s*\n", text.strip())


def items(text):
    """The outermost =items of a text: each name with the text below it."""
    depth, names, found = 0, [], {}
    for paragraph in paragraphs(text):
        if paragraph.startswith("=over"):
            depth += 1
        elif paragraph.startswith("=back"):
            depth -= 1
        if depth == 1 and paragraph.startswith("=item"):
            names = re.findall(r"[BCF]<([^<> ]*)[^<>]*>", paragraph)
            found.update((name, "") for name in names)
        else:
            for name in names if depth > 0 else []:
                found[name] += paragraph + "\n\n"
    return found


def plain(text):
    """Without the marks, and on one line."""
    return re.sub(r"\s+", " ", re.sub(r"[BCFIL]<([^<>]*)>", r"\1", text))


def marked(text):
    """The words in C<...>."""
    return set(re.findall(r"C<([^<>]*)>", text))


def differ(real, documented, what):
    """Both directions, as problems."""
    real, documented = set(real), set(documented)
    return [f"not in the manual: {what} {name}" for name in sorted(real - documented)] + [
        f"only in the manual: {what} {name}" for name in sorted(documented - real)
    ]


# ---------------------------------------------------------------- the program


def source(path):
    """A C file without comments; strings stay, and adjacent ones are joined."""
    text = (SOURCE / path).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r'"\s*\n?\s*"', "", text)


def function(path, name):
    """The text of one function."""
    found = re.search(rf"^{name} \(.*?^}}", source(path), re.M | re.S)
    return found.group() if found else ""


def members(path, *functions):
    """The names of the JSON members that some functions write."""
    names = set()
    for name in functions:
        names.update(
            re.findall(
                r'json_(?:member_\w+|key|position) \(\s*[^",]*,\s*"(\w+)"',
                function(path, name),
            )
        )
    return names


def core_options(name, path="core/runner/config.c"):
    """Options of a table in a source file, as the program prints those of
    connectors."""
    table = re.search(
        rf"struct ezcdc_option {name}\[\] = \{{(.*?)^\}};",
        source(path),
        re.M | re.S,
    )
    options = []
    for entry in re.findall(r"^  \{\n(.*?)^  \},", table.group(1), re.M | re.S):
        members = dict(re.findall(r'\.(\w+) =\s*"?([^\n"]*)"?', entry))
        options.append(
            {
                "name": members["name"],
                "default": members.get("default_value"),
                "choices": members.get("choices", "").split("|"),
                "required": "REQUIRED" in members.get("flags", ""),
            }
        )
    return options


def connector_options(name):
    done = run(
        PROGRAM, "connectors", name, "--json",
        "--connector-dir", BUILD / "plugins" / name / ".libs",
    )
    described = json.loads(done.stdout)
    return described["options"]


def compare_options(options, documented):
    """Names in both directions; of each option its default, whether it is
    required, and what it can be."""
    problems = differ([option["name"] for option in options], documented, "option")
    for option in options:
        name = option["name"]
        text = documented.get(name)
        if text is None:
            continue
        words = re.findall(r"[^\s,;:()]+", plain(text))
        words = {word.rstrip(".") for word in words}
        default = option["default"]
        if default and default != "STATE_DIRECTORY,":
            if not {default, "ezcdc_NAME"} & words or "default" not in text.lower():
                problems.append(f"{name}: the default is {default}")
        for choice in option.get("choices") or []:
            if choice and choice not in words:
                problems.append(f"{name}: {choice} is possible, too")
        says = bool(re.search(r"\b(Required|Needed)\.", text))
        if says != option["required"]:
            problems.append(f"{name}: required or not?")
    return problems


# ------------------------------------------------------------------ the tests


def options_of_core(page):
    problems = compare_options(
        core_options("pipeline_options"), page.items("SECTION [pipeline]")
    )
    problems += compare_options(
        core_options("batch_options"), page.items("SECTION [batch]")
    )
    problems += compare_options(
        core_options("policy_options", "core/plugin/policy.c"),
        page.items("SECTION [connectors]"),
    )
    return problems + compare_options(
        core_options("table_options"), page.items("SECTION [table LABEL]")
    )


def options_from_core(page, described):
    """What ezcdc itself adds to the sections of connectors."""
    documented = {}
    for title in ("SECTION [source]", "TLS OPTIONS", "HTTP OPTIONS"):
        documented.update(page.items(title))
    added = {}
    for options in described.values():
        for option in options:
            if option["provided_by"] == "ezcdc":
                added[option["name"]] = option
    return compare_options(added.values(), documented)


def options_of_connector(options, page):
    own = [option for option in options if option["provided_by"] == "connector"]
    return compare_options(own, page.items("OPTIONS"))


def command_source(name):
    """A command is a file, and those of its words if it has any."""
    words = sorted((SOURCE / "core/cli").glob(f"{name}_*.c"))
    return "".join(
        source(path) for path in [f"core/cli/command_{name}.c"]
        + [f"core/cli/{word.name}" for word in words]
    )


def commands_and_options(page):
    overview = run(PROGRAM, "--help").stdout
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", overview, re.M).group(1)
    commands = [line.split()[0] for line in listed.splitlines()]
    problems = differ(commands, page.sections(2), "command")
    synopsis = page.section("SYNOPSIS")
    for name in commands:
        text = run(PROGRAM, name, "--help").stdout
        helped = set(re.findall(r"--[a-z][a-z-]*", text)) - {"--help"}
        code = command_source(name)
        taken = set(re.findall(r'"(--[a-z][a-z-]*)"', code)) | {
            f"--{word}"
            for word in re.findall(r'"([a-z-]+)", (?:no|required)_argument', code)
        }
        documented = {
            word for word in page.items(name, 2) if word.startswith("--")
        }
        shown = set()
        for paragraph in paragraphs(synopsis):
            if paragraph.startswith(f"B<ezcdc {name}"):
                shown.update(re.findall(r"B<(--[a-z-]+)>", paragraph))
        if f"B<ezcdc {name}" not in synopsis:
            problems.append(f"not in the synopsis: {name}")
        problems += differ(taken, helped, f"(--help) {name}")
        problems += differ(helped, documented, name)
        problems += differ(helped, shown, f"(synopsis) {name}")
    return problems


def exit_codes(page):
    enumeration = re.search(
        r"enum \{\s*(EXIT_OK.*?)\}", source("core/cli/command.h"), re.S
    ).group(1)
    real = re.findall(r"= (\d+)", enumeration)
    helped = re.findall(
        r"\b(\d) [a-z]", run(PROGRAM, "--help").stdout.split("Exit codes:")[1]
    )
    return differ(real, page.items("EXIT CODES"), "exit code") + differ(
        real, helped, "(--help) exit code"
    )


def environment(page):
    real = re.findall(
        r'#define \w+_VARIABLE "(\w+)"', source("core/crypto/key_source.c")
    )
    documented = {
        name for name in page.items("ENVIRONMENT") if name.upper() == name
    }
    for rest in page.section("ENVIRONMENT").split("=back")[1:]:
        documented.update(
            name for name in items(rest) if name.upper() == name
        )
    return differ(real, documented, "variable")


def written_words(path, place):
    """Words that are written to a member of the status."""
    words = set()
    for statement in source(path).split(";"):
        if re.search(place, statement):
            words.update(re.findall(r'"([a-z_]{2,})"', statement))
    return words


def status_members(page):
    documented = page.items("STATUS")
    path = "core/cli/command_status.c"
    real = members(path, "print_json")
    problems = differ(real, documented, "member")

    phases = set(
        re.findall(r'return "(\w+)"', function("core/pipeline/table.c", "table_phase_name"))
    ) - {"unknown"}
    problems += differ(
        members(path, "json_table") | phases | {"schema.table"},
        marked(documented["tables"]),
        "member or phase of tables:",
    )
    problems += differ(
        members(path, "json_trouble") | {"null"},
        marked(documented["audit"]),
        "member of audit:",
    )
    problems += differ(
        members("core/runner/connections.c", "connections_print") | {"null"},
        marked(documented["connections"]),
        "member of connections:",
    )
    phases = set(
        re.findall(
            r'return "(\w+)"',
            function("core/pipeline/pipeline.c", "pipeline_phase_name"),
        )
    ) - {"unknown"}
    problems += differ(phases, marked(documented["phase"]), "phase")
    states = (
        written_words("core/runner/status.c", r"status->state,")
        | written_words("core/runner/run.c", r"reporter_store \(")
        | written_words(path, r"\.state = |status\.state, sizeof")
    ) - {"setup"}
    problems += differ(states, marked(documented["state"]), "state")
    return problems


def status_of_nothing(page):
    """The real thing, of a pipeline that never ran."""
    folder = BUILD / "tests" / "house"
    folder.mkdir(parents=True, exist_ok=True)
    ini = folder / "test-manual.ini"
    ini.write_text(
        f"[pipeline]\nname = never_ran\nstate_dir = {folder}\n"
        "[source]\nconnector = x\n[sink]\nconnector = x\n",
        encoding="utf-8",
    )
    done = run(PROGRAM, "status", "--json", ini)
    ini.unlink()
    if done.returncode != 0:
        return [done.stdout]
    return differ(json.loads(done.stdout), page.items("STATUS"), "member")


def verify_members(page):
    documented = page.items("verify", 2)["--json"]
    return differ(
        members("core/runner/verify.c", "verify_run", "tell_json"),
        marked(documented),
        "member",
    )


def key_status_members(page):
    documented = page.items("key", 2)["--json"]
    path = "core/cli/key_use.c"
    real = set().union(*(members(path, name) for name in (
        "status_as_json", "describe_value", "describe_keys")))
    return differ(real, marked(documented) - {"primary", "old", "null", "true"},
                  "member")


def audit_verify_members(page):
    text = page.section("VERIFYING").split("B<--json>")[1]
    return differ(members("core/cli/audit_verify.c", "print_json"), marked(text), "member")


def dead_letter_members(page):
    name = "/var/lib/ezcdc/NAME/dead_letters.jsonl"
    text = page.items("FILES")[name]
    real = members("core/pipeline/bad_row.c", "dead_letter_store")
    return differ(real | {"= dead_letter"}, marked(text), "member")


def record_members(page):
    code = source("core/audit/chain.c") + source("core/audit/writer_record.c")
    return [
        f"no such member in a record: {name}"
        for name in page.items("RECORD")
        if not re.search(rf'\\?"{name}\\?"', code)
    ]


def table_of_actions():
    return re.findall(
        r'\{ "([a-z_.]+)", (true|false),\s*"(.*?)" \}', source("core/audit/actions.c")
    )


def writes():
    """(action, room) wherever the core writes a record."""
    writer = r"(?:\w*audit\w*|note|append_action|seal_file_commit)\s*\("
    for path in sorted((SOURCE / "core").rglob("*.c")):
        for statement in re.split(r"[;{}]", source(path.relative_to(SOURCE))):
            call = re.search(writer, statement)
            if call is None:
                continue
            for action in re.findall(
                r'"([a-z_]+\.[a-z_]+)"', statement[call.start():]
            ):
                yield action, path.parent.name


def audit_actions(page):
    documented = page.items("ACTIONS")
    problems = differ(
        [name for name, _, _ in table_of_actions()], documented, "action"
    )
    for name, _, meaning in table_of_actions():
        if not plain(documented.get(name, "")).lower().startswith(meaning.lower()):
            problems.append(f"{name}: the table says: {meaning}")
    return problems


def audit_writes():
    known = {name: runner == "true" for name, runner, _ in table_of_actions()}
    done = set(writes())
    problems = [
        f"never written: {name}"
        for name in known
        if name not in {action for action, _ in done}
    ]
    problems += [
        f"written, but not in the table: {action}"
        for action, _ in sorted(done)
        if action not in known
    ]
    for name, runner in known.items():
        rooms = {room for action, room in done if action == name}
        outside = rooms - {"keeper", "audit", "cli"}
        if rooms and runner != bool(outside):
            problems.append(f"{name}: written by {', '.join(sorted(rooms))}, "
                            f"but runner is {runner}")
    return problems


def keys_shown():
    """Whoever copies a key from a text gets one that everybody has."""
    texts = [*DOCS.iterdir(), *(SOURCE / "etc").iterdir(), SOURCE / "README.md",
             SOURCE / "SECURITY.md", SOURCE / "NEWS", SOURCE / "quickstart"]
    problems = []
    for path in texts:
        for key in re.findall(r"\b[0-9A-Fa-f]{64}\b",
                              path.read_text(encoding="utf-8")):
            done = run(PROGRAM, "key", "id",
                       env={**os.environ, "CONFIG_ENCRYPTION_KEY": key})
            if done.returncode == 0:
                problems.append(f"{path.name}: {key} would be taken for a key")
    return problems


def references(pages):
    """Pages that are named are ours, or systemd's."""
    made = {
        match.replace("docs/", "")
        for match in re.findall(
            r"^\t(docs/[\w.-]+\.\d) ",
            (DOCS / "local.mk").read_text(encoding="utf-8"),
            re.M,
        )
    }
    problems = differ({page.name for page in pages},
                      {name.rpartition(".")[0] for name in made}, "page")
    texts = {f"{page.name}.pod": page.text for page in pages}
    for name in ("README.md", "SECURITY.md"):
        texts[name] = (SOURCE / name).read_text(encoding="utf-8")
    for name, text in texts.items():
        for page, section in re.findall(r"\b(ezcdc[\w.-]*)\((\d)\)", text):
            if f"{page}.{section}" not in made:
                problems.append(f"{name}: there is no page {page}({section})")
    return problems


def titles(pages):
    """What "man" prints at the head of a page is its name, not a path."""
    problems = []
    for page in pages:
        for made in sorted([*(BUILD / "docs").glob(f"{page.name}.[0-9]"),
                            *DOCS.glob(f"{page.name}.[0-9]")]):
            title = re.search(r'^\.TH "?([^" ]*)"?', made.read_text("utf-8"), re.M)
            if title is None or title.group(1) != page.name.upper():
                problems.append(f"{made}: {title and title.group()}")
    return problems


def syntax(pages):
    problems = []
    for page in pages:
        done = run("podchecker", DOCS / f"{page.name}.pod")
        if done.returncode != 0 or "WARNING" in done.stdout:
            problems += done.stdout.splitlines()
    return problems


tap = Tap()
pages = {path.stem: Page(path.stem) for path in sorted(DOCS.glob("*.pod"))}
ezcdc, ini, audit = pages["ezcdc"], pages["ezcdc.ini"], pages["ezcdc-audit"]
described = {path.stem: connector_options(path.stem) for path in connectors()}

tap.none(options_of_core(ini), "options of the core: ezcdc.ini(5)")
if {"postgres", "starrocks"} <= set(described):
    tap.none(
        options_from_core(ini, described),
        "options that the core adds to connectors: ezcdc.ini(5)",
    )
else:
    tap.skip("options that the core adds", "not all connectors were built")
for name, options in described.items():
    tap.none(
        options_of_connector(options, pages[f"ezcdc-{name}"]),
        f"options of {name}: ezcdc-{name}(7)",
    )
tap.none(commands_and_options(ezcdc), "commands and their options: ezcdc(1)")
tap.none(exit_codes(ezcdc), "exit codes: ezcdc(1)")
tap.none(environment(ezcdc), "variables: ezcdc(1)")
tap.none(status_members(ezcdc), "status --json: ezcdc(1)")
tap.none(status_of_nothing(ezcdc), "status --json prints what ezcdc(1) names")
tap.none(verify_members(ezcdc), "verify --json: ezcdc(1)")
tap.none(dead_letter_members(ezcdc), "dead letters: ezcdc(1)")
tap.none(record_members(audit), "members of a record: ezcdc-audit(7)")
tap.none(key_status_members(ezcdc), "key status --json: ezcdc(1)")
tap.none(audit_verify_members(audit), "audit verify --json: ezcdc-audit(7)")
tap.none(audit_actions(audit), "audit actions: ezcdc-audit(7)")
tap.none(audit_writes(), "each audit action is written by somebody who may")
tap.none(keys_shown(), "no document shows a key that is accepted")
tap.none(references(pages.values()), "pages that are named exist")
tap.none(titles(pages.values()), "pages are called by their names")
if shutil.which("podchecker") is None:
    tap.skip("podchecker finds nothing", "podchecker is not there")
else:
    tap.none(syntax(pages.values()), "podchecker finds nothing")
tap.end()
