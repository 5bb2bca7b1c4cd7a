# SPDX-License-Identifier: Apache-2.0
"""A backend's half of the transaction interface of stream load."""

import threading

from .http_common import basic_credentials
from .load_plan import Plan, PlanError
from .stream_load import Counts, LoadInput, Refused
from .transactions import LabelExists, TransactionError

# Headers that may differ between the loads of one transaction.
FREE = ("authorization", "host", "user-agent", "accept", "content-length",
        "transfer-encoding", "expect", "connection", "timeout", "label")


class Answer(Exception):
    """The operation ends with this status."""

    def __init__(self, status, message, **fields):
        super().__init__(message)
        self.fields = dict({"Status": status, "Message": message}, **fields)


class Context:
    def __init__(self, transaction, table):
        self.transaction = transaction
        self.table = table
        self.busy = threading.Lock()
        self.headers = None
        self.plan = None
        self.input = None
        self.bodies = []
        self.bytes = 0


class BackendTransactions:
    def __init__(self, backend, api):
        self.backend = backend
        self.cluster = backend.cluster
        self.api = api
        self.contexts = {}

    def restart(self):
        """What was not prepared is lost."""
        for context in self.contexts.values():
            if context.transaction.state == "PREPARE":
                with self.cluster.lock:
                    self.cluster.transactions.abort(
                        context.transaction, "coordinate BE is down")
        self.contexts.clear()

    def notice(self, label):
        def tell(manner, detail):
            self.cluster.manners.complain(manner, detail, label=label)
        return tell

    def handle(self, request, operation):
        pair = basic_credentials(request)
        if not pair or not self.cluster.users.check(*pair):
            raise Answer("INTERNAL_ERROR", "no valid Basic authorization")
        if request.header("transaction_type"):
            raise Answer("INVALID_ARGUMENT", "Multi-statement transaction"
                         " requests can only be sent to FE nodes, not BE"
                         " nodes")
        label = request.header("label", "")
        key = (request.header("db"), label)
        if operation == "begin":
            return self.begin(request, key)
        context = self.contexts.get(key)
        if not context:
            raise Answer("TXN_NOT_EXISTS", "transaction %s does not exist"
                         % label)
        if not context.busy.acquire(blocking=False):
            raise Answer("TXN_IN_PROCESSING", "Transaction in processing,"
                         " please retry later", Label=label)
        try:
            return self.operate(request, operation, context)
        finally:
            context.busy.release()

    def operate(self, request, operation, context):
        transaction = context.transaction
        if operation == "rollback":
            self.abort(context, "User Aborted")
            return self.ok(context)
        if transaction.state == "ABORTED":
            raise Answer("ABORTED", "current transaction is aborted")
        if operation == "load":
            return self.load(request, context)
        return self.finish(operation, context)

    def ok(self, context, **fields):
        return dict({"Status": "OK", "Message": "",
                     "Label": context.transaction.label,
                     "TxnId": context.transaction.id}, **fields)

    def abort(self, context, reason):
        with self.cluster.lock:
            self.cluster.transactions.abort(context.transaction, reason)

    def fail(self, context, status, message, **fields):
        """Rolls back and ends the operation."""
        self.abort(context, message)
        raise Answer(status, message, TxnId=context.transaction.id, **fields)

    # operations

    def begin(self, request, key):
        database, label = key
        name = request.header("table")
        with self.cluster.lock:
            table = self.cluster.catalog.tables.get((database, name))
            if not table:
                raise Answer("ANALYSIS_ERROR", "unknown table, table=%s.%s"
                             % (database, name))
            try:
                transaction = self.cluster.transactions.begin(
                    database, table, label, "BE:127.0.0.1", is_api=True,
                    coordinator=self.backend.id,
                    timeout=self.limit(request))
            except LabelExists as error:
                raise Answer("LABEL_ALREADY_EXISTS", "", Label=label,
                             ExistingJobStatus=error.job_status) from None
            except TransactionError as error:
                raise Answer("INTERNAL_ERROR", str(error)) from None
        context = Context(transaction, table)
        self.contexts[key] = context
        return self.ok(context)

    def limit(self, request):
        load_input = LoadInput(self.cluster, request.headers)
        try:
            load_input.check_timeout()
        except Refused as error:
            raise Answer("INVALID_ARGUMENT", str(error)) from None
        return load_input.timeout

    def parameters(self, request):
        return {k: v for k, v in request.headers.items() if k not in FREE}

    def load(self, request, context):
        name = request.header("table")
        if name != context.transaction.table:
            raise Answer("INVALID_ARGUMENT", "Request table %s not equal"
                         " transaction table %s"
                         % (name, context.transaction.table))
        if context.plan is None:
            self.plan(request, context)
        elif self.parameters(request) != context.headers:
            self.fail(context, "INTERNAL_ERROR",
                      "load request not equal last.")
        length = request.header("content-length")
        if request.header("transfer-encoding"):
            length = None
        try:
            if length is not None:
                context.input.check_size(context.bytes + int(length))
        except (Refused, ValueError) as error:
            self.fail(context, "INTERNAL_ERROR", str(error))
        request.send_continue()
        body = b"".join(request.pieces())
        context.bytes += len(body)
        context.bodies.append(body)
        return self.ok(context, LoadBytes=len(body), StreamLoadPlanTimeMs=0,
                       ReceivedDataTimeMs=0)

    def plan(self, request, context):
        try:
            context.input, context.plan = self.make_plan(
                request, context.table, context.transaction.label)
        except (Refused, PlanError) as error:
            self.fail(context, "INTERNAL_ERROR", str(error))
        context.headers = self.parameters(request)

    def make_plan(self, request, table, label):
        load_input = LoadInput(self.cluster, request.headers)
        load_input.check_format()
        load_input.check_headers()
        with self.cluster.lock:
            plan = Plan(self.cluster, table, request.headers,
                        load_input.is_json, self.notice(label))
        return load_input, plan

    def convert(self, load_input, plan, bodies, counts, label):
        """CSV bodies are one stream; JSON bodies are documents."""
        if not load_input.is_json:
            bodies = [b"".join(bodies)]
        return load_input.convert(bodies, plan, counts, self.notice(label))

    def finish(self, operation, context):
        transaction = context.transaction
        if not context.bodies:
            self.fail(context, "INTERNAL_ERROR", "transaction %s hasn't send"
                      " any data yet" % transaction.label)
        counts = Counts()
        counts.bytes = context.bytes
        try:
            changes = [self.convert(context.input, context.plan,
                                    context.bodies, counts,
                                    transaction.label)]
        except Refused as error:
            more = self.figures(counts)
            if counts.errors:
                more["ErrorURL"] = self.backend.keep_errors(counts.errors)
            self.fail(context, "INTERNAL_ERROR", str(error), **more)
        with self.cluster.lock:
            try:
                if operation == "prepare":
                    self.cluster.transactions.prepare(transaction, changes)
                else:
                    self.cluster.transactions.commit(transaction, changes)
            except TransactionError as error:
                raise Answer("INTERNAL_ERROR", str(error)) from None
        self.contexts.pop((transaction.database, transaction.label), None)
        if operation == "commit":
            transaction.done.wait(transaction.timeout)
        return self.ok(context, **self.figures(counts))

    def figures(self, counts):
        return {"NumberTotalRows": counts.total,
                "NumberLoadedRows": counts.loaded,
                "NumberFilteredRows": counts.filtered,
                "NumberUnselectedRows": counts.unselected,
                "LoadBytes": counts.bytes, "LoadTimeMs": 0,
                "StreamLoadPlanTimeMs": 0, "ReceivedDataTimeMs": 0,
                "WriteDataTimeMs": 0, "CommitAndPublishTimeMs": 0}

    # many tables

    def multi_load(self, request, known):
        label = known.transaction.label
        name = (request.header("db"), request.header("table"))
        with self.cluster.lock:
            table = self.cluster.catalog.tables.get(name)
        try:
            if not table:
                raise Refused("unknown table, table=%s.%s" % name)
            load_input, plan = self.make_plan(request, table, label)
            request.send_continue()
            body = b"".join(request.pieces())
            counts = Counts()
            known.changes.append(load_input.convert(
                [body], plan, counts, self.notice(label)))
        except (Refused, PlanError) as error:
            with self.cluster.lock:
                self.cluster.transactions.abort(known.transaction,
                                                str(error))
            raise Answer("INTERNAL_ERROR", str(error)) from None
        return {"Status": "OK", "Message": "", "Label": label,
                "TxnId": known.transaction.id, "LoadBytes": len(body)}
