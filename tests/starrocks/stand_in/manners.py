# SPDX-License-Identifier: Apache-2.0
"""The log of what clients did, and of what they should not have done."""

import collections
import threading
import time


class Manners:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = collections.deque(maxlen=20000)
        self.statements = collections.deque(maxlen=20000)
        self.bad = []
        self.notices = []
        self.contents = {}

    def clear(self):
        with self.lock:
            self.requests.clear()
            self.statements.clear()
            self.bad.clear()
            self.notices.clear()

    def request(self, **what):
        what["time"] = time.time()
        with self.lock:
            self.requests.append(what)
        return what

    def statement(self, **what):
        what["time"] = time.time()
        with self.lock:
            self.statements.append(what)
        return what

    def complain(self, manner, detail="", **what):
        entry = dict(what, manner=manner, detail=detail, time=time.time())
        with self.lock:
            if len(self.bad) < 10000:
                self.bad.append(entry)

    def remark(self, manner, detail="", **what):
        """Worth a look, but no mistake."""
        entry = dict(what, manner=manner, detail=detail, time=time.time())
        with self.lock:
            if len(self.notices) < 10000:
                self.notices.append(entry)

    def label_content(self, database, label, digest):
        """Remembers what a label stood for; tells if that changed."""
        with self.lock:
            known = self.contents.setdefault((database, label), digest)
            self.contents[database, label] = digest
        if known != digest:
            self.complain("label_reused_with_other_content",
                          "the same label came with another body",
                          label=label)

    def to_json(self):
        with self.lock:
            return {"bad": list(self.bad), "notices": list(self.notices),
                    "requests": list(self.requests),
                    "statements": list(self.statements)}
