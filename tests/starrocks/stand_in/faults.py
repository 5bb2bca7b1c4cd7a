# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: which request meets which mishap."""

import re
import threading

# Where each fault strikes.
POINTS = {
    "drop_before_redirect": "frontend",
    "http_error": "frontend",
    "redirect_loop": "frontend",
    "redirect_without_location": "frontend",
    "redirect_to": "frontend",
    "frontend_fail": "frontend",
    "truncated_json_frontend": "frontend",
    "drop_after_redirect": "backend",
    "http_error_backend": "backend",
    "fail": "backend",
    "too_many_versions": "backend",
    "slow_plan": "plan",
    "drop_in_body": "body",
    "hold": "commit",
    "fail_after_body": "commit",
    "too_many_versions_after_body": "commit",
    "publish_delay": "commit",
    "drop_before_reply": "reply",
    "drop_in_reply": "reply",
    "truncated_json": "reply",
    "unknown_status": "reply",
    "slow_reply": "reply",
    "drip_reply": "reply",
    "hang_before_reply": "reply",
    "state_drop": "state",
    "state_error": "state",
    "sql_error": "sql",         # table matches the statement
}


class Fault:
    def __init__(self, id_, rule):
        unknown = set(rule) - {"action", "table", "label", "nth", "times",
                               "message", "bytes", "committed", "seconds",
                               "reply_after", "status", "location", "host",
                               "port"}
        if unknown or rule.get("action") not in POINTS:
            raise ValueError("unknown fault: %r" % rule)
        self.id = id_
        self.rule = rule
        self.action = rule["action"]
        self.point = POINTS[self.action]
        self.table = re.compile(rule.get("table", ".*"))
        self.label = re.compile(rule.get("label", ".*"))
        self.skip = rule.get("nth", 1) - 1
        self.left = rule.get("times", 1)
        self.struck = 0

    def matches(self, table, label):
        return bool(self.table.fullmatch(table or "")
                    and self.label.fullmatch(label or ""))

    def get(self, name, default=None):
        return self.rule.get(name, default)

    def to_json(self):
        return {"id": self.id, "rule": self.rule, "struck": self.struck,
                "left": self.left}


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []
        self.counter = 0
        self.held = {}

    def add(self, rule):
        with self.lock:
            self.counter += 1
            fault = Fault(self.counter, rule)
            self.rules.append(fault)
        return fault

    def clear(self):
        with self.lock:
            self.rules.clear()
        self.release()

    def strike(self, point, table, label):
        """The fault that this request meets here, or None."""
        with self.lock:
            for fault in self.rules:
                if fault.point != point or not fault.matches(table, label):
                    continue
                if fault.left == 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.left -= 1
                fault.struck += 1
                return fault
        return None

    # held loads

    def hold(self, table, label, limit=600):
        event = threading.Event()
        with self.lock:
            self.held[id(event)] = (event, table, label)
        event.wait(limit)
        with self.lock:
            self.held.pop(id(event), None)

    def release(self, table=None, label=None):
        with self.lock:
            chosen = [e for e, t, l in self.held.values()
                      if table in (None, t) and label in (None, l)]
        for event in chosen:
            event.set()
        return len(chosen)

    def to_json(self):
        with self.lock:
            return {"faults": [f.to_json() for f in self.rules],
                    "held": [{"table": t, "label": l}
                             for _, t, l in self.held.values()]}
