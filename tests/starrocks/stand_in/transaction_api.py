# SPDX-License-Identifier: Apache-2.0
"""The frontend's half of the transaction interface of stream load."""

import random
import time

from .http_common import pretty, watch
from .http_server import BodyError
from .transaction_backend import Answer, BackendTransactions
from .transactions import LabelExists, TransactionError

OPERATIONS = ("begin", "load", "prepare", "commit", "rollback")
DEFAULT_WAIT = 20


class MultiTable:
    """A transaction over many tables, which the frontend keeps."""

    def __init__(self, transaction, backend):
        self.transaction = transaction
        self.backend = backend
        self.changes = []


class TransactionApi:
    def __init__(self, cluster):
        self.cluster = cluster
        self.sticky = {}
        self.multi = {}
        self.backends = {}

    def of(self, backend):
        if backend.id not in self.backends:
            self.backends[backend.id] = BackendTransactions(backend, self)
        return self.backends[backend.id]

    def forget_stickiness(self):
        """A leader change; from 3.5 on the coordinator is on record."""
        self.sticky.clear()

    # frontend

    def handle_frontend(self, frontend, request, operation):
        database = request.header("db")
        table = request.header("table")
        label = request.header("label")
        watch(request, self.cluster, "frontend", database, table, label)
        if operation not in OPERATIONS:
            return frontend.failed(request, "Not support operation "
                                   + operation)
        if not frontend.authorized(request, "INSERT",
                                   "TABLE %s" % (table or database)):
            return None
        if not label or not database:
            return frontend.failed(request, "empty %s"
                                   % ("db" if label else "label"))
        if operation in ("begin", "load") and not table \
           and not self.is_multi(request):
            return frontend.failed(request, "empty table")
        if self.is_multi(request):
            return self.multi_frontend(frontend, request, operation)
        if operation == "begin":
            return self.begin(frontend, request, database, label)
        return self.follow_up(frontend, request, operation, database, label)

    def is_multi(self, request):
        return self.cluster.version.at_least(4) \
            and (request.header("transaction_type") or "").lower() == "multi"

    def begin(self, frontend, request, database, label):
        alive = self.cluster.alive_backends()
        if not alive:
            return frontend.failed(request, "No backend alive.")
        known = self.sticky.get((database, label))
        backend = known if known in alive else random.choice(alive)
        self.sticky[database, label] = backend
        return frontend.redirect_to(request, backend)

    def backend_of(self, database, label):
        backend = self.sticky.get((database, label))
        if backend or not self.cluster.version.at_least(3, 5):
            return backend
        with self.cluster.lock:
            found = self.cluster.transactions.find(database, label)
        for each in self.cluster.backends:
            if found and each.id == found.coordinator:
                return each
        return None

    def follow_up(self, frontend, request, operation, database, label):
        with self.cluster.lock:
            found = self.cluster.transactions.find(database, label)
        state = found.state if found else None
        if operation == "commit" and state in ("PREPARED", "COMMITTED",
                                               "VISIBLE", "ABORTED"):
            return self.commit_here(frontend, request, found)
        if operation == "rollback" and state in ("PREPARED", "COMMITTED",
                                                 "VISIBLE", "ABORTED"):
            return self.rollback_here(frontend, request, found)
        backend = self.backend_of(database, label)
        if not backend or not backend.alive:
            return frontend.failed(
                request, "transaction with op %s label %s has no backend"
                % (operation, label))
        return frontend.redirect_to(request, backend)

    def done(self, request, transaction, message=""):
        request.answer(200, pretty({
            "Status": "OK", "Message": message, "TxnId": transaction.id,
            "Label": transaction.label}))

    def commit_here(self, frontend, request, found):
        if found.state == "ABORTED":
            return frontend.failed(
                request, "Can not commit ABORTED transaction %d, label is %s"
                % (found.id, found.label), close=False)
        if found.state in ("COMMITTED", "VISIBLE"):
            return self.done(request, found, "Transaction %d has already"
                             " committed, label is %s"
                             % (found.id, found.label))
        fault = self.cluster.faults.strike("commit", found.table,
                                           found.label)
        delay = fault.get("seconds", float("inf")) if fault else 0
        with self.cluster.lock:
            changes = self.cluster.store.staged(found.id)
            try:
                self.cluster.transactions.commit(found, changes, delay)
            except TransactionError as error:
                return frontend.failed(request, str(error), close=False)
        return self.wait(frontend, request, found, fault)

    def wait(self, frontend, request, found, fault):
        limit = float(request.header("timeout", DEFAULT_WAIT))
        if fault and fault.get("reply_after"):
            limit = fault.get("reply_after")
        if not found.done.wait(limit):
            return frontend.failed(
                request, "publish timeout: %d, transactionId=%d"
                % (limit * 1000, found.id), close=False)
        return self.done(request, found)

    def rollback_here(self, frontend, request, found):
        if found.state in ("COMMITTED", "VISIBLE"):
            return frontend.failed(
                request, "Can not abort %s transaction %d, label is %s"
                % (found.state, found.id, found.label), close=False)
        if found.state == "ABORTED":
            return self.done(request, found, "Transaction %d has already"
                             " aborted, label is %s"
                             % (found.id, found.label))
        with self.cluster.lock:
            self.cluster.transactions.abort(found, "User Aborted")
        return self.done(request, found)

    # many tables (4.0 and later)

    def multi_frontend(self, frontend, request, operation):
        database = request.header("db")
        label = request.header("label")
        known = self.multi.get((database, label))
        if operation == "begin":
            return self.multi_begin(frontend, request, database, label)
        if operation == "prepare":
            return frontend.failed(request, "Unsupported operation:"
                                   " TXN_PREPARE")
        if not known:
            return frontend.failed(request, "transaction with label %s does"
                                   " not exist" % label)
        if operation == "load":
            return frontend.redirect_to(request, known.backend)
        if operation == "commit":
            return self.multi_commit(frontend, request, known)
        return self.rollback_here(frontend, request, known.transaction)

    def multi_begin(self, frontend, request, database, label):
        alive = self.cluster.alive_backends()
        if not alive:
            return frontend.failed(request, "No backend alive.")
        limit = int(request.header("timeout", DEFAULT_WAIT))
        with self.cluster.lock:
            if database not in self.cluster.catalog.databases:
                return frontend.failed(request, "unknown database, database="
                                       + database)
            try:
                transaction = self.cluster.transactions.begin(
                    database, None, label, "FE", timeout=limit, multi=True)
            except LabelExists as error:
                return request.answer(200, pretty({
                    "Status": "LABEL_ALREADY_EXISTS", "Message": str(error),
                    "ExistingJobStatus": error.transaction.state}))
            except TransactionError as error:
                return frontend.failed(request, str(error))
        self.multi[database, label] = MultiTable(
            transaction, random.choice(alive))
        return request.answer(200, pretty({"Status": "OK", "Message": ""}))

    def multi_commit(self, frontend, request, known):
        found = known.transaction
        if found.state == "ABORTED":
            return frontend.failed(
                request, "Can not commit CANCELLED transaction %d, label is"
                " %s" % (found.id, found.label))
        if found.state in ("COMMITTED", "VISIBLE"):
            return self.done(request, found)
        if not known.changes:
            return frontend.failed(request, "transaction hasn't send any"
                                   " data yet")
        with self.cluster.lock:
            try:
                self.cluster.transactions.commit(found, known.changes)
            except TransactionError as error:
                return frontend.failed(request, str(error))
        return self.wait(frontend, request, found, None)

    # backend

    def handle_backend(self, backend, request, operation):
        watch(request, self.cluster, "backend", request.header("db"),
              request.header("table"), request.header("label"))
        here = self.of(backend)
        started = time.monotonic()
        try:
            if self.is_multi(request):
                answer = self.multi_backend(here, request, operation)
            else:
                answer = here.handle(request, operation)
        except Answer as error:
            answer = error.fields
        except BodyError as error:
            answer = {"Status": "INTERNAL_ERROR", "Message": str(error)}
            request.connection.close_after = True
        answer.setdefault("Label", request.header("label"))
        if operation == "begin":
            answer.setdefault("BeginTxnTimeMs", int(
                (time.monotonic() - started) * 1000))
        request.answer(200, pretty(answer), close=request.has_body
                       and not request.body_read)

    def multi_backend(self, here, request, operation):
        if operation != "load":
            raise Answer("INVALID_ARGUMENT", "Multi-statement transaction"
                         " requests can only be sent to FE nodes, not BE"
                         " nodes")
        known = self.multi.get((request.header("db"),
                                request.header("label")))
        if not known:
            raise Answer("TXN_NOT_EXISTS", "transaction does not exist")
        if known.transaction.state != "PREPARE":
            raise Answer("ABORTED", "current transaction is aborted")
        return here.multi_load(request, known)


