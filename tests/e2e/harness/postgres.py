# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server with TLS, SCRAM and logical decoding."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import psycopg2
import psycopg2.extensions

from . import process
from .waiting import wait_for

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_wal_senders": "40",
    "max_replication_slots": "40",
    "max_connections": "120",
    "max_prepared_transactions": "10",
    "shared_buffers": "128MB",
    # Speed of the generator only: nothing that a client can see.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_writer_delay": "10ms",
    "max_wal_size": "4GB",
    "password_encryption": "scram-sha-256",
    "ssl": "on",
    "log_min_messages": "warning",
    "log_replication_commands": "on",
    "log_connections": "on",
    "log_line_prefix": "%m [%p] %u@%d ",
}

HBA = """\
local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl replication all 127.0.0.1/32 scram-sha-256
"""


def binaries():
    """The folder of initdb and postgres: $EZCDC_POSTGRES, else the newest installed."""
    chosen = os.environ.get("EZCDC_POSTGRES")
    if chosen:
        return pathlib.Path(chosen)
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"),
                      key=lambda path: int(path.parts[-3]))
    if not versions:
        raise RuntimeError("no PostgreSQL server is installed: "
                           "install the packages of packages.txt")
    return versions[-1].parent


class PostgreSQL:
    """One server in a folder of its own; its superuser comes in by the Unix socket."""

    def __init__(self, folder, authority, bin_folder=None, settings=None,
                 detached=False):
        self.folder = folder
        self.authority = authority
        self.bin = pathlib.Path(bin_folder or binaries())
        self.data = folder / "data"
        self.log_path = folder / "postgres.log"
        self.host = "127.0.0.1"
        self.port = process.free_port()
        self._user = process.unprivileged_user()
        self._process = None
        self._detached = detached
        # None takes a setting away.
        self._settings = {name: value for name, value in
                          dict(SETTINGS, **(settings or {})).items()
                          if value is not None}
        self._initialise()
        self.start()

    def _initialise(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o755)
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._as_server([self.bin / "initdb", "-D", self.data, "-U", "postgres",
                         "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                         "--no-sync"])
        certificate, key = self.authority.issue("postgres")
        self.give(certificate, "server.crt")
        self.give(key, "server.key")
        (self.data / "pg_hba.conf").write_text(HBA)

    def give(self, source, name):
        """Copies a file into the server's folder, in one step; returns name."""
        target = self.data / f"{name}.new"
        shutil.copyfile(source, target)
        os.chmod(target, 0o600)
        if self._user:
            os.chown(target, self._user.pw_uid, self._user.pw_gid)
        target.rename(self.data / name)
        return name

    def _as_server(self, command):
        done = subprocess.run(
            [str(word) for word in command], cwd="/", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            **(dict(user=self._user.pw_uid, group=self._user.pw_gid,
                    extra_groups=[]) if self._user else {}))
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}")

    # The life of the server.

    def start(self):
        command = [str(self.bin / "postgres"), "-D", str(self.data),
                   "-k", str(self.folder), "-p", str(self.port)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log_path, "ab") as log:
            # SIGINT is PostgreSQL's fast shutdown.
            self._process = process.start(
                command, death_signal=signal.SIGINT, user=self._user,
                detached=self._detached, cwd="/", stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        wait_for(self._answers, 60, "PostgreSQL answers", because=self.log)

    def _answers(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended:\n{self.log()}")
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self, number=signal.SIGINT, timeout=30):
        """Fast shutdown. Returns False when the server had to be killed."""
        if self._process is None:
            return True
        self._process.send_signal(number)
        try:
            self._process.wait(timeout)
            return True
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            return False
        finally:
            self._process = None

    @contextlib.contextmanager
    def frozen(self):
        """All its processes stand still: connections last, without an answer."""
        held = [self.pid, *process.descendants(self.pid)]
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in held:
                os.kill(pid, signal.SIGCONT)

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        return self.log_path.read_text(errors="replace")

    # Talking to it.

    def connect(self, database="postgres", user="postgres", autocommit=True,
                **parameters):
        connection = psycopg2.connect(host=str(self.folder), port=self.port,
                                      dbname=database, user=user, **parameters)
        connection.autocommit = autocommit
        return connection

    def sql(self, statement, arguments=None, database="postgres"):
        """Runs one statement; returns its rows, or [] when it has none."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def value(self, statement, arguments=None, database="postgres"):
        rows = self.sql(statement, arguments, database)
        return rows[0][0] if rows else None

    @property
    def version(self):
        return int(self.value("SHOW server_version_num")) // 10000

    # Slots and walsenders, as the server sees them.

    def slot(self, name):
        """The slot's row as a dictionary, or None."""
        rows = self.sql("SELECT row_to_json(s) FROM pg_replication_slots s"
                        " WHERE slot_name = %s", (name,))
        return rows[0][0] if rows else None

    def confirmed(self, name):
        """confirmed_flush_lsn of the slot as a number, or None."""
        slot = self.slot(name)
        return lsn(slot["confirmed_flush_lsn"]) if slot else None

    def position(self):
        return lsn(self.value("SELECT pg_current_wal_flush_lsn()"))

    def walsender(self, slot_name):
        """The pid that uses the slot, or None."""
        slot = self.slot(slot_name)
        return slot["active_pid"] if slot else None

    def terminate(self, pid):
        return self.value("SELECT pg_terminate_backend(%s)", (pid,))

    def drop_slot(self, name):
        """Drops a slot, after its walsender has gone."""
        def gone():
            slot = self.slot(name)
            if slot is None:
                return True
            if slot["active_pid"]:
                self.terminate(slot["active_pid"])
                return False
            try:
                self.sql("SELECT pg_drop_replication_slot(%s)", (name,))
            except psycopg2.errors.ObjectInUse:
                return False
            return True
        wait_for(gone, 20, f"slot {name} is dropped")

    def drop_database(self, name):
        """Drops a database, after the sessions in it have gone."""
        def gone():
            self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE datname = %s", (name,))
            try:
                self.sql(f"DROP DATABASE IF EXISTS {name}")
            except psycopg2.errors.ObjectInUse:
                return False
            return True
        wait_for(gone, 20, f"database {name} is dropped")


def lsn(text):
    """X/Y as a number."""
    if text is None:
        return None
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)
