# SPDX-License-Identifier: Apache-2.0
"""A frontend and backend of StarRocks that says back what it was told: the
credential of a request, and the rows of a load."""

import base64
import json
import re

from .rogue import HungUp, Rogue
from .waiting import wait_for

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Request:
    """One request of a visit."""

    def __init__(self, visit):
        data = b""
        while b"\r\n\r\n" not in data:
            data += visit.receive()
        self.visit = visit
        self.head, _, self.body = data.partition(b"\r\n\r\n")
        self.is_load = self.head.startswith(b"PUT ")
        self.authorization = re.search(rb"Authorization: (.*)", self.head)[1] \
            .strip().decode()
        self.credential = base64.b64decode(
            self.authorization.removeprefix("Basic ")).decode()

    def receive_body(self):
        length = int(re.search(rb"(?i)content-length: (\d+)", self.head)[1])
        self.visit.send(CONTINUE)
        while len(self.body) < length:
            self.body += self.visit.receive()


def answer(status, body=b"", *headers):
    return "\r\n".join([
        f"HTTP/1.1 {status}", f"Content-Length: {len(body)}",
        "Connection: close", *headers, "", ""]).encode() + body


def json_answer(status, /, **members):
    # As Gson writes it.
    text = json.dumps(members)
    for character in "=<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return answer(status, text.encode())


def one_line(told):
    return re.sub(r"[\r\n]", " ", told)


# How it is said: functions of what is said and of the rogue's port.
QUOTES = {
    "the reason": lambda told, port: answer(f"500 {one_line(told)}"),
    "a challenge": lambda told, port: answer(
        "401 Unauthorized", b"", f'WWW-Authenticate: Basic realm="{told}"'),
    "a page": lambda told, port: answer(
        "500 Oops", f"<html>{told}</html>".encode()),
    "an error": lambda told, port: json_answer(
        "500 Oops", Status=told, Message=told),
    "a refusal": lambda told, port: json_answer(
        "401 Unauthorized", status="FAILED", msg=told, message=told),
    "a failure": lambda told, port: json_answer(
        "200 OK", Status="Fail", Message=told),
    "half of it": lambda told, port: json_answer(
        "200 OK", Status="Fail", Message="x" * (505 - len(told)) + told),
    "a status": lambda told, port: json_answer("200 OK", Status=told),
    "a state": lambda told, port: json_answer(
        "200 OK", state=told, status="FAILED", msg=told, message=told),
    "a failure that is retried": lambda told, port: json_answer(
        "200 OK", Status="Fail", Message=f"timeout {told}"),
    "a path": lambda told, port: answer(
        "307 There", b"", f"Location: http://127.0.0.1:{port}/"
        + re.sub("[^!-~]", "+", told)),
    "another host's path": lambda told, port: answer(
        "307 There", b"", "Location: http://127.0.0.2:9/"
        + re.sub("[^!-~]", "+", told) + "?" + re.sub("[^!-~]", "+", told)),
    "no location": lambda told, port: answer(
        "307 There", b"", f"Location: http://{one_line(told)}/"),
    "an older protocol": lambda told, port: one_line(told).encode(),
    "a length": lambda told, port: (
        f"HTTP/1.1 200 OK\r\nContent-Length: {one_line(told)}\r\n\r\n").encode(),
    "an encoding": lambda told, port: answer(
        "200 OK", b"x", f"Content-Encoding: {one_line(told)}"),
    "chunks": lambda told, port: (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + told).encode(),
}


def echo(stage, quote, text=""):
    """A rogue that quotes at this stage, behind a text of its own, and does what
    is asked until then."""
    heard = []

    def script(visit):
        request = Request(visit)
        if stage != "before the body" and request.is_load:
            request.receive_body()
            heard.append(request.body.decode("utf-8", "replace"))
        if stage == "asked for the label" and request.is_load:
            visit.send(json_answer("200 OK", Status="Anything"))
            raise HungUp()
        # "check" asks for a label that nobody has loaded.
        rows = [] if b"label=ezcdc-check" in request.head else heard[-1:]
        told = text + " ".join([request.authorization, request.credential, *rows])
        visit.send(QUOTES[quote](told, rogue.port))
        rogue.quoted += 1
        raise HungUp()

    rogue = Rogue(script)
    rogue.quoted = 0
    return rogue


def load_into(pipeline, server):
    """Has a pipeline load into the server until that has quoted, and the
    pipeline has given up or says why it waits. Returns the run."""
    pipeline.section("sink", load_url=f"http://127.0.0.1:{server.port}",
                     load_plaintext="allow", compression="none")
    run = pipeline.start()
    wait_for(lambda: not run.running or pipeline.status().get("reason")
             and server.quoted, 60, "it was said", because=run.describe)
    return run
