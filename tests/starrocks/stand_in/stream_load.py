# SPDX-License-Identifier: Apache-2.0
"""One stream load on a backend, in the backend's order of checks."""

import hashlib
import itertools
import re
import time
import uuid

from .compression import NAMES, CompressionError, decompress
from .csv_body import CsvError, CsvFormat, rows as csv_rows
from .http_common import (basic_credentials, html_error, pretty, watch,
                          watch_load)
from .http_server import BodyError, Gone
from .json_body import objects
from .json_text import JsonError, minify
from .key_engine import KeyEngine, KeyTooLong, LoadRefused
from .load_plan import Plan, PlanError, RowRefused
from .transactions import LabelExists, TransactionError

FORMATS = {"csv": None, "gzip": "gzip", "bzip2": "bzip2", "lz4": "lz4",
           "deflate": "deflate", "zstd": "zstd"}
ERROR_LINES = 50


class Refused(Exception):
    """The load fails with this message."""


class Dropped(Exception):
    """A fault: the connection is to be dropped, once all is tidied up."""


class Counts:
    def __init__(self):
        self.total = self.loaded = self.filtered = self.unselected = 0
        self.bytes = 0
        self.errors = []

    def refuse(self, reason, row):
        self.filtered += 1
        if len(self.errors) < ERROR_LINES:
            self.errors.append("Error: %s. Row: %s" % (reason, row))


class LoadInput:
    """What the headers say about the body, checked."""

    def __init__(self, cluster, headers):
        self.cluster = cluster
        self.headers = headers
        self.is_json = False
        self.compression = None
        self.timeout = cluster.config["stream_load_default_timeout"]

    def header(self, name, default=None):
        return self.headers.get(name, default)

    def check_format(self):
        form = self.header("format", "csv").lower()
        if form == "json":
            self.is_json = True
        elif form in FORMATS:
            self.compression = FORMATS[form]
        else:
            raise Refused("unknown data format, format=%s"
                          % self.header("format"))

    def check_size(self, length):
        """`length` is None for a chunked body."""
        if length is None:
            return
        config = self.cluster.config
        if length > config["body_limit"]:
            raise Refused("body size %d exceed limit: %d, You can increase"
                          " the limit by setting streaming_load_max_mb in"
                          " be.conf." % (length, config["body_limit"]))
        if self.is_json and length > config["json_limit"] \
           and self.header("ignore_json_size", "").lower() != "true":
            raise Refused(
                "The size of this batch exceed the max size [%d]  of json"
                " type data  data [ %d ]. Set ignore_json_size to skip the"
                " check, although it may lead huge memory consuming."
                % (config["json_limit"], length))

    def check_timeout(self):
        text = self.header("timeout")
        if text is None:
            return
        if not re.fullmatch(r"\d{1,9}", text, re.A):
            raise Refused("Invalid timeout format")
        if not 1 <= int(text) <= 259200:
            raise Refused("timeout %s is out of range [1, 259200]" % text)
        self.timeout = int(text)

    def check_headers(self):
        """The headers that are looked at after the transaction began."""
        for name, what in (("strict_mode", "strict mode"),
                           ("strip_outer_array", "strip outer array")):
            value = self.header(name)
            if value is not None and value.lower() not in ("true", "false"):
                raise Refused("Invalid %s format. Must be bool type" % what)
        self.ratio = 0.0
        text = self.header("max_filter_ratio")
        if text is not None:
            try:
                self.ratio = float(text)
            except ValueError:
                raise Refused("Invalid max_filter_ratio") from None
            if not 0 <= self.ratio <= 1:
                raise Refused("max_filter_ratio should be in [0, 1]")
        if self.header("partitions") and self.header("temporary_partitions"):
            raise Refused("Can't specify both partitions and temporary"
                          " partitions")
        mode = self.header("partial_update_mode")
        if mode and mode not in ("row", "column", "auto"):
            self.cluster.manners.complain("unknown_partial_update_mode", mode)
        self.check_compression()

    def check_compression(self):
        first = self.header("compression")
        second = self.header("content-encoding")
        if first and second:
            raise Refused("Both compression and Content-Encoding are set")
        name = first or second
        if not name:
            return
        if not self.is_json:
            self.cluster.manners.complain(
                "compression_header_with_csv",
                "it is ignored: the body would be parsed as it is")
            return
        if not self.cluster.version.json_compression:
            self.cluster.manners.complain(
                "compression_header_too_early",
                "JSON compression exists since 3.2.7")
            return
        if name.upper() not in NAMES:
            raise Refused("unsupported compression type: %s" % name)
        self.compression = NAMES[name.upper()]

    # rows

    def records(self, body, plan):
        """(record, text of the row, problem) for each row of the body."""
        if self.compression:
            body = decompress(self.compression, body)
        if self.is_json:
            strip = self.header("strip_outer_array", "").lower() == "true"
            for record in objects(body, strip, self.header("json_root")):
                yield record, None, None
            return
        wanted = len(plan.sources)
        for row, fields in csv_rows(body, CsvFormat(self.headers)):
            try:
                text = row.decode("utf-8")
                record = [None if f == b"\\N" else f.decode("utf-8")
                          for f in fields]
            except UnicodeDecodeError:
                yield None, repr(row), "Invalid UTF-8 row"
                continue
            if len(record) != wanted:
                yield None, text, (
                    "Target column count: %d doesn't match source value"
                    " column count: %d" % (wanted, len(record)))
                continue
            yield record, text, None

    def convert(self, bodies, plan, counts, notice):
        """All rows of the bodies as Changes."""
        engine = KeyEngine(plan, self.cluster.config, notice)
        make = plan.row
        add = engine.add
        try:
            for record, text, problem in itertools.chain.from_iterable(
                    self.records(body, plan) for body in bodies):
                counts.total += 1
                if counts.total == 1 and self.is_json and not plan.paths:
                    plan.look_at_keys(record)
                if problem:
                    counts.refuse(problem, text)
                    continue
                try:
                    made = make(record)
                except RowRefused as error:
                    counts.refuse(error, text or minify(record))
                    continue
                if made is None:
                    counts.unselected += 1
                    continue
                add(*made)
        except (JsonError, CsvError, CompressionError, KeyTooLong,
                LoadRefused) as error:
            raise Refused(str(error)) from None
        counts.loaded = engine.count
        self.check_counts(counts)
        return engine.finish()

    def check_counts(self, counts):
        selected = counts.total - counts.unselected
        if counts.filtered and counts.filtered / selected > self.ratio:
            raise Refused("too many filtered rows")
        if not counts.loaded:
            if self.cluster.version.at_least(3):
                raise Refused(
                    "No partitions have data available for loading. If you"
                    " are sure there may be no data to be loaded, you can use"
                    " `ADMIN SET FRONTEND CONFIG ('empty_load_as_error' ="
                    " 'false')` to ensure such load jobs can succeed")
            raise Refused("all partitions have no load data")


class StreamLoad:
    def __init__(self, backend, request, database, table):
        self.backend = backend
        self.cluster = backend.cluster
        self.request = request
        self.database = database
        self.table_name = table
        self.label = request.header("label") or str(uuid.uuid4())
        self.input = LoadInput(self.cluster, request.headers)
        self.counts = Counts()
        self.transaction = None
        self.started = time.monotonic()
        self.times = {}
        self.entry = None
        self.committed = False
        self.busy = None
        self.counted = 1

    def notice(self, manner, detail):
        self.cluster.manners.complain(manner, detail, label=self.label,
                                      table=self.table_name)

    def strike(self, point):
        return self.cluster.faults.strike(point, self.table_name, self.label)

    def run(self):
        watch(self.request, self.cluster, "backend", self.database,
              self.table_name, self.label)
        watch_load(self.request, self.cluster, self.label)
        self.entry = {"database": self.database, "table": self.table_name,
                      "label": self.label, "backend": self.backend.id,
                      "time": time.time(), "status": "RECEIVING",
                      "rows": 0, "bytes": 0, "message": ""}
        self.cluster.loads.append(self.entry)
        with self.cluster.lock:
            self.backend.active += 1
        try:
            self.process()
        except Gone:
            self.abandon("connection lost")
            raise
        except Dropped:
            self.abandon("connection lost")
            self.leave()
            self.request.drop()
        except Refused as error:
            self.abandon(str(error))
            self.reply("Fail", str(error))
        except LabelExists as error:
            self.label_exists(error)
        except Exception as error:
            self.abandon("stand-in error: %r" % error)
            self.reply("Fail", "stand-in error: %r" % error)
            raise
        finally:
            self.leave()

    def leave(self):
        """Before the client hears anything, for its next load may follow at
        once."""
        with self.cluster.lock:
            self.backend.active -= self.counted
        self.counted = 0
        if self.busy:
            self.cluster.leave_load(self.busy)
            self.busy = None

    def process(self):
        fault = self.strike("backend")
        if fault and fault.action == "drop_after_redirect":
            self.request.drop()
        if fault and fault.action == "http_error_backend":
            self.entry["status"] = "HTTP_ERROR"
            html_error(self.request, fault.get("status", 503))
            return
        self.check_before_begin()
        table = self.begin()
        self.busy = self.cluster.enter_load(table, self.label)
        self.load(table, fault)

    def check_before_begin(self):
        limit = self.cluster.config["concurrent_loads"]
        if limit and self.backend.active > limit:
            raise Refused("Stream Load exceed http cuncurrent limit %d,"
                          " please try again later" % limit)
        pair = basic_credentials(self.request)
        if not pair:
            self.cluster.manners.complain("no_credentials_at_backend",
                                          label=self.label)
            raise Refused("no valid Basic authorization")
        self.user, self.password = pair
        length = self.request.header("content-length")
        if self.request.header("transfer-encoding"):
            length = None
        elif length is None or not re.fullmatch(r"\d{1,15}", length, re.A):
            raise Refused("There is no content-length or"
                          " transfer-encoding header")
        length = None if length is None else int(length)
        self.input.check_format()
        self.input.check_size(length)
        self.input.check_timeout()

    def begin(self):
        """What the frontend checks inside the begin-transaction call."""
        cluster = self.cluster
        if not cluster.users.check(self.user, self.password):
            raise Refused("Access denied for %s@127.0.0.1" % self.user)
        if not cluster.users.may(self.user, "INSERT"):
            raise Refused("Access denied; you need (at least one of) the"
                          " INSERT privilege(s) on TABLE %s for this"
                          " operation." % self.table_name)
        start = time.monotonic()
        with cluster.lock:
            if self.database not in cluster.catalog.databases:
                raise Refused("unknown database, database="
                              + self.database)
            table = cluster.catalog.tables.get((self.database,
                                                self.table_name))
            if not table:
                raise Refused("unknown table, table=%s.%s"
                              % (self.database, self.table_name))
            try:
                self.transaction = cluster.transactions.begin(
                    self.database, table, self.label, "BE:127.0.0.1",
                    coordinator=self.backend.id, timeout=self.input.timeout)
            except TransactionError as error:
                raise Refused(str(error)) from None
        self.times["BeginTxnTimeMs"] = elapsed(start)
        return table

    def load(self, table, fault):
        start = time.monotonic()
        self.input.check_headers()
        if fault and fault.action == "fail":
            raise Refused(fault.get("message", "Memory of process exceed"
                                    " limit."))
        if fault and fault.action == "too_many_versions":
            raise Refused(self.cluster.too_many_versions())
        slow = self.strike("plan")
        if slow:
            time.sleep(slow.get("seconds", 1))
        try:
            with self.cluster.lock:
                plan = Plan(self.cluster, table, self.request.headers,
                            self.input.is_json, self.notice)
        except PlanError as error:
            raise Refused(str(error)) from None
        reason = self.cluster.count_version(table)
        if reason:
            raise Refused(reason)
        self.times["StreamLoadPlanTimeMs"] = elapsed(start)
        self.request.send_continue()
        body = self.receive()
        start = time.monotonic()
        changes = self.input.convert([body], plan, self.counts,
                                     self.notice)
        del body
        self.times["WriteDataTimeMs"] = elapsed(start)
        self.commit(changes)

    def receive(self):
        """The whole body; a body that is cut short fails the load."""
        start = time.monotonic()
        fault = self.strike("body")
        pieces = []
        digest = hashlib.sha256()
        try:
            for piece in self.request.pieces():
                pieces.append(piece)
                digest.update(piece)
                self.counts.bytes += len(piece)
                if fault and self.counts.bytes >= fault.get("bytes", 1):
                    raise Dropped()
        except BodyError as error:
            self.request.connection.close_after = True
            raise Refused(str(error)) from None
        if fault:
            raise Dropped()
        self.times["ReadDataTimeMs"] = elapsed(start)
        self.entry["bytes"] = self.counts.bytes
        self.entry["compression"] = self.input.compression
        self.cluster.manners.label_content(self.database, self.label,
                                           digest.hexdigest())
        return b"".join(pieces)

    def commit(self, changes):
        start = time.monotonic()
        fault = self.strike("commit")
        delay = 0
        if fault and fault.action == "hold":
            self.entry["status"] = "HELD"
            self.cluster.faults.hold(self.table_name, self.label,
                                     fault.get("seconds", 600))
        elif fault and fault.action == "fail_after_body":
            raise Refused(fault.get("message", "close index channel failed"))
        elif fault and fault.action == "too_many_versions_after_body":
            raise Refused(self.cluster.too_many_versions())
        elif fault:
            delay = fault.get("seconds", float("inf"))
        last = self.strike("reply")
        if last and last.action == "drop_before_reply" \
           and not last.get("committed", True):
            raise Dropped()
        with self.cluster.lock:
            try:
                self.cluster.transactions.commit(self.transaction, [changes],
                                                 delay)
            except TransactionError as error:
                raise Refused(str(error)) from None
        self.committed = True
        self.wait_visible(delay, fault, start, last)

    def wait_visible(self, delay, fault, start, last):
        limit = self.input.timeout
        if delay:
            limit = fault.get("reply_after", 0.2)
        self.transaction.done.wait(limit)
        self.times["CommitAndPublishTimeMs"] = elapsed(start)
        visible = self.transaction.state == "VISIBLE"
        status = "Success" if visible else "Publish Timeout"
        message = "OK" if visible else "Publish timeout. The data will be" \
            " visible after a while"
        self.reply(status, message, last)

    def abandon(self, reason):
        if not self.committed:
            self.entry.update(status="ABORTED", message=reason)
        if self.transaction and not self.committed:
            with self.cluster.lock:
                self.cluster.transactions.abort(self.transaction, reason)

    def label_exists(self, error):
        known = self.cluster.manners.contents.get((self.database,
                                                   self.label))
        if known is None:
            self.cluster.manners.complain("label_of_another_kind",
                                          label=self.label)
        self.reply("Label Already Exists", str(error),
                   extra={"ExistingJobStatus": error.job_status})

    def body(self, status, message, extra):
        counts = self.counts
        fields = {"TxnId": self.transaction.id if self.transaction else -1,
                  "Label": self.label}
        if self.cluster.version.at_least(3, 3):
            fields["Db"] = self.database
            fields["Table"] = self.table_name
        fields["Status"] = status
        fields.update(extra or {})
        fields["Message"] = message
        fields.update(NumberTotalRows=counts.total,
                      NumberLoadedRows=counts.loaded,
                      NumberFilteredRows=counts.filtered,
                      NumberUnselectedRows=counts.unselected,
                      LoadBytes=counts.bytes,
                      LoadTimeMs=elapsed(self.started))
        for name in ("BeginTxnTimeMs", "StreamLoadPlanTimeMs",
                     "ReadDataTimeMs", "WriteDataTimeMs",
                     "CommitAndPublishTimeMs"):
            fields[name] = self.times.get(name, 0)
        if counts.errors:
            fields["ErrorURL"] = self.backend.keep_errors(counts.errors)
        return fields

    def reply(self, status, message, fault=None, extra=None):
        self.entry.update(status=status, message=message,
                          rows=self.counts.loaded,
                          filtered=self.counts.filtered)
        self.leave()
        close = self.request.has_body and not self.request.body_read
        action = fault.action if fault else None
        if action == "drop_before_reply":
            self.request.drop()
        if action == "unknown_status":
            status = fault.get("message", "Quite Fine")
        if action == "slow_reply":
            time.sleep(fault.get("seconds", 1))
        if action == "hang_before_reply":
            self.cluster.faults.hold(self.table_name, self.label,
                                     fault.get("seconds", 600))
        text = pretty(self.body(status, message, extra))
        if action == "truncated_json":
            text = text[:len(text) // 2]
        if action == "drip_reply":
            self.request.drip = fault.get("seconds", 2) / 100
        self.request.answer(200, text, close=close,
                            cut=0.5 if action == "drop_in_reply" else None)


def elapsed(start):
    return int((time.monotonic() - start) * 1000)


__all__ = ["StreamLoad", "LoadInput", "Refused", "Counts"]
