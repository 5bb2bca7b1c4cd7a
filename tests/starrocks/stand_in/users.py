# SPDX-License-Identifier: Apache-2.0
"""Users, their passwords and what they may do."""

import hashlib
import hmac
import threading


class Users:
    def __init__(self):
        self.lock = threading.Lock()
        self.users = {}

    def put(self, name, password, grants=("ALL",), plugin="native"):
        """`plugin` is "native", or "clear" for a user of a directory."""
        with self.lock:
            self.users[name] = (password, frozenset(grants), plugin)

    def remove(self, name):
        with self.lock:
            self.users.pop(name, None)

    def get(self, name):
        with self.lock:
            return self.users.get(name)

    def plugin(self, name):
        user = self.get(name)
        return user[2] if user else "native"

    def check(self, name, password):
        user = self.get(name)
        return bool(user) and hmac.compare_digest(user[0].encode(),
                                                  password.encode())

    def check_native(self, name, scramble, answer):
        """mysql_native_password, for real."""
        user = self.get(name)
        if not user:
            return False
        if not user[0]:
            return answer == b""
        first = hashlib.sha1(user[0].encode()).digest()
        second = hashlib.sha1(first).digest()
        mask = hashlib.sha1(scramble + second).digest()
        expected = bytes(a ^ b for a, b in zip(first, mask))
        return hmac.compare_digest(expected, answer)

    def may(self, name, privilege):
        user = self.get(name)
        return bool(user) and bool(user[1] & {"ALL", privilege})
