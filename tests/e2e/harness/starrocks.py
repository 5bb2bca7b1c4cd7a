# SPDX-License-Identifier: Apache-2.0
"""StarRocks as the tests reach it: by its SQL port, and with faults if it is
the stand-in of tests/starrocks."""

import os
import pathlib
import socket
import ssl
import sys
import threading

import pymysql

from . import process

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "starrocks"))

import client  # noqa: E402


class Target:
    """The SQL side of a StarRocks, real or stand-in."""

    has_faults = False
    pid = None

    def __init__(self, host, port, user, password, load_url, ca=None):
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.load_url = load_url
        self.ca = ca

    def options(self, database):
        """The keys of the [sink] section, but for the password."""
        keys = {"host": self.host, "port": self.port, "user": self.user,
                "database": database, "load_url": self.load_url}
        if self.ca:
            keys.update(ssl_enabled="true", ssl_root_cert=self.ca)
            if self.load_url.startswith("http://"):
                keys["load_plaintext"] = "allow"
        else:
            keys["ssl_enabled"] = "false"
        return keys

    def describe(self):
        return f"{self.host}:{self.port}, loads by {self.load_url}"

    def client_command(self, database, options):
        """How a person opens it; the password is written to the file options,
        since what is shown here is on a screen and in lists of processes."""
        password = self.password.replace("\\", "\\\\")
        options.touch(mode=0o600)
        options.write_text(f'[client]\npassword="{password}"\n')
        tls = f" --ssl-ca={self.ca} --ssl-verify-server-cert" if self.ca else ""
        return (f"mysql --defaults-extra-file={options} -h {self.host}"
                f" -P {self.port} -u {self.user}{tls} {database}")

    def connect(self, database=None):
        context = ssl.create_default_context(cafile=str(self.ca)) \
            if self.ca else None
        # No decoders: the oracle wants StarRocks' own text.
        return pymysql.connect(host=self.host, port=self.port, user=self.user,
                               password=self.password, database=database,
                               ssl=context, conv={}, charset="utf8mb4",
                               autocommit=None)

    def sql(self, statement, database=None):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def exists(self, database, table):
        return bool(self.sql(
            "SELECT table_name FROM information_schema.tables WHERE"
            f" table_schema = '{database}' AND table_name = '{table}'"))

    def read(self, database, table):
        """(column names, rows) of a table; ([], None) when it is not there."""
        if not self.exists(database, table):
            return [], None
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM `{table}`")
                return ([column[0] for column in cursor.description],
                        list(cursor.fetchall()))
        finally:
            connection.close()

    def columns(self, database, table):
        """{name: (type, nullable, is key)} from DESC."""
        return {row[0]: (row[1].lower(), row[2].upper() == "YES",
                         row[3].lower() == "true")
                for row in self.sql(f"DESC `{database}`.`{table}`")}

    def stop(self):
        """A real cluster is not ours to stop."""


def real_starrocks():
    """The StarRocks that the environment names."""
    host = os.environ["STARROCKS_HOST"]
    return Target(host, int(os.environ.get("STARROCKS_PORT", "9030")),
                  os.environ.get("STARROCKS_USER", "root"),
                  os.environ.get("STARROCKS_PASSWORD", ""),
                  os.environ.get("STARROCKS_LOAD_URL", f"http://{host}:8030"),
                  os.environ.get("STARROCKS_CA"))


# The tests' words for mishaps, and the stand-in's rules for them.
FAULTS = {
    "reply_lost_after_commit": {"action": "drop_before_reply"},
    "reply_lost_before_commit": {"action": "drop_before_reply",
                                 "committed": False},
    "reply_cut": {"action": "drop_in_reply"},
    "truncated_reply": {"action": "truncated_json"},
    "unknown_status": {"action": "unknown_status"},
    "cut_in_body": {"action": "drop_in_body"},
    "cut_before_redirect": {"action": "drop_before_redirect"},
    "cut_after_redirect": {"action": "drop_after_redirect"},
    "redirect_loop": {"action": "redirect_loop"},
    "redirect_without_location": {"action": "redirect_without_location"},
    "frontend_503": {"action": "http_error", "status": 503},
    "backend_500": {"action": "http_error_backend", "status": 500},
    "too_many_versions": {"action": "too_many_versions_after_body"},
    "memory_exceeded": {
        "action": "fail_after_body",
        "message": "Memory of process exceed limit. Start execute plan"
                   " fragment. Used: 12884901888, Limit: 12884901888. Mem"
                   " usage has exceed the limit of BE"},
    "publish_timeout": {"action": "publish_delay", "seconds": 2},
    "not_master": {"action": "frontend_fail", "message":
                   "current fe is not master, master is 127.0.0.1"},
    "no_backend": {"action": "frontend_fail"},
}


class _Client(client.StandIn):
    """The stand-in's own client, with children that die with us."""

    detached = False

    def popen(self, command):
        return process.start(command, detached=self.detached)


class StandIn(Target):
    """A stand-in of our own: MySQL port with TLS; loads by https through a
    "proxy" that follows redirects, or by http with StarRocks' redirects."""

    has_faults = True

    def __init__(self, folder, authority, https=True, detached=False,
                 required=True, options=(), identity=None, password=None):
        certificate, key = identity or authority.issue("starrocks")
        user = "loader"
        password = password or f"canary-{os.urandom(8).hex()}-sr"
        self._client = _Client(
            folder, "--tls-cert", str(certificate), "--tls-key", str(key),
            *(["--tls-required"] if required else []), "--redirect", "follow" if https else "http",
            # A sink must not lean on the order of one key's operations.
            "--config", "deletes_last=true", *options,
            user=user, password=password)
        self._client.detached = detached
        self._client.start()
        ports = self._client.ports
        load_url = (f"https://127.0.0.1:{ports['fe_tls']}" if https
                    else f"http://127.0.0.1:{ports['fe']}")
        self.http_ports = ports["fe"], ports["fe_tls"]
        # Where connections of loads lead: frontends redirect, and close them.
        self.load_ports = [ports["fe_tls"]] if https else ports["be"]
        super().__init__("127.0.0.1", ports["mysql"], user, password, load_url,
                         authority.certificate)

    @property
    def pid(self):
        return self._client.process.pid

    @property
    def running(self):
        return self._client.process.poll() is None

    def describe(self):
        return f"a stand-in with TLS on {super().describe()}"

    # Its life.

    def stop(self):
        self._client.stop()

    def start(self):
        """Comes back on the same ports with the same data."""
        self._client.restart()

    # Faults.

    def hold(self, table):
        """Lets every load of a table hang before its commit."""
        return Hold(self._client, table)

    def fault(self, name, table, times=1):
        """The next loads of a table meet a mishap of FAULTS."""
        return Fault(self._client, self._client.fault(
            table=table, times=times, **FAULTS[name]))

    def fault_rule(self, **rule):
        return Fault(self._client, self._client.fault(**rule))

    def clear_faults(self):
        if self.running:
            self._client.clear_faults()

    # Logs.

    def loads(self):
        return self._client.loads()

    def bad_manners(self):
        return self._client.manners()["bad"]

    def sign_ins(self):
        """Whether it was by TLS, for each sign-in on the MySQL port."""
        return [entry["tls"] for entry in self._client.manners()["statements"]
                if entry.get("connect")]

    def requests(self):
        """Whether it came by TLS, for each HTTP request."""
        return [entry["tls"] for entry in self._client.manners()["requests"]]

    def clear_manners(self):
        if self.running:
            self._client.admin("DELETE", "manners")


class Fault:
    """A mishap that was ordered."""

    def __init__(self, standin, number):
        self._client = standin
        self._number = number

    def struck(self):
        """How often it happened."""
        rules = self._client.admin("GET", "faults")["faults"]
        return next((rule["struck"] for rule in rules
                     if rule["id"] == self._number), 0)


class Hold:
    """Loads that hang until release."""

    def __init__(self, standin, table):
        self._client = standin
        self._table = table
        self._client.fault("hold", table=table, times=-1)

    def reached(self):
        """Whether a load hangs now."""
        return any(held["table"] == self._table for held in
                   self._client.admin("GET", "faults")["held"])

    def release(self):
        """Ends the hanging of this and of later loads."""
        self._client.clear_faults()


class Stranger:
    """A listener that must not be spoken to: it only counts visitors."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.visits = 0
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
