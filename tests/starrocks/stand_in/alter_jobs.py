# SPDX-License-Identifier: Apache-2.0
"""Schema changes that take their time, one per table."""

import math
import time

from .errors import SqlError, analyzing_error
from .grammar import parse

OVER = ("FINISHED", "CANCELLED")


class AlterJobs:
    """All methods are called with the cluster's lock held."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.store = cluster.store
        self.jobs = []
        self.orders = {}

    def load(self):
        self.jobs = self.store.records("jobs")
        for job in self.jobs:
            job["due"] = 0

    def running(self, table):
        for job in self.jobs:
            if job["table_id"] == table.id and job["state"] not in OVER:
                return job
        return None

    def check_idle(self, table):
        if self.running(table):
            raise analyzing_error(
                "A schema change operation is in progress on the table %s."
                " Please wait until the current operation completes. To check"
                " the status of the operation, see SHOW ALTER TABLE COLUMN"
                % table.name)

    def is_fast(self, table, clauses):
        if not table.fast_evolution:
            return False
        if self.cluster.run_mode == "shared_data":
            return False
        return all(c["kind"] in ("add", "drop") for c in clauses)

    def start(self, table, clauses, sql, properties):
        """The cluster checks, then changes at once or later."""
        self.check_idle(table)
        self.cluster.catalog.check_clauses(table, clauses)
        unknown = set(properties) - {"timeout"}
        if unknown:
            raise analyzing_error("Unknown properties: %s" % sorted(unknown))
        fast = self.is_fast(table, clauses)
        order = self.orders.pop((table.database, table.name), {})
        with self.store:
            transactions = self.store.next_number("transaction", 1003)
            job = {"id": self.store.next_number("object", 10100),
                   "database": table.database, "table": table.name,
                   "table_id": table.id, "created": time.time(),
                   "finished": None, "state": "PENDING", "message": "",
                   "watershed": transactions, "sql": sql,
                   "timeout": int(properties.get("timeout", "86400")),
                   "order": order.get("action")}
            self.store.put("jobs", job["id"], job)
        delay = order.get("seconds")
        if delay is None:
            delay = self.cluster.config["alter_delay"]
        job["due"] = math.inf if job["order"] == "hang" \
            else time.monotonic() + delay
        self.jobs.append(job)
        if fast and not order:
            self.finish(job, clauses)
        self.cluster.wake()
        return job

    def save(self, job):
        record = dict(job, due=0)
        with self.store:
            self.store.put("jobs", job["id"], record)

    def end(self, job, state, message=""):
        job["state"] = state
        job["message"] = message
        job["finished"] = time.time()
        self.save(job)

    def finish(self, job, clauses):
        table = self.cluster.catalog.by_id(job["table_id"])
        if not table:
            self.end(job, "CANCELLED", "table does not exist")
            return
        try:
            self.cluster.catalog.change_schema(table, clauses)
        except SqlError as error:
            self.end(job, "CANCELLED", error.text)
            return
        except Exception as error:
            self.end(job, "CANCELLED", "alter failed: %s" % error)
            return
        self.end(job, "FINISHED")

    def blocked(self, job):
        return any(t.table_id == job["table_id"]
                   and t.id < job["watershed"]
                   and t.state in ("PREPARE", "PREPARED", "COMMITTED")
                   for t in self.cluster.transactions.by_id.values())

    def run_due(self):
        upcoming = math.inf
        for job in self.jobs:
            if job["state"] in OVER:
                continue
            if job["created"] + job["timeout"] < time.time():
                self.end(job, "CANCELLED", "Timeout")
                continue
            if job["due"] > time.monotonic():
                upcoming = min(upcoming, job["due"])
                continue
            if self.blocked(job):
                if job["state"] != "WAITING_TXN":
                    job["state"] = "WAITING_TXN"
                    self.save(job)
                continue
            if job["order"] == "cancel":
                self.end(job, "CANCELLED", "schema change failed on backend")
                continue
            self.finish(job, parse(job["sql"],
                                   self.cluster.version)["clauses"])
        return upcoming

    def cancel(self, table):
        job = self.running(table)
        if not job:
            raise analyzing_error("Table[%s] is not under SCHEMA_CHANGE."
                                  % table.name)
        self.end(job, "CANCELLED", "user cancelled")

    def give_order(self, database, table, action, seconds):
        """The next job of a table: "hang", "cancel" or "delay"."""
        self.orders[database, table] = {"action": action,
                                        "seconds": seconds}

    def release(self):
        for job in self.jobs:
            job["due"] = 0
            if job["order"] == "hang":
                job["order"] = None
        self.run_due()
