# SPDX-License-Identifier: Apache-2.0
"""One test's world: a database, a role, a target database, and its pipelines."""

import itertools
import os

from . import oracle
from .engine import Pipeline

_numbers = itertools.count(1)


class World:
    """Everything here is the test's own; servers may be shared."""

    def __init__(self, folder, postgres, starrocks, program):
        self.folder = folder
        self.postgres = postgres
        self.starrocks = starrocks
        self.program = program
        number = next(_numbers)
        self.database = f"shop{number}"
        self.role = f"cdc{number}"
        self.target = f"copy{number}"
        # Canaries: no output, log or state file may ever hold them.
        self.password = f"canary-{os.urandom(8).hex()}-pg"
        self.pipelines = []
        postgres.sql(f"CREATE ROLE {self.role} LOGIN REPLICATION"
                     f" PASSWORD '{self.password}'")
        postgres.sql(f"CREATE DATABASE {self.database} OWNER {self.role}")
        postgres.sql(f"ALTER SCHEMA public OWNER TO {self.role}",
                     database=self.database)

    # The source.

    def sql(self, statement, arguments=None):
        """One statement (or several) as the owner of the database."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def admin(self, statement, arguments=None):
        """One statement as superuser in this database."""
        return self.postgres.sql(statement, arguments, self.database)

    def connect(self, autocommit=True):
        return self.postgres.connect(self.database, self.role, autocommit)

    # The pipeline.

    def pipeline(self, tables="public.*", name=None, secrets=True, sink=None,
                 **sections):
        """A pipeline from this database to this target, not yet sealed."""
        name = name or f"{self.database}_{len(self.pipelines)}"
        made = Pipeline(self.program, self.folder / name, name,
                        self.program.new_key())
        made.section("source", connector="postgres", host=self.postgres.host,
                     port=self.postgres.port, database=self.database,
                     user=self.role,
                     ssl_root_cert=self.postgres.authority.certificate,
                     tables=tables)
        if sink is None:
            made.section("sink", connector="starrocks",
                         **self.starrocks.options(self.target))
        else:
            made.section("sink", **sink)
        for section, keys in sections.items():
            made.section(section, **keys)
        if secrets:
            made.secrets["source.password"] = self.password
            if sink is None:
                made.secrets["sink.password"] = self.starrocks.password
        self.pipelines.append(made)
        return made

    # The oracle.

    def differences(self, table, target=None, schema="public"):
        """How source table and target table differ now; [] when they do not."""
        names, present = self.starrocks.read(self.target, target or table)
        if present is None:
            return [f"there is no target table {target or table}"]
        connection = self.postgres.connect(self.database)
        try:
            columns, key, wanted = oracle.source_rows(connection, schema, table)
        finally:
            connection.close()
        return oracle.differences(columns, key, wanted, present, names)

    def assert_same(self, *tables):
        for table in tables:
            lines = self.differences(table)
            assert not lines, f"{table}:\n" + "\n".join(lines)

    def wait_same(self, run, *tables, timeout=60):
        """Waits until the tables agree while run is alive."""
        for table in tables:
            run.wait_until(lambda: not self.differences(table), timeout=timeout,
                           what=f"{table} is the same on both sides", every=0.1)

    def settle(self, run, *tables, timeout=60):
        """Waits until the tables agree, stops the run, and looks once more:
        what is equal must stay equal."""
        # What an earlier run has made equal says nothing about this one.
        run.wait_streaming()
        self.wait_same(run, *tables, timeout=timeout)
        code = run.terminate()
        assert code == 0, run.describe()
        self.assert_same(*tables)

    def target_rows(self, table):
        """Rows of a target table as text, sorted; None if there is no table."""
        rows = self.starrocks.read(self.target, table)[1]
        return None if rows is None else sorted(rows, key=repr)

    # The end.

    def secrets(self):
        return [secret for secret in (self.password, self.starrocks.password)
                if secret]

    def leaks(self):
        """Places where a secret or a key stands that must not."""
        found = []
        for pipeline in self.pipelines:
            needles = [text.encode() for text in
                       [*self.secrets(), pipeline.key,
                        *pipeline.secrets.values()]]
            outputs = pipeline.outputs().encode()
            found += [f"output of {pipeline.name}"
                      for needle in needles if needle in outputs]
            for path in pipeline.folder.rglob("*"):
                if path.is_file():
                    content = path.read_bytes()
                    found += [str(path) for needle in needles
                              if needle in content]
        return found

    def close(self):
        for pipeline in self.pipelines:
            pipeline.stop_all()
        if not self.postgres.running:
            self.postgres.start()   # a test that failed left it stopped
        for name in self._slots():
            self.postgres.drop_slot(name)
        self.postgres.drop_database(self.database)
        self.postgres.sql(f"DROP ROLE IF EXISTS {self.role}")

    def _slots(self):
        return [name for (name,) in self.postgres.sql(
            "SELECT slot_name FROM pg_replication_slots WHERE database = %s",
            (self.database,))]
