# SPDX-License-Identifier: Apache-2.0
"""The MySQL port: sign-in, TLS, commands."""

import os
import socket
import ssl
import struct
import threading

from . import mysql_packets as packets
from .convert import print_stored
from .errors import SqlError
from .session import Session
from .statements import Done, Executor

MOST = 0xFFFFFF


class Closed(Exception):
    pass


class Wire:
    """Packets over a socket, which may become a TLS socket."""

    def __init__(self, sock):
        self.socket = sock
        self.sequence = 0

    def exactly(self, size):
        pieces = []
        while size:
            try:
                piece = self.socket.recv(min(size, 1 << 20))
            except (OSError, ssl.SSLError):
                raise Closed() from None
            if not piece:
                raise Closed()
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def read(self):
        payload = []
        while True:
            head = self.exactly(4)
            size = head[0] | head[1] << 8 | head[2] << 16
            self.sequence = (head[3] + 1) & 0xFF
            payload.append(self.exactly(size))
            if size < MOST:
                return b"".join(payload)

    def frame(self, payload):
        out = bytearray()
        at = 0
        while True:
            piece = payload[at:at + MOST]
            out += struct.pack("<I", len(piece))[:3]
            out.append(self.sequence)
            out += piece
            self.sequence = (self.sequence + 1) & 0xFF
            at += MOST
            if len(piece) < MOST:
                return out

    def send(self, *payloads):
        data = bytearray()
        for payload in payloads:
            data += self.frame(payload)
            if len(data) > 1 << 18:
                self.write(data)
                data = bytearray()
        self.write(data)

    def write(self, data):
        try:
            self.socket.sendall(data)
        except (OSError, ssl.SSLError):
            raise Closed() from None


class MysqlFront:
    def __init__(self, cluster, port, tls=None, tls_required=False):
        self.cluster = cluster
        self.tls = tls
        self.tls_required = tls_required
        self.counter = 0
        self.socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, peer = self.socket.accept()
            except OSError:
                return
            self.counter += 1
            threading.Thread(target=self.serve, daemon=True,
                             args=(sock, peer, self.counter)).start()

    def serve(self, sock, peer, number):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(self, sock, peer, number)
        try:
            if client.sign_in():
                client.commands()
        except (Closed, ValueError, IndexError, struct.error):
            pass
        finally:
            self.cluster.store.close_reader()
            client.wire.socket.close()


class Client:
    def __init__(self, front, sock, peer, number):
        self.front = front
        self.cluster = front.cluster
        self.wire = Wire(sock)
        self.session = Session(self.cluster, number, peer)
        self.executor = Executor(self.cluster, self.session)
        self.is_tls = False

    def fail(self, code, state, message):
        self.wire.send(packets.error(code, state, message))
        return False

    # sign-in

    def scramble(self):
        """20 random bytes without NUL."""
        return bytes(b % 126 + 1 for b in os.urandom(20))

    def sign_in(self):
        scramble = self.scramble()
        capabilities = packets.CAPABILITIES \
            if self.cluster.version.at_least(3) else packets.OLD_CAPABILITIES
        if self.front.tls:
            capabilities |= packets.SSL
        self.wire.send(packets.handshake(
            self.cluster.version.banner, self.session.id, scramble,
            capabilities))
        answer = packets.Answer(self.wire.read())
        if answer.capabilities & packets.SSL and self.front.tls:
            if not self.start_tls():
                return False
            answer = packets.Answer(self.wire.read())
        if self.front.tls_required and not self.is_tls:
            return self.fail(5205, "HY000", "Connections using insecure"
                             " transport are prohibited")
        if not self.authenticate(answer, scramble):
            return self.fail(1045, "28000", "Access denied for user '%s'@'%s'"
                             " (using password: %s)" % (
                                 answer.user, self.session.peer[0],
                                 "YES" if answer.auth else "NO"))
        self.session.user = answer.user
        if answer.database and not self.use(answer.database):
            return False
        self.cluster.manners.statement(
            sql="", connect=True, user=answer.user, tls=self.is_tls,
            session=self.session.id, error=None)
        self.wire.send(packets.ok())
        return True

    def start_tls(self):
        try:
            self.wire.socket.settimeout(30)
            self.wire.socket = self.front.tls.wrap_socket(
                self.wire.socket, server_side=True)
            self.wire.socket.settimeout(None)
        except (OSError, ssl.SSLError):
            return False
        self.is_tls = True
        return True

    def authenticate(self, answer, scramble):
        users = self.cluster.users
        if users.plugin(answer.user) == "clear":
            self.wire.send(packets.auth_switch(packets.CLEAR, b""))
            password = self.wire.read().rstrip(b"\0")
            if not self.is_tls:
                self.cluster.manners.complain("clear_password_without_tls")
            return users.check(answer.user, password.decode())
        if answer.plugin not in (b"", packets.NATIVE):
            scramble = self.scramble()
            self.wire.send(packets.auth_switch(packets.NATIVE, scramble))
            answer.auth = self.wire.read()
        return users.check_native(answer.user, scramble, answer.auth)

    # commands

    def commands(self):
        while True:
            self.wire.sequence = 0
            data = self.wire.read()
            code = data[0] if data else -1
            rest = data[1:]
            if code == 1:
                return
            if code == 2:
                if self.use(rest.decode()):
                    self.wire.send(packets.ok())
            elif code == 3:
                self.query(rest)
            elif code == 4:
                self.field_list(rest)
            elif code == 14:
                self.wire.send(packets.ok())
            elif code == 31:
                self.session.reset()
                self.wire.send(packets.ok())
            elif code == 22 and self.cluster.version.at_least(3, 2):
                self.cluster.manners.complain("prepared_statement",
                                              rest.decode("utf-8", "replace"))
                self.fail(1295, "HY000", "This command is not supported in"
                          " the prepared statement protocol yet")
            else:
                self.fail(1047, "08S01", "Unknown command")

    def use(self, name):
        try:
            with self.cluster.lock:
                self.session.database = \
                    self.cluster.catalog.check_database(name)
        except SqlError as error:
            self.fail(error.code, error.state, error.text)
            return False
        return True

    def query(self, data):
        try:
            sql = data.decode("utf-8")
        except UnicodeDecodeError:
            self.fail(1064, "42000", "The SQL is not valid UTF-8")
            return
        fault = self.cluster.faults.strike("sql", sql, None)
        if fault:
            self.fail(fault.get("status", 1064), "HY000",
                      fault.get("message", "oops"))
            return
        try:
            result = self.executor.execute(sql)
        except SqlError as error:
            self.fail(error.code, error.state, error.text)
            return
        except Exception as error:
            self.fail(1064, "HY000", "stand-in error: %r" % error)
            raise
        if isinstance(result, Done):
            self.wire.send(packets.ok(result.affected, result.info))
        else:
            self.send_result(result)

    def send_result(self, result):
        head = [packets.lenenc(len(result.columns))]
        head += [packets.column(n, t) for n, t in result.columns]
        head.append(packets.eof())
        self.wire.send(*head)
        printers = [self.printer(t) for _, t in result.columns]
        batch = []
        for row in result.rows:
            batch.append(b"".join([
                b"\xfb" if value is None else packets.text(printer(value))
                for value, printer in zip(row, printers)]))
            if len(batch) >= 1000:
                self.wire.send(*batch)
                batch = []
        self.wire.send(*batch, packets.eof())

    def printer(self, type_):
        microseconds = self.cluster.version.prints_microseconds
        if type_.name in ("VARBINARY",):
            return lambda v: v
        if type_.name in ("VARCHAR", "CHAR", "DECIMAL", "JSON"):
            return lambda v: v if isinstance(v, (str, bytes)) else str(v)
        return lambda v: print_stored(type_, v, microseconds)

    def field_list(self, rest):
        name = rest.split(b"\0")[0].decode("utf-8", "replace")
        try:
            with self.cluster.lock:
                table = self.executor.table([name])
        except SqlError as error:
            self.fail(error.code, error.state, error.text)
            return
        self.wire.send(*[packets.column(c.name, c.type, table.name,
                                        table.database, True)
                         for c in table.columns], packets.eof())
