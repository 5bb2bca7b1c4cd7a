# SPDX-License-Identifier: Apache-2.0
"""[connectors]: which files may be loaded, by digest, by signature, by what
they declare; and that what was checked is what is loaded. Prints TAP."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

from refusals import build, macro, run
from tap import BUILD, EZCDC, Tests

PIPELINE = """[pipeline]
name = p
state_dir = %(folder)s/state
connector_dir = %(folder)s
[connectors]
%(policy)s
[source]
connector = counter
[sink]
connector = discard
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def new_key(folder, name, algorithm="ed25519"):
    """A private key; its public half is in NAME.pub."""
    key = os.path.join(folder, name)
    openssl("genpkey", "-algorithm", algorithm, "-out", key)
    openssl("pkey", "-in", key, "-pubout", "-out", key + ".pub")
    return key


def sign(path, key):
    """The command in the manual page."""
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", path,
            "-out", path + ".sig")


def ask(folder, policy, path):
    """ezcdc connectors under a policy."""
    ini = os.path.join(folder, "policy.ini")
    with open(ini, "w", encoding="ascii") as file:
        file.write("[connectors]\n" + policy + "\n")
    return run([EZCDC, "connectors", "--allow-path", "--policy", ini, path])


class Policy:
    def __init__(self, tests, folder):
        self.tests, self.folder = tests, folder

    def accepts(self, name, policy, path):
        self.tests.succeeds(ask(self.folder, policy, path), name)

    def refuses(self, name, policy, path, reason):
        done = ask(self.folder, policy, path)
        self.tests.result(
            done.returncode == 2 and reason in done.stderr
            and done.stdout == "" and done.stderr.count("\n") == 1,
            name, "expected: %s\nexit %d: %s%s" % (
                reason, done.returncode, done.stdout, done.stderr))


def test_settings(policy, good, keys):
    digest = sha256(good)
    rsa = new_key(policy.folder, "rsa", "RSA")
    for text, reason in (
            ("require = root", "connectors.require: "),
            ("required = owner", "connectors.required: "),
            ("require = sha256", "sha256 needs the digests in"),
            ("require = signature", "signature needs the key in"),
            ("sha256 = " + digest, "is looked at with require = sha256 only"),
            ("public_key = %s.pub" % keys, "with require = signature only"),
            ("require = sha256\nsha256 = " + digest[1:],
             "is no SHA-256: 64 hexadecimal digits"),
            ("require = sha256\nsha256 = g" + digest[1:], "is no SHA-256"),
            ("deny = network, colour", "\"colour\" is no capability that can "
             "be denied; there are reveal, network, tls, threads, files"),
            ("deny = log", "\"log\" is no capability that can be denied"),
            ("require = signature\npublic_key = %s.pub" % rsa,
             "holds no Ed25519 public key"),
            ("require = signature\npublic_key = /nowhere",
             "connectors.public_key: ")):
        policy.refuses("a mistake: " + text.split("/")[0], text, good, reason)


def test_digest(policy, good, hasty):
    digest, other = sha256(good), "0" * 64
    policy.accepts("a file in the list",
                   "require = sha256\nsha256 = " + digest, good)
    policy.accepts("anywhere in the list, in capitals",
                   "require = sha256\nsha256 = %s,%s, %s" % (
                       other, sha256(hasty), digest.upper()), good)
    policy.refuses("a file that is not in the list",
                   "require = sha256\nsha256 = " + other, good,
                   "its SHA-256 %s is not in connectors.sha256" % digest)
    policy.refuses("no constructor of it runs",
                   "require = sha256\nsha256 = " + digest, hasty,
                   "is not in connectors.sha256")
    tampered = shutil.copy(good, policy.folder + "/tampered.so")
    with open(tampered, "ab") as file:
        file.write(b"\0")
    policy.refuses("a file with one byte more",
                   "require = sha256\nsha256 = " + digest, tampered,
                   "is not in connectors.sha256")


def test_signature(policy, good, hasty, key):
    signed = "require = signature\npublic_key = %s.pub" % key
    policy.refuses("a file without a signature", signed, good,
                   "look for its signature: ")
    os.mkfifo(good + ".sig")
    policy.refuses("a named pipe as signature is not waited for", signed, good,
                   ".sig is not a regular file")
    os.remove(good + ".sig")
    os.mkfifo(key + ".pipe")
    policy.refuses("a named pipe as key is not waited for",
                   "require = signature\npublic_key = %s.pipe" % key, good,
                   ".pipe is not a regular file")
    sign(good, key)
    policy.accepts("a signed file", signed, good)
    with open(key + ".pub", encoding="ascii") as file:
        inline = file.read().strip().replace("\n", "\\n")
    policy.accepts("with the key in the configuration",
                   "require = signature\npublic_key = " + inline, good)
    stranger = new_key(policy.folder, "stranger")
    policy.refuses("a key that is not ours",
                   "require = signature\npublic_key = %s.pub" % stranger,
                   good, "is no signature of this file by the key")

    shutil.copy(good + ".sig", hasty + ".sig")
    policy.refuses("a signature of another file, whose code does not run",
                   signed, hasty, "is no signature of this file")
    tampered = shutil.copy(good, policy.folder + "/changed.so")
    with open(tampered, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    shutil.copy(good + ".sig", tampered + ".sig")
    policy.refuses("a file with one bit changed", signed, tampered,
                   "is no signature of this file")
    for length in (0, 63, 65):
        with open(good + ".sig", "rb") as file:
            content = (file.read() + b"\0")[:length]
        with open(tampered + ".sig", "wb") as file:
            file.write(content)
        policy.refuses("a signature of %d bytes" % length, signed, tampered,
                       "has %d bytes; a signature has 64" % length)


def test_deny(policy, folder):
    for number, word, said in ((1, "reveal", "it sees secrets"),
                               (2, "network", "it opens connections"),
                               (4, "tls", "it runs TLS by itself"),
                               (8, "threads", "it starts threads"),
                               (16, "files", "it writes files")):
        path = build(folder + "/able.so", [macro("CAPABILITIES", str(number))])
        policy.refuses("denied: " + word, "deny = " + word, path,
                       "%s" % said)
        others = [other for other in ("reveal", "network", "tls", "threads",
                                      "files") if other != word]
        policy.accepts("all but " + word, "deny = " + ", ".join(others), path)


def test_swap(tests, policy, good, hasty):
    """While a file is replaced by another again and again, by renaming and by
    writing into it, only the one that may runs: hasty would end with 99."""
    place = policy.folder + "/place.so"
    fresh = policy.folder + "/fresh.so"
    done = threading.Event()

    def swap():
        while not done.is_set():
            for path in (good, hasty):
                shutil.copy(path, fresh)
                os.rename(fresh, place)
            with open(hasty, "rb") as file:
                content = file.read()
            shutil.copy(good, fresh)
            os.rename(fresh, place)
            with open(place, "r+b") as file:
                file.write(content)

    shutil.copy(good, place)
    swapper = threading.Thread(target=swap)
    swapper.start()
    codes, reasons = [], set()
    try:
        while len(codes) < 400 and not (len(codes) >= 60
                                        and {0, 2} <= set(codes)):
            asked = ask(policy.folder, "require = sha256\nsha256 = "
                        + sha256(good), place)
            codes.append(asked.returncode)
            reasons.add(asked.stderr)
    finally:
        done.set()
        swapper.join()
    tests.equal(sorted(set(codes)), [0, 2],
                "a file that is swapped all the time is loaded or refused")


def test_pipeline(tests, folder):
    """The runner keeps to it, and the refusal is audited; so does seal."""
    for name in ("counter", "discard"):
        copy = shutil.copy(os.path.join(BUILD, "tests", "connectors", ".libs",
                                        name + ".so"), folder)
        os.chmod(copy, 0o755)
    ini = folder + "/p.ini"

    def configure(policy):
        with open(ini, "w", encoding="ascii") as file:
            file.write(PIPELINE % {"folder": folder, "policy": policy})

    counter = sha256(folder + "/counter.so")
    discard = sha256(folder + "/discard.so")
    configure("require = sha256\nsha256 = %s, %s" % (counter, discard))
    tests.succeeds(run([EZCDC, "run", "--until-caught-up", ini], timeout=300),
                   "a pipeline with both in the list")
    configure("require = sha256\nsha256 = " + counter)
    done = run([EZCDC, "run", "--until-caught-up", ini], timeout=300)
    tests.result(done.returncode == 2
                 and "sink.connector: refuse connector" in done.stderr,
                 "a pipeline with one that is not", done.stderr)
    with open(folder + "/state/p/audit.jsonl", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    loaded = [record["detail"] for record in records
              if record["action"] == "connector.loaded"]
    tests.equal({(detail["sha256"], detail["require"]) for detail in loaded},
                {(counter, "sha256"), (discard, "sha256")},
                "what was loaded is audited with its digest")
    denied = [record for record in records
              if record["action"] == "connector.rejected"]
    tests.equal([(record["outcome"], record["detail"]["sha256"])
                 for record in denied], [("denied", discard)],
                "what was refused, too")
    done = run([EZCDC, "seal", ini])
    tests.result(done.returncode == 2 and "is not in connectors.sha256"
                 in done.stderr, "seal asks no connector that is refused",
                 "exit %d: %s" % (done.returncode, done.stderr))


def main():
    os.umask(0o022)
    tests = Tests()
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        policy = Policy(tests, folder)
        good = build(folder + "/good.so", [])
        hasty = build(folder + "/hasty.so", ["-DBAD_CONSTRUCTOR"])
        key = new_key(folder, "key")
        test_settings(policy, good, key)
        test_digest(policy, good, hasty)
        test_signature(policy, good, hasty, key)
        test_deny(policy, folder)
        test_swap(tests, policy, good, hasty)
        pipeline = folder + "/pipeline"
        os.mkdir(pipeline)
        test_pipeline(tests, pipeline)
        shown = run([EZCDC, "connectors", "--connector-dir", pipeline])
        tests.result(sha256(pipeline + "/discard.so") in shown.stdout,
                     "the list shows digests", shown.stdout)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
