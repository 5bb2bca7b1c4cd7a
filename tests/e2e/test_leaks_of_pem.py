# SPDX-License-Identifier: Apache-2.0
"""Private keys and certificates that a configuration holds are shown nowhere,
not a line of them, whatever is wrong with them and wherever they stand."""

import pathlib
import subprocess

import pytest

from harness.canaries import found, pem_pieces

# Some thousand commands: what they say is the same with sanitizers.
pytestmark = pytest.mark.long

COMMANDS = (("check",), ("run", "--until-caught-up"), ("verify",),
            ("status", "--json"), ("key", "status"), ("reseal",), ("seal",))
MORE = (("status",), ("verify", "--json"), ("key", "status", "--json"),
        ("key", "retire", "0" * 16), ("connectors", "--policy"),
        ("audit", "setup-keys"))


@pytest.fixture(scope="session")
def pems(base):
    """{name: PEM text}: keys, and a certificate of one of them."""
    folder = base / "pems"
    folder.mkdir()

    def openssl(*arguments):
        return subprocess.run(["openssl", *map(str, arguments)], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True).stdout

    key = folder / "key"
    texts = {
        "key": openssl("genpkey", "-algorithm", "RSA", "-out", key),
        # Its last line ends with "=".
        "short": openssl("genpkey", "-algorithm", "ed448"),
        "certificate": openssl("req", "-x509", "-key", key, "-subj", "/CN=x"),
        "encrypted": openssl("pkcs8", "-topk8", "-in", key, "-passout",
                             "pass:x"),
        "old": openssl("rsa", "-in", key, "-traditional"),
        "old encrypted": openssl("rsa", "-in", key, "-traditional", "-aes128",
                                 "-passout", "pass:x"),
    }
    texts["key"] = key.read_text()
    return texts


def halves(text):
    lines = text.splitlines(keepends=True)
    return "".join(lines[:len(lines) // 2]), "".join(lines[len(lines) // 2:])


def last_line(text):
    return text.splitlines(keepends=True)[-1]


FORMS = {
    "a key": lambda pems: pems["key"],
    "a short key": lambda pems: pems["short"],
    "a certificate": lambda pems: pems["certificate"],
    "both": lambda pems: pems["certificate"] + pems["key"],
    "two keys": lambda pems: pems["key"] + pems["short"],
    "an old key": lambda pems: pems["old"],
    "an encrypted key": lambda pems: pems["encrypted"],
    "an old encrypted key": lambda pems: pems["old encrypted"],
    "no end": lambda pems: halves(pems["key"])[0],
    "no beginning": lambda pems: halves(pems["key"])[1],
    "a cut key": lambda pems: halves(pems["key"])[0] + last_line(pems["key"]),
    "a cut certificate": lambda pems: (halves(pems["certificate"])[0]
                                       + last_line(pems["certificate"])),
    "called a certificate": lambda pems: pems["key"].replace("PRIVATE KEY",
                                                             "CERTIFICATE"),
    "called a key": lambda pems: pems["certificate"].replace("CERTIFICATE",
                                                             "PRIVATE KEY"),
    "called nothing": lambda pems: pems["key"].replace("PRIVATE KEY", "X"),
    "a damaged key": lambda pems: pems["key"].replace("\nM", "\n!", 1),
    "a changed key": lambda pems: pems["key"].replace("A", "B"),
    "small letters": lambda pems: pems["key"].replace("BEGIN PRIVATE KEY",
                                                      "begin private key"),
    "a line for a name": lambda pems: pems["key"].replace(
        "PRIVATE KEY", pems["key"].splitlines()[3]),
    "no dashes": lambda pems: pems["key"].replace("-", ""),
    "no marks": lambda pems: "".join(pems["key"].splitlines(True)[1:-1]),
    "a word before it": lambda pems: f"key: {pems['key']}",
}
OPTIONS = ("ssl_client_key", "ssl_client_cert", "ssl_root_cert", "ssl_crl",
           "password")
by_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def tell_all(pipeline, text=None, commands=COMMANDS):
    """text is the configuration that each command begins with."""
    codes = []
    for command in commands:
        if text is not None:
            pipeline.ini.write_text(text)
        codes.append(pipeline(*command, pipeline.ini).code)
    pipeline("audit", "show", pipeline.audit_log)
    pipeline("audit", "show", "--json", pipeline.audit_log)
    return codes


def assert_untold(world, pipeline, text):
    pipeline.ini.write_text("")
    leaks = found(world, pipeline, *pem_pieces(text))
    assert not leaks, pipeline.outputs()
    # Nor has a file such a name.
    assert not list(pathlib.Path().glob("*-----BEGIN*"))


def test_the_search_finds(world, pems):
    pipeline = world.pipeline()
    pipeline.seal()
    assert_untold(world, pipeline, pems["key"])
    for line in pems["key"].splitlines()[1:-1]:
        (pipeline.folder / "x").write_text(f"x{line[5:40]}x")
        assert found(world, pipeline, *pem_pieces(pems["key"])), line


@by_form
@pytest.mark.parametrize("option, line_end", [
    *((option, "\\n") for option in OPTIONS), ("ssl_client_key", " ")])
def test_inline(world, pems, option, form, line_end):
    text = form(pems)
    pipeline = world.pipeline(pipeline={"log_level": "debug",
                                        "give_up_after": "1s"})
    pipeline.seal()
    pipeline.section("source", **{option: text.strip().replace("\n", line_end)})
    if option == "ssl_client_cert":
        pipeline.section("source", ssl_client_key="/dev/null")
    codes = tell_all(pipeline, pipeline.text())
    assert any(codes)
    assert_untold(world, pipeline, text)


@by_form
@pytest.mark.parametrize("option", OPTIONS)
def test_sealed(world, pems, option, form):
    text = form(pems)
    pipeline = world.pipeline(pipeline={"log_level": "debug",
                                        "give_up_after": "1s"})
    pipeline.seal()
    pipeline.section("source", **{option: None})
    pipeline.write()
    pipeline("seal", pipeline.ini, "--set", f"source.{option}", input=text)
    tell_all(pipeline)
    assert_untold(world, pipeline, text)


# Where a PEM text has no business.

@pytest.mark.parametrize("form", ["a key", "a word before it"])
@pytest.mark.parametrize("key", [
    "pipeline.name", "pipeline.state_dir", "pipeline.audit_log",
    "pipeline.audit_syslog", "pipeline.connector_dir", "pipeline.log_level",
    "pipeline.confine", "connectors.require", "connectors.deny",
    "connectors.sha256", "source.connector", "source.host", "source.port",
    "source.database", "source.user", "source.slot", "source.tables",
    "source.ssl_mode", "sink.connector", "sink.load_url", "sink.host",
    "batch.max_rows", "batch.memory", "batch.max_delay", "table x.target",
    "table x.match", "source.unknown"])
def test_in_another_option(world, pems, key, form):
    text = FORMS[form](pems)
    pipeline = world.pipeline(pipeline={"log_level": "debug",
                                        "give_up_after": "1s"})
    pipeline.seal()
    section, _, name = key.rpartition(".")
    pipeline.section(section,
                     **{name: text.strip().replace("\n", "\\n")[:4000]})
    assert any(tell_all(pipeline, pipeline.text(), COMMANDS + MORE))
    assert_untold(world, pipeline, text)


@pytest.mark.parametrize("option", ["ssl_client_key", "ssl_client_cert",
                                    "ssl_root_cert", "ssl_crl"])
def test_in_the_place_of_a_path(world, pems, option):
    """What is shorter than a line of a key is taken for a path."""
    text = pems["short"]
    authority = world.postgres.authority
    certificate, key = authority.issue("a-client")
    pipeline = world.pipeline()
    pipeline.section("source", ssl_client_cert=certificate, ssl_client_key=key)
    pipeline.seal()
    pipeline.section("source", **{option: text.splitlines()[1][:60]})
    assert all(tell_all(pipeline, pipeline.text(), COMMANDS[:3]))
    assert "it looks like a key itself" in pipeline.outputs()
    assert_untold(world, pipeline, text)


@pytest.mark.parametrize("form", ["a key", "a short key", "no dashes",
                                  "an old encrypted key"])
@pytest.mark.parametrize("where", ["{}", "ssl_client_key = {}", "[{}", "[{}]",
                                   "ssl_client_key: {}", "{} = x"])
def test_on_lines_of_their_own(world, pems, form, where):
    """All of it, and single lines, among them the last."""
    text = FORMS[form](pems)
    pipeline = world.pipeline()
    pipeline.seal()
    head = pipeline.text()
    lines = [line for line in text.splitlines() if len(line) == 64]
    if where != "ssl_client_key = {}":      # short enough for a path
        lines.append(text.splitlines()[-2])
    for pasted in (text.strip(), *lines[:2], *lines[-2:]):
        pipeline.ini.write_text(head.replace(
            "[source]\n", f"[source]\n{where.format(pasted)}\n"))
        assert pipeline.check().code == 2, pasted
        for command in ("status", "seal", "reseal", "run"):
            pipeline(command, pipeline.ini)
    assert_untold(world, pipeline, text)
