# SPDX-License-Identifier: Apache-2.0
"""Drives a sink through tests/sink/driver, one JSON object a call."""

import json
import subprocess

(BOOL, INT16, INT32, INT64, DECIMAL, FLOAT32, FLOAT64, STRING, BYTES, DATE,
 TIME, TIMESTAMP, TIMESTAMPTZ, UUID, JSON, INTERVAL, ARRAY,
 OTHER) = range(1, 19)

OK = 0
(CONFIG, CREDENTIAL, UNAVAILABLE, THROTTLED, ROW, SCHEMA, STOPPED, OPERATOR,
 MEMORY, UNSUPPORTED, BUG) = range(-1, -12, -1)

UNCHANGED = False


def column(name, type_=STRING, key=0, **more):
    return dict(name=name, type=type_, key=key, **more)


def table(name, *columns, **more):
    return dict(name=name, columns=list(columns), **more)


def upsert(*values):
    return ["upsert", *values]


def delete(*values):
    return ["delete", *values]


class Sink:
    """One driver process with one instance of the connector."""

    def __init__(self, driver, connector):
        self.process = subprocess.Popen(
            [str(driver), str(connector)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )

    def __call__(self, do, **what):
        self.process.stdin.write(json.dumps(dict(what, do=do)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the driver ended with {self.process.wait()}")
        return json.loads(line)

    def rows(self, table_):
        """All rows as they are now, sorted."""
        answer = self("scan", table=table_)
        if answer["code"] != OK:
            raise RuntimeError(answer["error"])
        return sorted(answer["rows"], key=json.dumps)

    def end(self):
        """The driver's exit status; not 0 if a sanitizer complained."""
        self.process.stdin.close()
        status = self.process.wait(60)
        self.process.stdout.close()
        return status
