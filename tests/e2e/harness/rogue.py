# SPDX-License-Identifier: Apache-2.0
"""Servers that mean harm: each plays a script and writes down all it hears."""

import pathlib
import re
import socket
import ssl
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "starrocks"))

from stand_in import mysql_packets  # noqa: E402


class HungUp(Exception):
    """The client has gone."""


class Visit:
    """One connection, from the server's side."""

    def __init__(self, rogue, connection):
        self.rogue = rogue
        self.connection = connection

    def receive(self):
        """What comes next; HungUp when nothing does."""
        try:
            data = self.connection.recv(65536)
        except OSError:
            data = b""
        self.rogue.heard += data
        if not data:
            raise HungUp()
        return data

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            raise HungUp() from None
        self.rogue.sent += len(data)

    def drip(self, data, every):
        """Byte after byte, so many seconds apart."""
        for byte in data:
            self.send(bytes([byte]))
            time.sleep(every)
        self.rogue.dripped = True

    def start_tls(self):
        try:
            self.connection = self.rogue.tls.wrap_socket(self.connection,
                                                         server_side=True)
        except OSError:
            raise HungUp() from None

    def listen(self):
        """Takes all that comes until the client goes."""
        while True:
            self.receive()


class Rogue:
    """Plays script(visit) for each connection."""

    def __init__(self, script, identity=None):
        self.heard = b""            # over all connections, out of TLS
        self.sent = 0               # the same the other way
        self.dripped = False        # somebody has waited for the last drop
        self.visits = 0
        self.asked = 0              # once they were in
        self.played = 0             # scripts that came to their end
        self.tls = None
        if identity:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*identity)
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.settimeout(10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visit = Visit(self, connection)
            try:
                self._script(visit)
                self.played += 1
                visit.listen()
            except HungUp:
                pass
            finally:
                visit.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


# PostgreSQL.

SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"


def message(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


def request(code, body=b""):
    return message(b"R", struct.pack(">I", code) + body)


LET_IN = request(0)
CLEARTEXT = request(3)
MD5 = request(5, b"salt")
KERBEROS = request(7)
SASL = request(10, b"SCRAM-SHA-256\0\0")
SASL_FINAL = request(12, b"v=" + b"A" * 43 + b"=")
NOT_IN = message(b"E", b"SFATAL\0C28P01\0Mnot let in\0\0")


def greet_postgres(visit):
    """Up to where the server asks for something; by TLS if the rogue has it."""
    if visit.receive() == SSL_REQUEST:
        if visit.rogue.tls:
            visit.send(b"S")
            visit.start_tls()
        else:
            visit.send(b"N")
        visit.receive()


def says(*packets):
    """A script: one packet after the other, whatever the client says."""
    def script(visit):
        greet_postgres(visit)
        for number, packet in enumerate(packets):
            if number:
                time.sleep(0.05)    # so that it comes by itself
            visit.send(packet)
        visit.receive()
        visit.send(NOT_IN)
    return script


def says_without_end(first, again, most, asked):
    """A script: the first packet, then, to a question if it is to be asked, the
    other one again and again until so many bytes were sent."""
    def script(visit):
        greet_postgres(visit)
        visit.send(first)
        if asked:
            visit.receive()
        while visit.rogue.sent < most:
            visit.send(again)
    return script


def says_in_drops(data):
    """A script: byte after byte."""
    return says(*(data[at:at + 1] for at in range(len(data))))


def refuses_tls_and_says(packet, later=b"x"):
    """A script: the refusal of TLS and a request in one packet."""
    def script(visit):
        if visit.receive() == SSL_REQUEST:
            visit.send(b"N" + packet)
            visit.receive()
        time.sleep(0.05)
        visit.send(later)
    return script


def scram(iterations, *then):
    """A script: SCRAM with so many iterations."""
    def script(visit):
        greet_postgres(visit)
        visit.send(SASL)
        nonce = re.search(rb",r=([!-+\--~]+)", visit.receive())[1]
        visit.send(request(11, b"r=" + nonce + b"rogue,s=c2FsdHNhbHQ=,i="
                           + str(iterations).encode()))
        for packet in (*then, NOT_IN):
            visit.receive()
            visit.send(packet)
    return script


SASL_PLUS = request(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")


def relays_to(port):
    """A script: stands between the client and a real server, with TLS to both."""
    def script(visit):
        visit.receive()
        visit.send(b"S")
        visit.start_tls()
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(SSL_REQUEST)
            connection.recv(1)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(connection) as server:
                relay(visit, server)
    return script


def relay(visit, server):
    """Both ways, until one of them hangs up."""
    back = threading.Thread(target=relay_back, args=(visit, server))
    back.start()
    try:
        while True:
            server.sendall(visit.receive())
    except (HungUp, OSError):
        raise HungUp() from None
    finally:
        try:
            server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        back.join()


def relay_back(visit, server):
    try:
        while data := server.recv(65536):
            visit.send(data)
    except (HungUp, OSError):
        pass


# StarRocks' MySQL port.

def greet_mysql(visit, plugin=mysql_packets.NATIVE):
    """Up to the client's answer, by TLS if the rogue has it. Returns the number
    of the next packet."""
    capabilities = mysql_packets.CAPABILITIES
    if visit.rogue.tls:
        capabilities |= mysql_packets.SSL
    hello = mysql_packets.handshake("5.1.0", 1, b"s" * 20, capabilities)
    hello = hello.replace(mysql_packets.NATIVE, plugin)
    visit.send(frame(0, hello))
    answer = visit.receive()
    if visit.rogue.tls and len(answer) == 36:
        visit.start_tls()
        answer = visit.receive()
    return answer[3] + 1


def frame(number, payload):
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def switches_to(plugin, *then):
    """A script: another method is asked for, whatever it needs after that."""
    def script(visit):
        number = greet_mysql(visit)
        visit.send(frame(number, b"\xfe" + plugin + b"\0" + b"s" * 20 + b"\0"
                         if plugin else b"\xfe"))
        for packet in then:
            heard = visit.receive()
            visit.send(frame(heard[3] + 1, packet))
    return script


def begins_with(plugin):
    """A script: another method stands in the greeting."""
    def script(visit):
        greet_mysql(visit, plugin)
    return script


def drips_its_greeting(visit):
    """A script: five seconds and more."""
    visit.drip(frame(0, b"\x0a" + b"x" * 500)[:50], 0.1)


def drips_a_record_of_tls(visit):
    """A script: a record that nobody needs a certificate for."""
    visit.send(frame(0, mysql_packets.handshake(
        "5.1.0", 1, b"s" * 20, mysql_packets.CAPABILITIES | mysql_packets.SSL)))
    visit.receive()
    visit.send(b"\x16\x03\x03\x3f\xff\x02")
    visit.drip(b"\0" * 50, 0.1)


def lets_in(*packets, most=None):
    """A script: the client is in, and asks for something. The packets answer it;
    the last one comes again until so many bytes were sent."""
    def script(visit):
        visit.send(frame(greet_mysql(visit), mysql_packets.ok()))
        visit.receive()
        visit.rogue.asked += 1
        for number, packet in enumerate(packets, 1):
            visit.send(frame(number, packet))
        while most and visit.rogue.sent < most:
            number += 1
            visit.send(frame(number & 255, packets[-1]))
    return script


def drips_its_answer(visit):
    """A script: the client is in, and its answer takes most of a minute."""
    lets_in()(visit)
    visit.send(b"\xff\xff\x7f\x01")
    visit.drip(b"x" * 50, 1)


def takes_tls_back(visit):
    """A script: TLS is there at every other visit only."""
    capabilities = mysql_packets.CAPABILITIES
    if visit.rogue.visits % 2:
        capabilities |= mysql_packets.SSL
    visit.send(frame(0, mysql_packets.handshake("5.1.0", 1, b"s" * 20,
                                                capabilities)))
    answer = visit.receive()
    visit.send(frame(answer[3] + 1, mysql_packets.ok()))


def greets_in_drops(visit):
    """A script: a greeting without TLS, byte after byte."""
    for byte in frame(0, mysql_packets.handshake(
            "5.1.0", 1, b"s" * 20, mysql_packets.CAPABILITIES)):
        visit.send(bytes([byte]))
        time.sleep(0.005)


def has_too_many_connections(visit):
    """A script: what a frontend says that is full."""
    visit.send(frame(0, mysql_packets.error(
        1040, "08004", "Reach limit of connections")))


def wants_a_file(path):
    """A script: lets the client in, and answers each query with LOCAL INFILE."""
    def script(visit):
        visit.send(frame(greet_mysql(visit), mysql_packets.ok()))
        while True:
            visit.receive()
            visit.send(frame(1, b"\xfb" + path.encode()))
    return script
