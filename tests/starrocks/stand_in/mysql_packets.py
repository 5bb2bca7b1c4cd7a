# SPDX-License-Identifier: Apache-2.0
"""Packets of the MySQL protocol as a StarRocks frontend makes them."""

import struct

SSL = 0x800
CONNECT_WITH_DB = 0x8
SECURE_CONNECTION = 0x8000
PLUGIN_AUTH = 0x80000
PLUGIN_AUTH_LENENC = 0x200000
CAPABILITIES = 0x0038820C
OLD_CAPABILITIES = 0x0008820C
NATIVE = b"mysql_native_password"
CLEAR = b"mysql_clear_password"
BINARY_CHARSET = 63
UTF8_CHARSET = 33

# Column types: (code, charset, length, decimals)
KINDS = {"BOOLEAN": (1, 63, 1, 0), "TINYINT": (1, 63, 4, 0),
         "SMALLINT": (2, 63, 6, 0), "INT": (3, 63, 11, 0),
         "BIGINT": (8, 63, 20, 0), "LARGEINT": (254, 33, 40, 0),
         "FLOAT": (4, 63, 12, 31), "DOUBLE": (5, 63, 22, 31),
         "DATE": (10, 63, 10, 0), "DATETIME": (12, 63, 26, 0),
         "CHAR": (254, 33, 255, 0), "VARCHAR": (253, 33, 255, 0),
         "JSON": (254, 33, 255, 0), "ARRAY": (254, 33, 255, 0),
         "VARBINARY": (252, 63, 255, 0)}


def lenenc(number):
    if number < 251:
        return bytes([number])
    if number < 1 << 16:
        return b"\xfc" + struct.pack("<H", number)
    if number < 1 << 24:
        return b"\xfd" + struct.pack("<I", number)[:3]
    return b"\xfe" + struct.pack("<Q", number)


def text(data):
    if isinstance(data, str):
        data = data.encode()
    return lenenc(len(data)) + data


def handshake(banner, connection, scramble, capabilities):
    return b"".join([
        b"\x0a", banner.encode(), b"\0", struct.pack("<I", connection),
        scramble[:8], b"\0", struct.pack("<H", capabilities & 0xFFFF),
        bytes([UTF8_CHARSET]), struct.pack("<H", 0),
        struct.pack("<H", capabilities >> 16), bytes([21]), bytes(10),
        scramble[8:20], b"\0", NATIVE, b"\0"])


class Answer:
    """What a client says after the handshake."""

    def __init__(self, data):
        self.capabilities, self.limit, self.charset = struct.unpack_from(
            "<IIB", data)
        self.user = self.database = ""
        self.auth = b""
        self.plugin = b""
        if len(data) == 32:
            return
        at = 32
        end = data.index(b"\0", at)
        self.user = data[at:end].decode()
        at = end + 1
        if self.capabilities & (PLUGIN_AUTH_LENENC | SECURE_CONNECTION):
            size = data[at]
            self.auth = data[at + 1:at + 1 + size]
            at += 1 + size
        else:
            end = data.index(b"\0", at)
            self.auth = data[at:end]
            at = end + 1
        if self.capabilities & CONNECT_WITH_DB and at < len(data):
            end = data.index(b"\0", at)
            self.database = data[at:end].decode()
            at = end + 1
        if self.capabilities & PLUGIN_AUTH and at < len(data):
            end = data.find(b"\0", at)
            self.plugin = data[at:end if end >= 0 else len(data)]


def ok(affected=0, info=""):
    return b"\0" + lenenc(affected) + lenenc(0) + struct.pack("<HH", 0, 0) \
        + (text(info) if info else b"")


def eof():
    return b"\xfe" + struct.pack("<HH", 0, 0)


def error(code, state, message):
    return b"\xff" + struct.pack("<H", code) + b"#" + state.encode() \
        + message.encode()


def auth_switch(plugin, scramble):
    return b"\xfe" + plugin + b"\0" + scramble + b"\0"


def column(name, type_, table="", database="", default=False):
    if type_.name == "DECIMAL":
        code, charset, length, decimals = 246, 63, 40, type_.scale
    else:
        code, charset, length, decimals = KINDS[type_.name]
        if type_.length:
            length = min(type_.length * 3, 2 ** 32 - 1)
    flags = 128 if charset == BINARY_CHARSET else 0
    packet = b"".join([
        text("def"), text(database), text(table), text(table), text(name),
        text(name), b"\x0c", struct.pack("<HIBHB", charset, length, code,
                                         flags, decimals), b"\0\0"])
    return packet + (b"\xfb" if default else b"")
