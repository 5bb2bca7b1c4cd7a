# SPDX-License-Identifier: Apache-2.0
"""Each reason to refuse a connector, with a file that gives it.

Builds bad.c once per reason and asks "ezcdc connectors --allow-path FILE",
which must end with 2 and say why. Prints TAP.
"""

import os
import shlex
import shutil
import stat
import struct
import subprocess
import sys
import tempfile

from tap import EZCDC, SOURCE, Tests, run

COMPILER = shlex.split(os.environ["CC"])
BAD = os.path.join(SOURCE, "tests", "connectors", "bad.c")
FLAGS = ["-std=gnu11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden",
         "-Wl,-z,noexecstack",
         "-I", os.path.join(SOURCE, "include")]


def macro(name, value):
    return "-D%s=%s" % (name, value)


def text(name, value):
    return '-D%s="%s"' % (name, value)


# What the compiler is told, and a part of what ezcdc must say.
SOURCE_KIND = [macro("KIND", "1"), macro("SINK", "NULL"),
               macro("SOURCE", "&source")]
DESCRIPTORS = [
    ([macro("ENTRY", "ezcdc_connector_v2")],
     "it is no connector for ABI 1 (it exports no ezcdc_connector_v1)"),
    (["-DBAD_NULL"], "it cannot work with this program, which has connector "
                     "ABI 1.1"),
    ([macro("MAGIC", "1")],
     "its descriptor does not begin with the magic number"),
    ([macro("SIZE", "0")],
     "its descriptor says it has 0 bytes; from 112 to 4096 are possible"),
    ([macro("SIZE", "104")],
     "its descriptor says it has 104 bytes; from 112 to 4096 are possible"),
    ([macro("SIZE", "4104")], "its descriptor says it has 4104 bytes; from"),
    ([macro("SIZE", "113")],
     "its descriptor says it has 113 bytes, no multiple of 8"),
    ([macro("MAJOR", "2")],
     "it was built for connector ABI 2; this program has 1.1"),
    ([macro("MAJOR", "0")],
     "it was built for connector ABI 0; this program has 1.1"),
    ([macro("MINIMUM", "2"), macro("MINOR", "2")],
     "it needs connector ABI 1.2 or later; this program has 1.1: take a "
     "newer ezcdc or an older connector"),
    ([macro("MUST", "5")],
     "it asks for features 0x5 that this program does not know"),
    ([macro("STRIDE", "48")],
     "its option (option_stride) says it has 48 bytes"),
    ([macro("STRIDE", "60")],
     "its option (option_stride) says it has 60 bytes, no multiple of 8"),
    ([macro("COUNT", "257")], "it counts 257 options; at most 256 may be"),
    ([macro("OPTIONS", "NULL")], "it counts 1 options but has no table"),
    ([macro("KIND", "0")], "its kind is 0; source (1), sink (2) or both (3)"),
    ([macro("KIND", "6")], "its kind is 6; source (1), sink (2) or both (3)"),
    ([macro("THREADS", "0")],
     "it declares no thread rule (EZCDC_THREADS_...)"),
    ([macro("THREADS", "4")], "its thread rule 4 is unknown"),
    ([macro("NAME", "NULL")], "its name is no [a-z][a-z0-9_-]*"),
    ([text("NAME", "")], "its name is no [a-z][a-z0-9_-]*"),
    ([text("NAME", "Bad")], "its name is no [a-z][a-z0-9_-]*"),
    ([text("NAME", "../bad")], "its name is no [a-z][a-z0-9_-]*"),
    ([text("NAME", "b" * 33)], "its name is no [a-z][a-z0-9_-]*"),
    ([macro("VERSION", "NULL")], "it has no version"),
    ([text("VERSION", "1\\n2")], "its version is not one line of text"),
    ([text("VERSION", "\\xff")], "its version is not valid UTF-8"),
    ([text("VERSION", "1" * 201)], "its version has more than 200 bytes"),
    ([macro("SUMMARY", "NULL")], "it has no summary"),
    ([text("LICENSE", "")], "it has no licence"),
    # Options
    ([text("OPTION_NAME", "Colour")],
     "the name of an option is no [a-z][a-z0-9_]*"),
    ([text("OPTION_NAME", "connector")],
     "its option connector: has the name of one that ezcdc itself provides"),
    ([text("OPTION_NAME", "ssl_mode"), macro("CAPABILITIES", "128")],
     "its option ssl_mode: has the name of one that ezcdc itself provides"),
    ([macro("COUNT", "2")], "its option colour: is there twice"),
    ([macro("OPTION_TYPE", "99")], "its option colour: has the unknown type"),
    ([macro("OPTION_HELP", "NULL")], "its option colour: has no help"),
    ([macro("OPTION_TYPE", "EZCDC_OPTION_INTEGER"),
      text("OPTION_DEFAULT", "red")],
     "its option colour: has a default that is wrong: \"red\" is no whole "
     "number"),
    ([macro("OPTION_TYPE", "EZCDC_OPTION_CHOICE")],
     "its option colour: is a choice, but choices is no"),
    # Sinks
    ([macro("SINK", "NULL")], "it is a sink, but has no sink table"),
    ([macro("SOURCE", "&source")],
     "it has a source table, but its kind is no source"),
    ([macro("SINK_SIZE", "56")], "its sink table says it has 56 bytes"),
    ([macro("SINK_SIZE", "8000")], "its sink table says it has 8000 bytes"),
    ([macro("SINK_OPEN", "NULL")], "its sink has no function open"),
    ([macro("SINK_CLOSE", "NULL")], "its sink has no function close"),
    ([macro("SINK_PREPARE", "NULL")], "its sink has no function prepare"),
    ([macro("SINK_WRITE", "NULL")], "its sink has no function write"),
    # Sources
    ([macro("KIND", "1"), macro("SINK", "NULL")],
     "it is a source, but has no source table"),
    ([macro("KIND", "1"), macro("SOURCE", "&source")],
     "it has a sink table, but its kind is no sink"),
    (SOURCE_KIND + [macro("SOURCE_SIZE", "160")],
     "its source table says it has 160 bytes"),
] + [
    (SOURCE_KIND + [macro("MISSING", function)],
     "its source has no function " + function)
    for function in [
        "open", "close", "discover", "prepare", "current_position",
        "position_text", "snapshot_open", "snapshot_close", "snapshot_plan",
        "reader_open", "reader_close", "reader_begin", "reader_read",
        "stream_open", "stream_close", "stream_read", "stream_confirm"]
] + [
    # The file itself
    (["-Wl,-z,execstack"], "it wants an executable stack"),
    (["-Wl,-rpath,/tmp", "-Wl,--disable-new-dtags"], "it has an RPATH"),
    (["-Wl,-rpath,/tmp", "-Wl,--enable-new-dtags"], "it has a RUNPATH"),
    (["-Wl,-f,/tmp/libslipped.so"], "it is a filter"),
    (["-Wl,-F,/tmp/libslipped.so"], "it is a filter"),
    (["-DBAD_TEXTREL", "-Wl,-z,notext"], "it relocates its code"),
    (["-DBAD_UNDEFINED", "-Wl,-z,lazy"],
     "undefined symbol: nobody_defines_this; is a library missing"),
]


def refused(tests, name, path, reason, *options):
    done = run([EZCDC, "connectors", "--allow-path", *options, path])
    tests.result(
        done.returncode == 2 and reason in done.stderr
        and done.stdout == "" and done.stderr.count("\n") == 1,
        name, "expected: %s\nexit %d: %s%s" % (
            reason, done.returncode, done.stdout, done.stderr))


def accepted(tests, name, path):
    tests.succeeds(run([EZCDC, "connectors", "--allow-path", path]), name)


def build(path, flags, base=None):
    command = COMPILER + (FLAGS if base is None else base) + flags \
        + ["-o", path, BAD]
    subprocess.run(command, check=True)
    os.chmod(path, 0o755)
    return path


def changed(path, new, offset, content):
    """A copy of the file with some bytes changed."""
    shutil.copy(path, new)
    with open(new, "r+b") as file:
        file.seek(offset)
        file.write(content)
    return new


def cut(path, new, length):
    shutil.copy(path, new)
    os.truncate(new, length)
    return new


def test_content(tests, folder, good):
    """Files that are no connectors, and whose code must not run."""
    machine = changed(good, folder + "/machine.so", 18, b"\xfe\xca")
    refused(tests, "another machine", machine,
                  "it was built for another machine")
    elf_class = 1 if sys.maxsize > 2 ** 32 else 2
    refused(tests, "another class",
                  changed(good, folder + "/class.so", 4, bytes([elf_class])),
                  "-bit object as this program is")
    refused(tests, "another type",
                  changed(good, folder + "/type.so", 16, b"\x01\x00"),
                  "it is no shared object")
    refused(tests, "damaged segments",
                  changed(good, folder + "/segments.so", 56, b"\xff\xff"),
                  "its table of segments is damaged")
    refused(tests, "a cut file", cut(good, folder + "/cut.so", 100),
                  "its table of segments is cut")
    refused(tests, "a header alone", cut(good, folder + "/header.so", 20),
                  "it is no ELF file")
    refused(tests, "an empty file", cut(good, folder + "/empty.so", 0),
                  "it is no ELF file")
    with open(folder + "/text.so", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 0\n")
    refused(tests, "a script", folder + "/text.so", "it is no ELF file")
    program = build(folder + "/program", ["-DBAD_PROGRAM"],
                    ["-std=gnu11", "-O1", "-fPIE", "-pie",
                     "-I", os.path.join(SOURCE, "include")])
    refused(tests, "a program", program, "it is a program")

    hasty = build(folder + "/hasty.so", ["-DBAD_CONSTRUCTOR"])
    done = run([EZCDC, "connectors", "--allow-path", hasty])
    tests.result(done.returncode == 99, "a constructor runs when it may",
                 "exit %d" % done.returncode)
    os.chmod(hasty, 0o775)
    refused(tests, "no constructor of a refused file runs", hasty,
                  "is writable by its group")


def dynamic_entry(path, tag):
    """Where the value of the first entry with that tag is in the file."""
    with open(path, "rb") as file:
        content = file.read()
    start, = struct.unpack_from("=Q", content, 32)
    size, count = struct.unpack_from("=HH", content, 54)
    for segment in range(start, start + size * count, size):
        if struct.unpack_from("=I", content, segment) == (2,):  # PT_DYNAMIC
            at, = struct.unpack_from("=Q", content, segment + 8)
            while struct.unpack_from("=q", content, at) != (tag,):
                at += 16
            return at + 8
    raise AssertionError("no dynamic section")


def test_libraries(tests, folder):
    """What a connector is linked with comes from where the system has it."""
    library = folder + "/libslipped.so"
    marker = folder + "/slipped"
    source = folder + "/slipped.c"
    with open(source, "w", encoding="ascii") as file:
        file.write('#include <stdio.h>\n__attribute__ ((constructor)) '
                   'static void slip (void) { fclose (fopen ("%s", "w")); }\n'
                   % marker)
    subprocess.run(COMPILER + ["-shared", "-fPIC", "-o", library, source],
                   check=True)
    os.chmod(library, 0o666)
    for name, words in (("by its path", [library]),
                        ("by a path from here", ["./libslipped.so"])):
        here = os.getcwd()
        os.chdir(folder)
        linked = build(folder + "/linked.so", ["-Wl,--no-as-needed", *words])
        os.chdir(here)
        refused(tests, "a library " + name, linked,
                "it names the library %s by a path" % words[0])
    tests.result(not os.path.exists(marker), "which was not loaded")
    name = "a name that is out of bounds"
    if sys.maxsize < 2 ** 32:
        tests.skip(name, "the test knows files of 64 bits only")
        return
    whole = build(folder + "/whole.so", ["-Wl,--no-as-needed", "-lm"])
    accepted(tests, "a library by its name", whole)
    for tag, value in ((1, 1 << 40), (1, (1 << 64) - 1), (5, 1 << 40), (5, 0),
                       (10, 0)):
        broken = changed(whole, folder + "/broken.so",
                         dynamic_entry(whole, tag), struct.pack("=Q", value))
        refused(tests, "%s: %d, %#x" % (name, tag, value), broken,
                "the name of a library it needs is damaged")


def test_file(tests, folder, good):
    """What kind of file it is, and who may change it."""
    refused(tests, "no such file", folder + "/nothing.so",
                  "open connector %s/nothing.so: No such file" % folder)
    refused(tests, "no such folder", folder + "/nothing/x.so", "No such file")
    link = folder + "/link.so"
    os.symlink(good, link)
    refused(tests, "a symbolic link", link, "it is a symbolic link")
    refused(tests, "a folder", folder, "it is no regular file")
    refused(tests, "a folder with a slash", folder + "/", "is a folder")
    os.mkfifo(folder + "/pipe.so", 0o600)
    refused(tests, "a named pipe", folder + "/pipe.so",
                  "it is no regular file")

    victim = folder + "/victim.so"
    shutil.copy(good, victim)
    os.chmod(victim, 0o775)
    refused(tests, "a file that the group may write", victim,
                  victim + " is writable by its group (chmod g-w)")
    os.chmod(victim, 0o757)
    refused(tests, "a file that all may write", victim,
                  victim + " is writable by everybody (chmod o-w)")


def test_folders(tests, folder, good):
    shared = folder + "/shared"
    os.mkdir(shared)
    os.mkdir(shared + "/inner")
    inside = shutil.copy(good, shared + "/inner/good.so")
    os.chmod(shared, 0o775)
    refused(tests, "a folder above that the group may write", inside,
                  shared + " is writable by its group (chmod g-w)")
    os.chmod(shared, 0o757)
    refused(tests, "a folder above that all may write", inside,
                  shared + " is writable by everybody (chmod o-w)")
    os.chmod(shared, 0o1777)
    accepted(tests, "a folder like /tmp", inside)
    os.chmod(shared, 0o755)
    link = folder + "/way"
    os.symlink(shared, link)
    accepted(tests, "a way through a link to a good folder",
                   link + "/inner/good.so")
    os.chmod(shared + "/inner", 0o775)
    refused(tests, "a way through a link to a bad folder",
                  link + "/inner/good.so",
                  shared + "/inner is writable by its group")


def test_owner(tests, folder, good):
    name = "a file of somebody else"
    if os.geteuid() != 0:
        tests.skip(name, "only root can give files away")
        return
    victim = folder + "/stranger.so"
    shutil.copy(good, victim)
    os.chown(victim, 12345, 0)
    refused(tests, name, victim, victim + " belongs to user 12345; it must "
                  "belong to root or to the user who runs ezcdc")
    os.mkdir(folder + "/foreign")
    inside = shutil.copy(good, folder + "/foreign/good.so")
    os.chown(folder + "/foreign", 12345, 0)
    refused(tests, "a folder of somebody else", inside,
                  folder + "/foreign belongs to user 12345")


def test_names(tests, folder, good):
    refused(tests, "an unknown name", "nothing", "there is no connector nothing in %s"
                  % folder, "--connector-dir", folder)
    refused(tests, "a name with a wrong letter", "No-Thing",
                  "is no name of a connector", "--connector-dir", folder)
    done = run([EZCDC, "connectors", good])
    tests.result(done.returncode == 2 and "allow_path" in done.stderr,
                 "a path that was not allowed", done.stderr)


def test_curiosity(tests, folder):
    """A connector does not find the key in the environment."""
    curious = build(folder + "/curious.so", ["-DCURIOUS"])
    os.environ["CONFIG_ENCRYPTION_KEY"] = "00" * 32
    accepted(tests, "the key is gone before a connector can look", curious)
    del os.environ["CONFIG_ENCRYPTION_KEY"]


def main():
    os.umask(0o022)
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        os.chmod(folder, stat.S_IRWXU)
        good = build(folder + "/good.so", [])
        accepted(tests, "nothing is wrong", good)
        accepted(tests, "a source without its optional functions",
                       build(folder + "/source.so", SOURCE_KIND))
        for flags, reason in DESCRIPTORS:
            path = build(folder + "/bad.so", flags)
            refused(tests, " ".join(flags), path, reason)
            os.unlink(path)
        test_content(tests, folder, good)
        test_libraries(tests, folder)
        test_file(tests, folder, good)
        test_folders(tests, folder, good)
        test_owner(tests, folder, good)
        test_names(tests, folder, good)
        test_curiosity(tests, folder)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
