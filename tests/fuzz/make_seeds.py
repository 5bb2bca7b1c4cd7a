# SPDX-License-Identifier: Apache-2.0
"""Writes the first inputs of the fuzz targets into corpus/: small ones, as the
real peers send them. Run it by hand after a format has changed."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

SEALED = ("ezc1:RVpDMQEPyEaktLSis6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5urue4TvQm63"
          "tg_mZtyhaJ7XY3BGuAtPDaRCbXdtJ86VFyQwpPrfb6QmP00u1pIr4QfDdF-ePEX-jwM6a"
          "S1IJpesatbiCduAXUzqvEfBT_I64gg")


def write(target, name, content):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def envelope():
    write("envelope", "opens", SEALED)
    write("envelope", "empty-record", SEALED[:5])
    write("envelope", "cut", SEALED[:90])
    write("envelope", "padded", SEALED + "=")
    write("envelope", "other-version", "ezc2:" + SEALED[5:])


def message(kind, number, *fields, serial=1):
    """See core/keeper/protocol.h."""
    packet = struct.pack("<BBHIi", kind, len(fields), 0, serial, number)
    for field in fields:
        packet += struct.pack("<H", len(field)) + field.encode()
    return packet


def protocol():
    write("protocol", "open", message(1, 0, "source", "password", "connect"))
    write("protocol", "open-other", message(1, 0, "sink", "password", ""))
    write("protocol", "open-plain", message(1, 0, "pipeline", "name", "x"))
    write("protocol", "audit", message(2, 0, "table.created", "public.t",
                                       "success", '{"rows":1,"x":"\\u007f"}'))
    write("protocol", "opened", message(3, 11))
    write("protocol", "written", message(4, 0))
    write("protocol", "refused", message(5, -7, "no"))
    write("protocol", "late", message(4, 0, serial=9))
    write("protocol", "watch", message(6, 0))
    write("protocol", "memory", message(8, 0))
    write("protocol", "done", message(9, 3))
    write("protocol", "new-file", message(10, 0))
    write("protocol", "file", message(7, 0, "source", "ssl_root_cert"))
    write("protocol", "file-sealed", message(7, 0, "source", "password"))
    write("protocol", "file-other", message(7, 0, "pipeline", "note"))


def request(code, text=b""):
    return b"R" + struct.pack(">II", len(text) + 8, code) + text


def authentication():
    scram = request(10, b"SCRAM-SHA-256\0\0") + request(
        11, b"r=abc,s=c2FsdA==,i=4096") + request(12, b"v=eA==")
    let_in = request(0) + b"S" + struct.pack(">I", 8) + b"a\0b\0"
    write("authentication", "scram", b"\x01" + scram + let_in)
    write("authentication", "few", b"\x01" + scram.replace(b"4096", b"1"))
    write("authentication", "md5", b"\x02" + request(5, b"salt") + let_in)
    write("authentication", "clear", b"\x04" + request(3) + let_in)
    write("authentication", "none", b"\x08" + let_in)
    write("authentication", "error", b"\x01" + b"E" + struct.pack(">I", 15)
          + b"SFATAL\0Mx\0\0")


def columns(*names):
    return b"".join(struct.pack(">B", index == 0) + name + b"\0"
                    + struct.pack(">Ii", 23, -1)
                    for index, name in enumerate(names))


def row(*values):
    """A tuple: None is NULL, Ellipsis an unchanged value."""
    packet = struct.pack(">H", len(values))
    for value in values:
        if value is None:
            packet += b"n"
        elif value is ...:
            packet += b"u"
        else:
            packet += b"t" + struct.pack(">I", len(value)) + value
    return packet


def pgoutput():
    relation = struct.pack(">I", 16384)
    write("pgoutput", "begin", b"B" + struct.pack(">QQI", 0x1566D70, 1, 740))
    write("pgoutput", "commit",
          b"C\0" + struct.pack(">QQQ", 0x1566D70, 0x1566DA0, 1))
    write("pgoutput", "relation", b"R" + relation + b"public\0orders\0d"
          + struct.pack(">H", 2) + columns(b"id", b"note"))
    write("pgoutput", "relation-of-catalog", b"R" + relation + b"\0pg_x\0f"
          + struct.pack(">H", 1) + columns(b"id"))
    write("pgoutput", "insert", b"I" + relation + b"N" + row(b"1", None))
    write("pgoutput", "update", b"U" + relation + b"N" + row(b"1", ...))
    write("pgoutput", "update-of-key", b"U" + relation + b"K" + row(b"1", None)
          + b"N" + row(b"2", b"x"))
    write("pgoutput", "update-full", b"U" + relation + b"O" + row(b"1", b"y")
          + b"N" + row(b"1", b"x"))
    write("pgoutput", "delete", b"D" + relation + b"K" + row(b"1", None))
    write("pgoutput", "truncate",
          b"T" + struct.pack(">IBII", 2, 1, 16384, 16390))
    write("pgoutput", "message", b"M\0")


# EZCDC_TYPE_... of the connector ABI.
BOOL, INT, STRING, BYTES, TIMESTAMPTZ, ARRAY_OF = 1, 3, 8, 9, 13, 32


def copied(types, text):
    return bytes([len(types)] + types) + text


def copy():
    write("copy", "plain", copied([INT, STRING], b"1\tone\n"))
    write("copy", "null", copied([INT, STRING], b"1\t\\N\n"))
    write("copy", "escapes", copied([STRING, STRING],
                                    b"a\\tb\\\\c\t\\b\\f\\n\\r\\v\n"))
    write("copy", "typed", copied([BOOL, BYTES, TIMESTAMPTZ],
                                  b"t\t\\\\x00ff\t2024-02-29 01:02:03+00\n"))
    write("copy", "arrays", copied(
        [ARRAY_OF + BOOL, ARRAY_OF + BYTES, ARRAY_OF + TIMESTAMPTZ],
        b'{t,NULL,{f}}\t{"\\\\\\\\x00ff"}\t{"2024-02-29 01:02:03+00",NULL}\n'))
    write("copy", "quoted", copied([ARRAY_OF + STRING],
                                   b'[0:1]={"a\\\\"b",c}\n'))


def answer():
    write("answer", "success", b'\0{"TxnId":1,"Label":"l","Status":"Success",'
          b'"Message":"OK","NumberTotalRows":1}')
    write("answer", "rows", b'\0{"Status":"Fail","Message":"too many filtered '
          b'rows","ErrorURL":"http://10.0.0.1:8040/api/_load_error_log"}')
    write("answer", "exists", b'\0{"Status":"Label Already Exists",'
          b'"ExistingJobStatus":"FINISHED","Message":"m"}')
    write("answer", "running", b'\0{"status":"LABEL_ALREADY_EXISTS",'
          b'"ExistingJobStatus":"RUNNING","msg":"m\\n"}')
    write("answer", "publish", b'\0{"Status":"Publish Timeout"}')
    write("answer", "state", b'\0{"state":"VISIBLE","status":"OK","msg":""}')
    write("answer", "denied", b'\2{"status":"FAILED","msg":"Access denied"}')
    write("answer", "html", b"\7<html>502</html>")


def schema():
    for name, fields in (
            ("varchar", ["name", "varchar(65533)", "YES", "", "NULL", ""]),
            ("decimal", ["price", "decimal(18, 2)", "NO", "", "0.00", ""]),
            ("key", ["id", "bigint(20)", "NO", "PRI", "\\N", ""]),
            ("largeint", ["n", "bigint(20) unsigned", "YES", "", "\\N", ""]),
            ("generated", ["g", "int(11)", "YES", "", "\\N", "a + 1"]),
            ("binary", ["b`in", "varbinary", "YES", "", "\\N", ""]),
            ("array", ["a", "array<int(11)>", "YES", "", "\\N", ""]),
            ("digits-beyond-int", ["d", "decimal(2147483648,1)", "YES"]),
            ("node", ["10.0.0.1", "8040"]),
            ("version", ["v", "3.3.11-abc"])):
        write("schema", name, "\n".join(fields))
    payload = (b"\x0a5.1.0\0" + struct.pack("<I", 7) + b"12345678\0"
               + struct.pack("<H", 0xFFFF) + b"\x21\x02\0\x0f\0\x15")
    write("schema", "greeting",
          struct.pack("<I", len(payload))[:3] + b"\0" + payload)


def url():
    write("url", "load", "https://load.example.com:8443/api?x=1\n"
          "http://10.0.0.2:8040/api/shop/t/_stream_load?")
    write("url", "user", "http://fe:8030/\n"
          "http://root:p%40ss@be.example.com.:8040/api")
    write("url", "relative", "https://FE.Example.com/a/b\n../c")
    write("url", "no-scheme", "https://fe/\n//be:1/x")
    write("url", "percent-in-host",
          "https://fe.example.com/\nhttps:/%35:%70/x/x")
    write("url", "number-in-percent", "//%325")
    write("url", "port-in-percent", "http://10.0.0.1%3a8040/\n/")
    write("url", "address", "http://[::1]:8030/\nhttp://127.1:65535")


MEMBERS = {"magic": 0, "size": 1, "major": 2, "minor": 3, "minimum": 4,
           "must": 5, "stride": 6, "count": 7, "kind": 8, "threads": 9,
           "capabilities": 10, "source_size": 11, "sink_size": 12, "name": 13,
           "version": 14, "option": 17, "functions": 41}


def number(member, value):
    return bytes([member]) + struct.pack("<Q", value)


def text(member, value):
    return bytes([member, len(value)]) + value


def descriptor():
    sink, option = 2, MEMBERS["option"]
    write("descriptor", "sink", number(MEMBERS["kind"], sink))
    write("descriptor", "one-option", number(MEMBERS["count"], 1)
          + text(option, b"colour"))
    write("descriptor", "longer", number(MEMBERS["size"], 128)
          + number(MEMBERS["sink_size"], 256)
          + number(MEMBERS["stride"], 72))
    write("descriptor", "shorter", number(MEMBERS["size"], 104))
    write("descriptor", "choice", number(MEMBERS["count"], 1)
          + text(option + 1, b"b") + text(option + 2, b"a|b")
          + number(option + 6, 5))
    write("descriptor", "limits", number(MEMBERS["count"], 1)
          + text(option + 1, b"5KiB") + number(option + 4, 1)
          + number(option + 5, 1 << 40) + number(option + 6, 3))
    write("descriptor", "tls", number(MEMBERS["capabilities"], 0x1FF))
    write("descriptor", "many", number(MEMBERS["count"], 256))
    write("descriptor", "null-name", bytes([MEMBERS["name"], 255]))
    write("descriptor", "function", bytes([MEMBERS["functions"] + 3]))


for make in (authentication, envelope, protocol, pgoutput, copy, answer, schema,
             url, descriptor):
    make()
