# SPDX-License-Identifier: Apache-2.0
"""A plain HTTP/1.1 server that leaves bodies alone until asked."""

import socket
import ssl
import struct
import threading
import time
import urllib.parse

REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request",
           401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
           414: "URI Too Long", 431: "Request Header Fields Too Large",
           500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}


class Gone(Exception):
    """The client is gone or is to be dropped."""


class BodyError(Exception):
    """The body does not keep to its framing."""


class Request:
    def __init__(self, connection, method, target, protocol, headers,
                 repeated):
        self.connection = connection
        self.method = method
        self.target = target
        self.protocol = protocol
        self.headers = headers
        self.repeated = repeated
        path, _, query = target.partition("?")
        self.path = path
        self.query = dict(urllib.parse.parse_qsl(query, True))
        self.body_read = False
        self.drip = None

    def header(self, name, default=None):
        return self.headers.get(name, default)

    @property
    def is_tls(self):
        return isinstance(self.connection.socket, ssl.SSLSocket)

    @property
    def has_body(self):
        return self.header("transfer-encoding") is not None \
            or self.header("content-length", "0") != "0"

    def parts(self):
        return [urllib.parse.unquote(p) for p in self.path.split("/")[1:]]

    def send_continue(self):
        if (self.header("expect") or "").lower() == "100-continue":
            self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def pieces(self):
        """The body as it comes in."""
        self.body_read = True
        if "chunked" in (self.header("transfer-encoding") or "").lower():
            yield from self.connection.chunks()
            return
        left = int(self.header("content-length", "0"))
        while left:
            piece = self.connection.receive(min(left, 1 << 20))
            if not piece:
                raise BodyError("receive body don't equal with body bytes")
            left -= len(piece)
            yield piece

    def answer(self, status, body=b"", kind="application/json", headers=(),
               close=False, cut=None):
        if isinstance(body, str):
            body = body.encode()
        lines = ["HTTP/1.1 %d %s" % (status, REASONS[status]),
                 "Content-Type: " + kind,
                 "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % pair for pair in headers]
        if close:
            lines.append("Connection: close")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        if self.drip:
            self.send_slowly(data)
            return
        if cut is not None:
            self.connection.send(data[:len(data) - len(body)
                                      + int(len(body) * cut)])
            raise Gone()
        self.connection.send(data)
        if close:
            self.connection.close_after = True

    def send_slowly(self, data):
        """In about a hundred pieces."""
        size = len(data) // 100 + 1
        for at in range(0, len(data), size):
            self.connection.send(data[at:at + size])
            time.sleep(self.drip)

    def drop(self, reset=True):
        self.connection.drop(reset)
        raise Gone()


class Connection:
    def __init__(self, sock, peer):
        self.socket = sock
        self.peer = peer
        self.buffer = bytearray()
        self.close_after = False

    def fill(self, size=65536):
        try:
            piece = self.socket.recv(size)
        except (OSError, ssl.SSLError):
            piece = b""
        self.buffer += piece
        return bool(piece)

    def receive(self, most):
        if not self.buffer:
            try:
                return self.socket.recv(most)
            except (OSError, ssl.SSLError):
                return b""
        piece = bytes(self.buffer[:most])
        del self.buffer[:most]
        return piece

    def line(self):
        while True:
            at = self.buffer.find(b"\r\n")
            if at >= 0:
                line = bytes(self.buffer[:at])
                del self.buffer[:at + 2]
                return line
            if len(self.buffer) > 8192 or not self.fill():
                raise BodyError("bad chunk")

    def chunks(self):
        while True:
            try:
                left = int(self.line().split(b";")[0], 16)
            except ValueError:
                raise BodyError("bad chunk") from None
            if not left:
                while self.line():
                    pass
                return
            while left:
                piece = self.receive(min(left, 1 << 20))
                if not piece:
                    raise BodyError("bad chunk")
                left -= len(piece)
                yield piece
            if self.line():
                raise BodyError("bad chunk")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (OSError, ssl.SSLError):
            raise Gone() from None

    def drop(self, reset):
        if reset:
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            except OSError:
                pass
        self.socket.close()


class TooLarge(Exception):
    def __init__(self, status):
        super().__init__(status)
        self.status = status


def read_request(connection, line_limit, head_limit):
    """The next request, or None when the client has gone."""
    while True:
        at = connection.buffer.find(b"\r\n\r\n")
        if at >= 0:
            break
        if connection.buffer[:1] == b"\x16":
            raise TooLarge(400)     # a TLS handshake; no request begins so
        first = connection.buffer.find(b"\r\n")
        if (first if first >= 0 else len(connection.buffer)) > line_limit:
            raise TooLarge(414)
        if len(connection.buffer) > head_limit + line_limit:
            raise TooLarge(431)
        if not connection.fill():
            return None
    head = bytes(connection.buffer[:at])
    del connection.buffer[:at + 4]
    lines = head.decode("latin-1").split("\r\n")
    if len(lines[0]) > line_limit:
        raise TooLarge(414)
    if len(head) - len(lines[0]) > head_limit:
        raise TooLarge(431)
    words = lines[0].split(" ")
    if len(words) != 3:
        raise TooLarge(400)
    headers = {}
    repeated = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise TooLarge(400)
        name = name.lower()
        value = value.strip().encode("latin-1").decode("utf-8", "replace")
        if name in headers:
            repeated.append(name)
        headers[name] = value
    return Request(connection, words[0], words[1], words[2], headers,
                   repeated)


class HttpServer:
    """One listener on the loopback; a thread per connection."""

    def __init__(self, port, handler, tls=None, line_limit=4096,
                 head_limit=32768):
        self.handler = handler
        self.tls = tls
        self.line_limit = line_limit
        self.head_limit = head_limit
        self.socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, peer = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock, peer),
                             daemon=True).start()

    def serve(self, sock, peer):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock.settimeout(30)
                sock = self.tls.wrap_socket(sock, server_side=True,
                                            do_handshake_on_connect=False)
                sock.do_handshake()
                sock.settimeout(None)
        except (OSError, ssl.SSLError):
            self.linger(sock)
            return
        connection = Connection(sock, peer)
        try:
            self.serve_requests(connection)
        except Gone:
            pass
        finally:
            self.finish(sock)

    def linger(self, sock):
        """Closes without a reset, so that the client can read the alert."""
        try:
            socket.socket.shutdown(sock, socket.SHUT_WR)
            sock.settimeout(5)
            while socket.socket.recv(sock, 65536):
                pass
        except OSError:
            pass
        sock.close()

    def serve_requests(self, connection):
        while not connection.close_after:
            try:
                request = read_request(connection, self.line_limit,
                                       self.head_limit)
            except TooLarge as error:
                connection.send(
                    b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\n"
                    b"Connection: close\r\n\r\n"
                    % (error.status, REASONS[error.status].encode()))
                return
            if not request:
                return
            self.handler(request)
            if request.has_body and not request.body_read:
                return
            if (request.header("connection") or "").lower() == "close" \
               or request.protocol == "HTTP/1.0":
                return

    def finish(self, sock):
        try:
            if isinstance(sock, ssl.SSLSocket):
                sock.settimeout(0)
                sock.unwrap()
        except (OSError, ValueError, ssl.SSLError):
            pass
        try:
            sock.close()
        except OSError:
            pass
