# SPDX-License-Identifier: Apache-2.0
"""A connector as a third party makes it: from an installed tree, with
nothing but cc and pkg-config. Prints TAP."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

from tap import BUILD, EZCDC, SOURCE, Tests, run

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wformat=2", "-Wvla",
            "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror"]


def install(folder):
    """Installs what an author needs below folder; returns the prefix."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(
        ["make", "-s", "install-pkgconfigDATA",
         "install-ezcdcincludeHEADERS", "DESTDIR=" + folder],
        cwd=BUILD, env=environment, check=True, stdout=subprocess.DEVNULL)
    for path, _, files in os.walk(folder):
        if "ezcdc-connector.pc" in files:
            return path
    raise FileNotFoundError("ezcdc-connector.pc was not installed")


def pkg_config(folder, pkgconfigdir, *words):
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=pkgconfigdir,
                       PKG_CONFIG_SYSROOT_DIR=folder,
                       PKG_CONFIG_DISABLE_UNINSTALLED="1")
    environment.pop("PKG_CONFIG_PATH", None)
    done = run(["pkg-config", *words, "ezcdc-connector"], env=environment)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def build(tests, folder, pkgconfigdir, source):
    """Copies the source away from ours and builds it there."""
    name = os.path.basename(source)[:-2]
    work = os.path.join(folder, "work")
    os.makedirs(work, exist_ok=True)
    shutil.copy(source, work)
    cflags = shlex.split(pkg_config(folder, pkgconfigdir, "--cflags"))
    done = run(shlex.split(os.environ["CC"]) + WARNINGS + [
        "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,defs",
        *cflags, "-o", name + ".so", name + ".c"], cwd=work)
    tests.succeeds(done, name + " builds with the installed header alone")
    tests.equal(done.stderr, "", name + " builds without a warning")
    return os.path.join(work, name + ".so")


def page_example(folder):
    """The connector in ezcdc-connector(3), as a file."""
    page = os.path.join(SOURCE, "docs", "ezcdc-connector.pod")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    code = text.split("The smallest useful sink:\n", 1)[1]
    lines = []
    for line in code.splitlines():
        if line and not line.startswith(" "):
            break
        lines.append(line[1:])
    path = os.path.join(folder, "mine.c")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def exported(path):
    done = run(["nm", "-D", "--defined-only", path])
    return [line.split()[2] for line in done.stdout.splitlines()]


def needed(path):
    done = run([os.environ.get("READELF", "readelf"), "-d", path])
    return [line.split("[")[1].rstrip("]")
            for line in done.stdout.splitlines() if "(NEEDED)" in line]


def describe(tests, path, kind):
    done = run([EZCDC, "connectors", "--json", "--allow-path", path])
    tests.succeeds(done, "ezcdc describes " + os.path.basename(path))
    description = json.loads(done.stdout)
    tests.equal(description["kinds"], [kind], "it is a " + kind)
    tests.equal(description["path"], path, "it has its path")
    return description


def test_listing(tests, folder):
    """By name, from a folder of connectors."""
    done = run([EZCDC, "connectors", "--json", "--connector-dir", folder])
    names = [entry["name"] for entry in json.loads(done.stdout)]
    tests.equal(names, ["counter", "discard", "mine"],
                "ezcdc lists them by name")
    done = run([EZCDC, "connectors", "--connector-dir", folder])
    tests.equal([line.split()[0] for line in done.stdout.splitlines()],
                ["counter", "discard", "mine"], "also as text")
    done = run([EZCDC, "connectors", "--secrets", "--connector-dir", folder,
                "counter"])
    tests.equal((done.returncode, done.stdout), (0, ""), "it has no secrets")


def main():
    os.umask(0o022)
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        pkgconfigdir = install(folder)
        tests.equal(pkg_config(folder, pkgconfigdir, "--variable=abi"), "1",
                    "pkg-config tells the ABI")
        tests.result(
            pkg_config(folder, pkgconfigdir,
                       "--variable=connectordir").endswith(
                           "/ezcdc/connectors"),
            "pkg-config tells where connectors belong")
        tests.equal(pkg_config(folder, pkgconfigdir, "--libs"), "",
                    "nothing is linked")
        ours = os.path.join(SOURCE, "tests", "connectors")
        for source, kind in ((ours + "/counter.c", "source"),
                             (ours + "/discard.c", "sink"),
                             (page_example(folder), "sink")):
            name = os.path.basename(source)
            path = build(tests, folder, pkgconfigdir, source)
            tests.equal(exported(path), ["ezcdc_connector_v1"],
                        name + " exports one symbol")
            tests.equal([library for library in needed(path)
                         if not library.startswith("libc.")], [],
                        name + " needs libc at most")
            describe(tests, path, kind)
        test_listing(tests, os.path.join(folder, "work"))
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
