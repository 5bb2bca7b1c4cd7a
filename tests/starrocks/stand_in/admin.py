# SPDX-License-Identifier: Apache-2.0
"""The admin port: faults, clocks and logs, for the tests."""

import json

from .http_common import pretty


class Admin:
    def __init__(self, cluster, frontend):
        self.cluster = cluster
        self.frontend = frontend

    def handle(self, request):
        body = b"".join(request.pieces())
        name = "%s_%s" % (request.method.lower(),
                          request.path.strip("/").replace("/", "_"))
        rule = getattr(self, name, None)
        if not rule:
            request.answer(404, pretty({"error": "no such thing: " + name}))
            return
        try:
            given = json.loads(body) if body else {}
            result = rule(given)
        except (ValueError, KeyError, TypeError) as error:
            request.answer(400, pretty({"error": repr(error)}))
            return
        request.answer(200, pretty(result))

    # faults

    def post_fault(self, rule):
        return {"id": self.cluster.faults.add(rule).id}

    def get_faults(self, _):
        return self.cluster.faults.to_json()

    def delete_faults(self, _):
        self.cluster.faults.clear()
        return {}

    def post_release(self, given):
        released = self.cluster.faults.release(given.get("table"),
                                               given.get("label"))
        with self.cluster.lock:
            self.cluster.transactions.release(given.get("label"))
            self.cluster.alter_jobs.release()
        return {"released": released}

    # logs

    def get_manners(self, _):
        return self.cluster.manners.to_json()

    def delete_manners(self, _):
        self.cluster.manners.clear()
        return {}

    def get_loads(self, _):
        return {"loads": list(self.cluster.loads)}

    def get_transactions(self, _):
        with self.cluster.lock:
            return {"transactions": [
                t.to_json() for t in
                self.cluster.transactions.by_id.values()]}

    # the cluster's condition

    def post_config(self, given):
        unknown = set(given) - set(self.cluster.config)
        if unknown:
            raise ValueError("unknown: %s" % sorted(unknown))
        self.cluster.config.update(given)
        return self.cluster.config

    def get_config(self, _):
        return self.cluster.config

    def post_user(self, given):
        self.cluster.users.put(given["user"], given["password"],
                               given.get("grants", ["ALL"]),
                               given.get("plugin", "native"))
        return {}

    def delete_user(self, given):
        self.cluster.users.remove(given["user"])
        return {}

    def post_backend(self, given):
        """{"number": 0, "alive": false}"""
        self.cluster.backends[given["number"]].alive = given["alive"]
        return {}

    def post_backend_restart(self, given):
        """{"number": 0}: loses what was not prepared."""
        backend = self.cluster.backends[given["number"]]
        self.frontend.transactions.of(backend).restart()
        return {}

    def post_leader_change(self, _):
        self.frontend.transactions.forget_stickiness()
        return {}

    def post_redirect(self, given):
        if given["mode"] not in ("http", "https", "follow"):
            raise ValueError("unknown mode")
        self.frontend.redirect = given["mode"]
        return {}

    def post_alter(self, given):
        """The next schema change of a table: hang, cancel or delay."""
        if given["action"] not in ("hang", "cancel", "delay"):
            raise ValueError("unknown action")
        with self.cluster.lock:
            self.cluster.alter_jobs.give_order(
                given["database"], given["table"], given["action"],
                given.get("seconds"))
        return {}

    def post_clock(self, given):
        """Moves the clock of labels and transactions."""
        with self.cluster.lock:
            self.cluster.transactions.clock_offset += given["seconds"]
            self.cluster.wake()
        return {}
