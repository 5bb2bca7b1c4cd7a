# SPDX-License-Identifier: Apache-2.0
"""Audit logs written by another program, from ezcdc-audit(7) alone."""

import hashlib
import hmac
import json

NOTHING = "0" * 64


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def derive(key, info):
    """HKDF-SHA256 with 32 zero bytes as salt, 32 bytes long."""
    return mac(mac(bytes(32), key), info.encode() + b"\1")


class Chain:
    """Makes records; what becomes of them is up to the caller."""

    def __init__(self, root):
        self.root = bytes.fromhex(root)
        self.key_id = mac(self.root, b"ezcdc/v1/kid")[:8].hex()
        self.key = derive(self.root, "ezcdc/v1/audit/epoch0")
        self.seq, self.epoch, self.prev = 0, 0, NOTHING

    def record(self, action, resource="shop", outcome="success", user="ezcdc",
               timestamp=None, **detail):
        """The next line, without its end."""
        body = json.dumps({
            "v": 1, "seq": self.seq,
            "timestamp": timestamp or f"2026-01-31T10:00:00.{self.seq:06d}Z",
            "action": action, "user_id": user, "resource_id": resource,
            "ip_address": "127.0.0.1", "outcome": outcome, "detail": detail,
            "epoch": self.epoch, "prev": self.prev,
        }, separators=(",", ":"))[:-1]
        self.seq += 1
        self.prev = mac(self.key, body.encode()).hex()
        return f'{body},"mac":"{self.prev}"}}'

    def opened(self):
        return self.record("audit.opened", "audit", key_id=self.key_id)

    def ratcheted(self):
        line = self.record("audit.ratcheted", "audit",
                           next_epoch=self.epoch + 1)
        self.epoch += 1
        self.key = derive(self.key, "ezcdc/v1/audit/ratchet")
        return line
