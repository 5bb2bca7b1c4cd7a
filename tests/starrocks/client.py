# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the stand-in for tests, and talks to it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


class StandIn:
    """A running stand-in; `folder` keeps its state over restarts."""

    def __init__(self, folder, *options, user="root", password="secret"):
        self.folder = str(folder)
        self.options = list(options)
        self.user = user
        self.password = password
        self.process = None
        self.ports = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # the process

    def start(self, timeout=30):
        os.makedirs(self.folder, exist_ok=True)
        ready = os.path.join(self.folder, "ports.json")
        if os.path.exists(ready):
            os.unlink(ready)
        self.process = self.popen(
            [sys.executable, os.path.join(HERE, "standin.py"),
             "--data", self.folder, "--user", self.user,
             "--password-file", self.password_file()] + self.options)
        deadline = time.monotonic() + timeout
        while not os.path.exists(ready):
            if self.process.poll() is not None:
                raise RuntimeError("the stand-in ended with %d"
                                   % self.process.returncode)
            if time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError("the stand-in is not ready")
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            self.ports = json.load(file)
        return self

    def password_file(self):
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="utf-8",
                  opener=lambda *how: os.open(*how, mode=0o600)) as file:
            file.write(self.password)
        return path

    def popen(self, command):
        """How a process is started; for others to override."""
        return subprocess.Popen(command)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def restart(self):
        """Comes back on the same ports with the same data."""
        if self.process.poll() is None:
            self.stop()
        fixed = ["--mysql-port", str(self.ports["mysql"]),
                 "--fe-port", str(self.ports["fe"]),
                 "--admin-port", str(self.ports["admin"]),
                 "--be-ports"] + [str(p) for p in self.ports["be"]]
        if self.ports["fe_tls"]:
            fixed += ["--fe-tls-port", str(self.ports["fe_tls"]),
                      "--be-tls-ports"] + [str(p) for p in
                                           self.ports["be_tls"]]
        options = self.options
        self.options = options + fixed
        try:
            return self.start()
        finally:
            self.options = options

    # the admin port

    def admin(self, method, path, body=None):
        request = urllib.request.Request(
            "http://127.0.0.1:%d/%s" % (self.ports["admin"], path),
            method=method,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None

    def fault(self, action, **rule):
        return self.admin("POST", "fault", dict(rule, action=action))["id"]

    def clear_faults(self):
        self.admin("DELETE", "faults")

    def release(self, **which):
        return self.admin("POST", "release", which)

    def config(self, **values):
        return self.admin("POST", "config", values)

    def manners(self):
        return self.admin("GET", "manners")

    def bad_manners(self):
        """The names of the bad manners, sorted, each once."""
        return sorted({m["manner"] for m in self.manners()["bad"]})

    def loads(self):
        return self.admin("GET", "loads")["loads"]

    # SQL

    def connect(self, **options):
        import pymysql
        settings = dict(host="127.0.0.1", port=self.ports["mysql"],
                        user=self.user, password=self.password,
                        autocommit=None)
        settings.update(options)
        return pymysql.connect(**settings)

    def sql(self, statement, **options):
        """The rows of one statement on a connection of its own."""
        connection = self.connect(**options)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def texts(self, statement):
        """Rows as the server prints them: nothing is converted."""
        return self.sql(statement, conv={})

    def rows(self, table, order="1"):
        return self.texts("SELECT * FROM %s ORDER BY %s" % (table, order))

    # loads, by curl

    def load(self, database, table, body, user=None, password=None,
             base=None, curl=(), **headers):
        """The final answer of a stream load as a dictionary."""
        text = self.raw_load(database, table, body, user, password, base,
                             curl, **headers).stdout
        return json.loads(text)

    def raw_load(self, database, table, body, user=None, password=None,
                 base=None, curl=(), **headers):
        settings = {"Expect": "100-continue", "strict_mode": "true",
                    "max_filter_ratio": "0"}
        settings.update({k: v for k, v in headers.items()})
        command = ["curl", "-s", "--location-trusted", "-u", "%s:%s" % (
            user or self.user, self.password if password is None
            else password), "-T", "-" if "chunked" in curl
            else self.body_file(body)]
        for name, value in settings.items():
            if value is not None:
                command += ["-H", "%s: %s" % (name, value)]
        command += [c for c in curl if c != "chunked"]
        base = base or "http://127.0.0.1:%d" % self.ports["fe"]
        command.append("%s/api/%s/%s/_stream_load" % (base, database, table))
        return subprocess.run(command, capture_output=True, timeout=120,
                              input=body if "chunked" in curl else None,
                              check=False)

    def body_file(self, body):
        if isinstance(body, str):
            body = body.encode()
        path = os.path.join(self.folder, "body-%d" % time.monotonic_ns())
        with open(path, "wb") as file:
            file.write(body)
        return path

    def load_state(self, database, label):
        import base64
        pair = "%s:%s" % (self.user, self.password)
        request = urllib.request.Request(
            "http://127.0.0.1:%d/api/%s/get_load_state?label=%s"
            % (self.ports["fe"], database, label), headers={
                "Authorization": "Basic "
                + base64.b64encode(pair.encode()).decode()})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["state"]
