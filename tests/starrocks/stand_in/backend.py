# SPDX-License-Identifier: Apache-2.0
"""A backend's HTTP: takes the bodies of loads."""

import collections
import os

from .http_common import pretty, watch
from .stream_load import StreamLoad


class Backend:
    def __init__(self, cluster, number, host="127.0.0.1"):
        self.cluster = cluster
        self.number = number
        self.id = 10001 + number
        self.host = host
        self.port = 0
        self.tls_port = 0
        self.alive = True
        self.active = 0
        self.error_logs = collections.OrderedDict()
        self.transactions = None

    def handle(self, request):
        parts = request.parts()
        if not self.alive:
            request.drop()
        if parts[:1] == ["api"]:
            if len(parts) == 4 and parts[3] == "_stream_load" \
               and request.method == "PUT":
                return StreamLoad(self, request, parts[1], parts[2]).run()
            if len(parts) == 3 and parts[1] == "transaction" \
               and request.method in ("PUT", "POST"):
                return self.transactions.handle_backend(self, request,
                                                        parts[2])
            if parts[1:] == ["_load_error_log"]:
                return self.error_log(request)
            if parts[1:] == ["health"]:
                return request.answer(200, pretty({
                    "status": "OK", "msg": "To Be Added"}))
        watch(request, self.cluster, "backend", None, None, None)
        self.cluster.manners.complain("unknown_path", request.target)
        return request.answer(404, "Not Found", "text/plain", close=True)

    def error_log(self, request):
        watch(request, self.cluster, "backend", None, None, None)
        text = self.error_logs.get(request.query.get("file"))
        if text is None:
            return request.answer(200, "Open file failed", "text/plain")
        return request.answer(200, text, "text/plain")

    def keep_errors(self, lines):
        """The URL under which the lines can be fetched."""
        name = "error_log_%s" % os.urandom(16).hex()
        self.error_logs[name] = "".join(line + "\n" for line in lines)
        while len(self.error_logs) > 200:
            self.error_logs.popitem(last=False)
        return "http://%s:%d/api/_load_error_log?file=%s" % (
            self.host, self.port, name)
