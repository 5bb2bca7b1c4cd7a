# SPDX-License-Identifier: Apache-2.0
"""Labels and transactions, and when their rows become visible."""

import collections
import math
import re
import threading
import time

LABEL = re.compile(r"[-\w]{1,128}\Z", re.A)
FINAL = ("VISIBLE", "ABORTED")
RUNNING = ("PREPARE", "PREPARED", "UNKNOWN")


class LabelExists(Exception):
    def __init__(self, transaction):
        super().__init__("Label [%s] has already been used."
                         % transaction.label)
        self.transaction = transaction
        self.job_status = "RUNNING" if transaction.state in RUNNING \
            else "FINISHED"


class TransactionError(Exception):
    pass


class Transaction:
    FIELDS = ("id", "database", "table", "table_id", "label", "state",
              "reason", "source", "coordinator", "created", "finished",
              "timeout", "content", "counts", "prepared_at", "is_api",
              "multi")

    def __init__(self, **fields):
        for name in self.FIELDS:
            setattr(self, name, fields.get(name))
        self.done = threading.Event()
        self.due = None

    def to_json(self):
        return {name: getattr(self, name) for name in self.FIELDS}


class Transactions:
    """All methods are called with the cluster's lock held."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.store = cluster.store
        self.by_id = {}
        self.by_label = {}
        self.finished = collections.defaultdict(collections.deque)
        self.waiting = []
        self.keep_count = 1000
        self.keep_seconds = 3 * 24 * 3600
        self.max_running = 1000
        self.clock_offset = 0

    def now(self):
        return time.time() + self.clock_offset

    def load(self):
        """After a start: what was being written is lost, what was
        committed becomes visible, what was prepared stays."""
        for record in self.store.records("transactions"):
            transaction = Transaction(**record)
            self.remember(transaction)
            if transaction.state == "PREPARE":
                self.abort(transaction, "coordinate BE is down")
            elif transaction.state == "COMMITTED":
                transaction.due = 0
                self.waiting.append(transaction)
            elif transaction.state in FINAL:
                transaction.done.set()
                self.finished[transaction.database].append(transaction)
        self.publish_due()

    def remember(self, transaction):
        self.by_id[transaction.id] = transaction
        self.by_label.setdefault(
            (transaction.database, transaction.label), []).append(transaction)

    def find(self, database, label):
        """The newest transaction of a label, or None."""
        found = self.by_label.get((database, label))
        return found[-1] if found else None

    def running(self, database):
        return [t for t in self.by_id.values() if t.database == database
                and t.state in ("PREPARE", "PREPARED", "COMMITTED")]

    def begin(self, database, table, label, source, **fields):
        if not LABEL.match(label):
            raise TransactionError(
                "Label format error. regex: ^[-\\w]{1,128}$, label: " + label)
        self.evict(database)
        known = self.find(database, label)
        if known and known.state != "ABORTED":
            raise LabelExists(known)
        running = len(self.running(database))
        if running >= self.max_running:
            raise TransactionError(
                "current running txns on db %s is %d, larger than limit %d"
                % (database, running, self.max_running))
        transaction = Transaction(
            database=database, table=table.name if table else None,
            table_id=table.id if table else None, label=label,
            source=source, state="PREPARE", reason="", created=self.now(),
            **fields)
        with self.store:
            transaction.id = self.store.next_number("transaction", 1003)
            self.store.put("transactions", transaction.id,
                           transaction.to_json())
        self.remember(transaction)
        return transaction

    def save(self, transaction):
        self.store.put("transactions", transaction.id, transaction.to_json())

    def abort(self, transaction, reason):
        if transaction.state in FINAL or transaction.state == "COMMITTED":
            return
        transaction.state = "ABORTED"
        transaction.reason = reason
        transaction.finished = self.now()
        with self.store:
            self.store.remove("staged", transaction.id)
            self.save(transaction)
        transaction.done.set()
        self.finished[transaction.database].append(transaction)
        self.cluster.wake()

    def prepare(self, transaction, changes):
        transaction.state = "PREPARED"
        transaction.prepared_at = self.now()
        with self.store:
            self.store.stage(transaction.id, changes)
            self.save(transaction)

    def commit(self, transaction, changes, delay=0):
        """Visible at once, unless a delay is asked for or an older
        transaction of the same table still waits."""
        if transaction.state not in ("PREPARE", "PREPARED"):
            raise TransactionError(
                "transaction %d is already %s, label is %s, reason: %s"
                % (transaction.id, transaction.state, transaction.label,
                   transaction.reason))
        for change in changes:
            if not self.cluster.catalog.by_id(change.table_id):
                raise TransactionError("table is dropped, tableId=%d"
                                       % change.table_id)
        queued = any(t.table_id == transaction.table_id
                     for t in self.waiting)
        if not delay and not queued:
            self.publish(transaction, changes)
            return
        transaction.state = "COMMITTED"
        transaction.due = time.monotonic() + delay
        with self.store:
            self.store.stage(transaction.id, changes)
            self.save(transaction)
        self.waiting.append(transaction)
        self.cluster.wake()

    def publish(self, transaction, changes):
        before = transaction.state
        transaction.state = "VISIBLE"
        transaction.finished = self.now()
        try:
            self.write(transaction, changes)
        except BaseException:
            transaction.state = before
            raise
        transaction.done.set()
        self.finished[transaction.database].append(transaction)
        self.cluster.wake()

    def write(self, transaction, changes):
        with self.store:
            for change in changes:
                self.cluster.catalog.apply(change)
            self.store.remove("staged", transaction.id)
            self.save(transaction)

    def publish_due(self):
        """Publishes in commit order per table; returns the next moment at
        which there is something to do."""
        blocked = set()
        upcoming = math.inf
        for transaction in list(self.waiting):
            if transaction.table_id in blocked:
                continue
            if transaction.due > time.monotonic():
                blocked.add(transaction.table_id)
                upcoming = min(upcoming, transaction.due)
                continue
            self.waiting.remove(transaction)
            self.publish(transaction, self.store.staged(transaction.id) or [])
        return upcoming

    def release(self, label=None):
        """Delayed transactions become visible now."""
        for transaction in self.waiting:
            if label in (None, transaction.label):
                transaction.due = 0
        self.publish_due()

    def time_out(self):
        for transaction in list(self.by_id.values()):
            if transaction.state not in ("PREPARE", "PREPARED") \
               or not transaction.timeout:
                continue
            start = transaction.prepared_at or transaction.created
            limit = transaction.timeout
            if transaction.state == "PREPARED":
                limit = self.cluster.config["prepared_timeout"]
            if start + limit < self.now():
                self.abort(transaction, "timeout by txn manager")

    def evict(self, database):
        finished = self.finished[database]
        oldest = self.now() - self.keep_seconds
        while finished and (len(finished) > self.keep_count
                            or finished[0].finished < oldest):
            self.forget(finished.popleft())

    def forget(self, transaction):
        self.by_id.pop(transaction.id, None)
        key = (transaction.database, transaction.label)
        left = [t for t in self.by_label.get(key, []) if t is not transaction]
        if left:
            self.by_label[key] = left
        else:
            self.by_label.pop(key, None)
        self.store.remove("transactions", transaction.id)
