# SPDX-License-Identifier: Apache-2.0
"""The memory of another process, as root reads it, searched for secrets."""

import array
import base64
import collections
import hashlib
import hmac
import itertools
import os
import re
import subprocess

import pytest

# The shortest remnant that is found for certain is one byte less than two
# slices. What a free block's notes overwrite is two words at its beginning.
SLICE = 8
PAGE = os.sysconf("SC_PAGESIZE")


def needs_root():
    """A mark for tests that read the memory of others."""
    return pytest.mark.skipif(os.geteuid() != 0, reason=(
        "only root reads the memory of a process that is not dumpable"))


class Secret:
    """Bytes to look for, also in part: each eighth byte begins a slice.

    skip leaves out a beginning that is not secret, as a user's name.
    """

    def __init__(self, name, value, skip=0):
        self.name = name
        value = value.encode() if isinstance(value, str) else value
        assert len(value) >= skip + SLICE, f"{name} is too short to look for"
        self.slices = [value[at:at + SLICE] for at in
                       range(skip, len(value) - SLICE + 1, SLICE)]

    def count(self, data):
        """How often it is there, whole or in part."""
        return max(data.count(piece) for piece in self.slices)


def scram(postgres, role, password):
    """What SCRAM derives from a password; as good as the password itself."""
    verifier = postgres.value("SELECT rolpassword FROM pg_authid"
                              " WHERE rolname = %s", (role,))
    method, parameters, _ = verifier.split("$")
    assert method == "SCRAM-SHA-256", verifier
    iterations, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(),
                                 base64.b64decode(salt), int(iterations))
    client = hmac.digest(salted, b"Client Key", "sha256")
    return [Secret("SaltedPassword", salted), Secret("ClientKey", client)]


def md5(role, password):
    """What is enough to answer any challenge of PostgreSQL's md5."""
    return [Secret("md5 of the password",
                   hashlib.md5((password + role).encode()).hexdigest())]


def mysql_native(password):
    """What is enough to answer any challenge of mysql_native_password."""
    return [Secret("SHA-1 of the password",
                   hashlib.sha1(password.encode()).digest())]


def basic(user, password):
    """The value of an Authorization header."""
    text = base64.b64encode(f"{user}:{password}".encode())
    # The first characters that no character of the user's name goes into.
    return [Secret("Basic header", text, skip=-(-(len(user) + 1) // 3) * 4)]


def private_key(path):
    """The private numbers of a key file: in its PEM text, in DER, and as
    OpenSSL computes with them."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-text", "-noout"],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    numbers = {}
    for name, digits in re.findall(r"^(\w+):\n((?:    .*\n)+)", text, re.M):
        if name in ("priv", "privateExponent", "prime1", "prime2"):
            numbers[name] = bytes.fromhex(
                re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
    assert numbers, "no key"
    return [_in_pem(path, max(numbers.values(), key=len)),
            *(Secret(f"{name} in DER", number)
              for name, number in numbers.items()),
            *(Secret(f"{name} as a number", number[::-1])
              for name, number in numbers.items())]


def _in_pem(path, number):
    """The longest part of one line that is of the number alone: a public key
    stands in certificates, too."""
    lines = path.read_bytes().splitlines()[1:-1]
    at = base64.b64decode(b"".join(lines)).index(number)
    first, end = -(-at // 3) * 4, (at + len(number)) // 3 * 4
    parts = [line[max(first - place, 0):max(end - place, 0)] for place, line
             in zip(range(0, 64 * len(lines), 64), lines)]
    return Secret("PEM", max(parts, key=len))


def _hkdf(key, salt, info):
    extracted = hmac.digest(salt, key, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def record_key(root, sealed):
    """The key of one sealed value."""
    text = sealed[len("ezc1:"):]
    header = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Magic, algorithm, key id, then the salt.
    return _hkdf(bytes.fromhex(root), header[13:29], b"ezcdc/v1/cred")


def keys(root, sealed):
    """The root key, and the record keys of {name: sealed value}."""
    upper = Secret("root key in digits, upper case", root.upper())
    # A slice without a letter is the same in lower case.
    upper.slices = [piece for piece in upper.slices if piece != piece.lower()]
    return [Secret("root key", bytes.fromhex(root)),
            Secret("root key in digits", root.lower()), upper,
            *(Secret(f"record key of {name}", record_key(root, value))
              for name, value in sealed.items())]


class Mapping:
    """A line of /proc/PID/maps."""

    def __init__(self, line):
        span, self.access, *rest = line.split(maxsplit=5)
        self.start, self.end = (int(part, 16) for part in span.split("-"))
        self.name = rest[3].strip() if len(rest) == 4 else ""

    def __repr__(self):
        return f"{self.start:x}-{self.end:x} {self.access} {self.name}"


def mappings(pid):
    with open(f"/proc/{pid}/maps") as maps:
        return [Mapping(line) for line in maps]


def flags(pid, mapping):
    """The VmFlags of a mapping, a set of two letters each."""
    with open(f"/proc/{pid}/smaps") as lines:
        for line in lines:
            if line.startswith(f"{mapping.start:x}-"):
                break
        for line in lines:
            if line.startswith("VmFlags:"):
                return set(line.split()[1:])
    raise AssertionError(f"no mapping {mapping} in process {pid}")


def _resident(pagemap, mapping):
    """The spans of a mapping that are in memory or swapped out: untouched room
    of the heap is large, and holds nothing."""
    first = mapping.start // PAGE
    number = mapping.end // PAGE - first
    entries = array.array("Q")
    pagemap.seek(first * entries.itemsize)
    entries.frombytes(pagemap.read(number * entries.itemsize))
    place = 0
    for there, pages in itertools.groupby(entry >> 62 != 0
                                          for entry in entries):
        length = len(list(pages))
        if there:
            yield (first + place) * PAGE, length * PAGE
        place += length


def _read(memory, start, length):
    """What can be read; b"" if it is nobody's to read."""
    try:
        memory.seek(start)
        return memory.read(length)
    except OSError:
        return b""


def search(pid, secrets):
    """(secret's name, mapping) for each time that a secret is there."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, \
            open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for mapping in mappings(pid):
            if mapping.name == "[vsyscall]":
                continue
            for span in _resident(pagemap, mapping):
                data = _read(memory, *span)
                for secret in secrets:
                    found += [(secret.name, mapping)] * secret.count(data)
    return found


def count(pid, secrets):
    """{secret's name: how often}, of those that are there."""
    return dict(collections.Counter(
        name for name, _ in search(pid, secrets)))
