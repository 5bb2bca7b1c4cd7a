# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that misbehaves on demand, for tests/unit/test-http.c.

Usage: http_server.py FOLDER

Listens on several loopback ports, plain and with the certificates of FOLDER,
and prints "NAME PORT" for each, then an empty line. Afterwards it prints one
line for each request that it has seen the headers of, when it is done
with it:

    LISTENER METHOD PATH auth=VALUE body=BYTES connection=NUMBER

The path says what happens. Ends when its standard input is closed.
"""

import socket
import ssl
import sys
import threading

folder = sys.argv[1]
output_lock = threading.Lock()


def say(line):
    with output_lock:
        print(line, flush=True)


class Request:
    def __init__(self, listener, connection, number):
        self.listener = listener
        self.connection = connection
        self.number = number
        self.method = self.path = ''
        self.headers = {}
        self.received = 0
        self.digest = 0
        self.logged = False

    def read_headers(self):
        data = b''
        while not data.endswith(b'\r\n\r\n'):
            byte = self.connection.recv(1)
            if not byte:
                return False
            data += byte
            if data == b'\x16':  # the beginning of a TLS handshake
                self.connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')
                return False
        lines = data.decode('latin-1').split('\r\n')
        self.method, self.path, _ = lines[0].split(' ')
        for line in lines[1:]:
            if line:
                name, value = line.split(':', 1)
                self.headers[name.lower()] = value.strip()
        return True

    def length(self):
        return int(self.headers.get('content-length', '0'))

    def receive(self, most):
        """Reads at most so many bytes of the body."""
        while self.received < most:
            data = self.connection.recv(min(65536, most - self.received))
            if not data:
                return
            self.received += len(data)
            self.digest = (self.digest + sum(data)) % 65536

    def receive_all(self):
        self.welcome()
        self.receive(self.length())

    def welcome(self):
        if self.headers.get('expect') == '100-continue':
            self.connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')

    def answer(self, status, body=b'', headers=()):
        lines = ['HTTP/1.1 %s' % status, 'Content-Length: %d' % len(body)]
        lines += headers
        self.connection.sendall('\r\n'.join(lines).encode() + b'\r\n\r\n'
                                + body)

    def log(self):
        if not self.logged:
            self.logged = True
            say('%s %s %s auth=%s body=%d connection=%d' % (
                self.listener, self.method, self.path,
                self.headers.get('authorization', '-'), self.received,
                self.number))

    def wait_for_end(self):
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass


# What the paths do. Each returns whether the connection stays open.

def ok(request, rest):
    request.receive_all()
    request.log()
    request.answer('200 OK', b'done %d' % request.digest)
    return True


def redirect(request, rest):
    """/redirect/STATUS/HEADERS: LOCATION is everything behind."""
    status, location = rest.split('/', 1)
    request.log()
    request.answer('%s Redirect' % status, b'this way',
                   ['Location: %s' % location, 'Connection: close'])
    return False


def redirect_after_body(request, rest):
    request.receive_all()
    return redirect(request, rest)


def no_location(request, rest):
    request.log()
    request.answer('307 Redirect', b'', ['Connection: close'])
    return False


def early(request, rest):
    """Answers without reading the body, and leaves the line open."""
    request.log()
    request.answer('200 OK', b'label already exists')
    request.wait_for_end()
    return False


def early_amid(request, rest):
    """Answers in the middle of the body, and reads no more."""
    request.welcome()
    request.receive(1000)
    request.log()
    request.answer('200 OK', b'bad row')
    return False


def cut_before(request, rest):
    request.log()
    return False


def cut_amid(request, rest):
    request.welcome()
    request.receive(1000)
    request.log()
    return False


def cut_after(request, rest):
    request.receive_all()
    request.log()
    return False


def cut_answer(request, rest):
    request.receive_all()
    request.log()
    request.connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n'
                               b'\r\nhalf')
    return False


def never(request, rest):
    request.receive_all()
    request.log()
    request.wait_for_end()
    return False


def stall(request, rest):
    """Takes a part of the body and then nothing more."""
    request.welcome()
    request.receive(1000)
    request.log()
    threading.Event().wait(20)
    return False


def password(request, rest):
    """401 unless the credential is the one in the path."""
    request.receive_all()
    request.log()
    if request.headers.get('authorization') == 'Basic ' + rest:
        request.answer('200 OK', b'welcome')
    else:
        request.answer('401 Unauthorized', b'who?',
                       ['WWW-Authenticate: Basic realm=""'])
    return True


def large(request, rest):
    request.receive_all()
    request.log()
    request.answer('200 OK', b'x' * int(rest))
    return True


def headers(request, rest):
    request.receive_all()
    request.log()
    request.answer('200 OK', b'', ['X-Header: y'] * int(rest))
    return True


def long_line(request, rest):
    """A line that has no end, of the header or behind the last chunk."""
    request.receive_all()
    request.log()
    head = b'HTTP/1.1 200 OK\r\n'
    if rest == 'trailer':
        head += b'Transfer-Encoding: chunked\r\n\r\n0\r\n'
    request.connection.sendall(head + b'X: ' + b'y' * 1000000)
    return False


def then_close(request, rest):
    """Answers as if the connection stayed open, and closes it."""
    request.receive_all()
    request.log()
    request.answer('200 OK', b'bye')
    return False


def show_headers(request, rest):
    request.receive_all()
    request.log()
    request.answer('200 OK', '\n'.join(
        '%s: %s' % item for item in sorted(request.headers.items())).encode())
    return True


PATHS = {
    'ok': ok,
    'redirect': redirect,
    'redirect-after-body': redirect_after_body,
    'no-location': no_location,
    'early': early,
    'early-amid': early_amid,
    'cut-before': cut_before,
    'cut-amid': cut_amid,
    'cut-after': cut_after,
    'cut-answer': cut_answer,
    'never': never,
    'stall': stall,
    'password': password,
    'large': large,
    'headers': headers,
    'long-line': long_line,
    'then-close': then_close,
    'show-headers': show_headers,
}


def close(connection):
    """In order: what was not read would turn the end into a reset."""
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.2)
        for _ in range(1000):
            if not connection.recv(65536):
                break
    except OSError:
        pass
    connection.close()


def serve(listener, connection, number):
    try:
        while True:
            request = Request(listener, connection, number)
            if not request.read_headers():
                break
            _, name, rest = (request.path + '/').split('/', 2)
            if not PATHS[name](request, rest.rstrip('/')):
                break
    except OSError:
        pass
    close(connection)


def handshake(listener, context, connection, number):
    connection = context.wrap_socket(connection, server_side=True,
                                     do_handshake_on_connect=False)
    try:
        connection.do_handshake()
    except OSError:
        close(connection)
        return
    serve(listener, connection, number)


def accept(listener, context, server):
    number = 0
    while True:
        connection, _ = server.accept()
        number += 1
        if context is None:
            target, arguments = serve, (listener, connection, number)
        else:
            target = handshake
            arguments = (listener, context, connection, number)
        threading.Thread(target=target, args=arguments, daemon=True).start()


def listen(listener, context=None):
    server = socket.create_server(('127.0.0.1', 0))
    say('%s %d' % (listener, server.getsockname()[1]))
    threading.Thread(target=accept, args=(listener, context, server),
                     daemon=True).start()


def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('%s/%s.pem' % (folder, certificate),
                            '%s/%s.key' % (folder, certificate))
    return context


def main():
    listen('plain')
    listen('other')
    listen('tls', tls('good'))
    listen('wrong-host', tls('wrong-host'))
    listen('expired', tls('expired'))
    listen('wrong-ca', tls('stranger'))
    listen('revoked', tls('revoked'))
    old = tls('good')
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    listen('old', old)
    mutual = tls('good')
    mutual.verify_mode = ssl.CERT_REQUIRED
    mutual.load_verify_locations(folder + '/right-ca.pem')
    listen('mutual', mutual)
    say('')
    sys.stdin.read()


main()
