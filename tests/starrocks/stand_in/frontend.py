# SPDX-License-Identifier: Apache-2.0
"""The frontend's HTTP: redirects loads, answers about labels."""

import random

from .http_common import (basic_credentials, html_error, pretty, watch,
                          watch_load)

EXCEPTION = "class com.starrocks.common.DdlException: "


class Frontend:
    """`leader` is None for the leader itself; a follower sends what only the
    leader may do to it."""

    def __init__(self, cluster, redirect="http", host="127.0.0.1",
                 leader=None):
        self.cluster = cluster
        self.leader = leader
        self.redirect = redirect
        self.host = host
        self.port = 0
        self.tls_port = 0
        self.transactions = None

    def handle(self, request):
        parts = request.parts()
        method = request.method
        if parts[:1] == ["api"]:
            if len(parts) == 4 and parts[3] == "_stream_load" \
               and method == "PUT":
                return self.stream_load(request, parts[1], parts[2])
            if len(parts) == 3 and parts[1] == "transaction" \
               and method in ("PUT", "POST"):
                return self.transaction(request, parts[2])
            if len(parts) == 3 and parts[2] == "get_load_state" \
               and method == "GET":
                return self.load_state(request, parts[1])
            if len(parts) == 4 and parts[3] == "_cancel" \
               and method == "POST":
                return self.cancel(request, parts[1], parts[2])
            if parts[1:] == ["health"]:
                return request.answer(200, pretty({
                    "total_backend_num": len(self.cluster.backends),
                    "online_backend_num":
                        len(self.cluster.alive_backends()),
                    "status": "OK"}))
        watch(request, self.cluster, "frontend", None, None, None)
        self.cluster.manners.complain("unknown_path", request.target)
        request.answer(404, "Not Found", "text/plain", close=True)

    # answers

    def failed(self, request, text, close=True):
        """The shape of loads and transactions in 3.x and later."""
        if self.cluster.version.at_least(3):
            body = {"Status": "FAILED", "Message": EXCEPTION + text}
        else:
            body = {"status": "FAILED", "msg": text}
        request.answer(200, pretty(body), close=close)

    def other_shape(self, text):
        if self.cluster.version.at_least(3):
            return {"status": "FAILED", "code": "1", "msg": text,
                    "message": text}
        return {"status": "FAILED", "msg": text}

    def unauthorized(self, request, text):
        request.answer(401, pretty(self.other_shape(text)), headers=[
            ("WWW-Authenticate", 'Basic realm=""')], close=True)

    def authorized(self, request, privilege, what):
        """The user, or None when the request has been answered."""
        pair = basic_credentials(request)
        if not pair:
            self.cluster.manners.complain("no_credentials", request.target)
            self.unauthorized(request, "Need auth information.")
            return None
        user, password = pair
        if not self.cluster.users.check(user, password):
            self.unauthorized(request, "Access denied for %s@%s"
                              % (user, request.connection.peer[0]))
            return None
        if privilege and not self.cluster.users.may(user, privilege):
            self.unauthorized(
                request, "Access denied; you need (at least one of) the %s"
                " privilege(s) on %s for this operation." % (privilege, what))
            return None
        return user

    # loads

    def stream_load(self, request, database, table):
        label = request.header("label")
        watch(request, self.cluster, "frontend", database, table, label)
        watch_load(request, self.cluster, label)
        fault = self.cluster.faults.strike("frontend", table, label)
        if fault and self.misbehave(request, fault, table):
            return None
        if not self.authorized(request, "INSERT", "TABLE " + table):
            return None
        if (request.header("expect") or "").lower() != "100-continue" \
           and request.protocol != "HTTP/1.0":
            return self.failed(request, "There is no 100-continue header")
        alive = self.cluster.alive_backends()
        if not alive:
            return self.failed(request, "No backend alive.")
        backend = random.choice(alive)
        if self.redirect == "follow":
            return backend.handle(request)
        return self.redirect_to(request, backend)

    def location(self, backend, target):
        if self.redirect == "https":
            return "https://%s:%d%s" % (backend.host, backend.tls_port,
                                        target)
        return "http://%s:%d%s" % (backend.host, backend.port, target)

    def redirect_to(self, request, backend):
        self.send_redirect(request, self.location(backend, request.target))

    def send_redirect(self, request, location):
        headers = [("Location", location)] if location else []
        request.answer(307, b"", "text/html", headers, close=True)

    def misbehave(self, request, fault, table):
        """True when the request has been dealt with."""
        action = fault.action
        if action == "drop_before_redirect":
            request.drop()
        elif action == "http_error":
            html_error(request, fault.get("status", 503))
        elif action == "redirect_loop":
            scheme = "https" if request.is_tls else "http"
            port = self.tls_port if request.is_tls else self.port
            self.send_redirect(request, "%s://%s:%d%s" % (
                scheme, self.host, port, request.target))
        elif action == "redirect_without_location":
            self.send_redirect(request, None)
        elif action == "redirect_to":
            self.send_redirect(request, fault.get("location")
                               or "http://%s:%d%s" % (
                                   fault.get("host"), fault.get("port", 80),
                                   request.target))
        elif action == "frontend_fail":
            self.failed(request, fault.get("message", "No backend alive."))
        elif action == "truncated_json_frontend":
            request.answer(200, '{"Status": "FAILED", "Mess', close=True)
        return True

    # labels

    def load_state(self, request, database):
        label = request.query.get("label", "")
        watch(request, self.cluster, "frontend", database, None, label)
        if not self.authorized(request, None, ""):
            return None
        if self.passed_on(request):
            return None
        fault = self.cluster.faults.strike("state", "", label)
        if fault and fault.action == "state_drop":
            request.drop()
        if fault:
            return html_error(request, fault.get("status", 503))
        if not label:
            return request.answer(200, pretty(self.other_shape(
                "No label selected")))
        with self.cluster.lock:
            if database not in self.cluster.catalog.databases:
                return request.answer(200, pretty(self.other_shape(
                    "unknown database, database=" + database)))
            self.cluster.transactions.evict(database)
            found = self.cluster.transactions.find(database, label)
        body = {"state": found.state if found else "UNKNOWN",
                "reason": (found.reason or "") if found else "",
                "status": "OK", "code": "0", "msg": "Success",
                "message": "OK"}
        return request.answer(200, pretty(body))

    def cancel(self, request, database, table):
        label = request.query.get("label", "")
        watch(request, self.cluster, "frontend", database, table, label)
        if not self.authorized(request, "INSERT", "TABLE " + table):
            return None
        if self.passed_on(request):
            return None
        with self.cluster.lock:
            found = self.cluster.transactions.find(database, label)
            if not found:
                return request.answer(200, pretty(self.other_shape(
                    "no transaction with label %s" % label)))
            if found.state in ("COMMITTED", "VISIBLE"):
                return request.answer(200, pretty(self.other_shape(
                    "transaction's state is already %s, could not abort"
                    % found.state)))
            self.cluster.transactions.abort(found, "user cancel")
        return request.answer(200, pretty({"status": "OK", "code": "0",
                                           "msg": "Success",
                                           "message": "OK"}))

    def passed_on(self, request):
        """True if a follower has sent the client to the leader."""
        if self.leader:
            self.send_redirect(request, "http://%s:%d%s" % (
                self.leader.host, self.leader.port, request.target))
        return self.leader is not None

    def transaction(self, request, operation):
        if self.passed_on(request):
            return None
        if self.transactions:
            return self.transactions.handle_frontend(self, request,
                                                     operation)
        return request.answer(404, "Not Found", "text/plain", close=True)
