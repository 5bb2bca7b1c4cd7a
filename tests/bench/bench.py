# SPDX-License-Identifier: Apache-2.0
"""Measures ezcdc against PostgreSQL's own tools and prints one table.

Everything is private to the run: a PostgreSQL server, a StarRocks stand-in
for DDL, and an endpoint that discards Stream Loads. Repetitions of what is
compared take turns, so that a machine that gets slower hurts both alike.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / name)
                for name in ("e2e", "house")]

from chain import Chain                            # noqa: E402
from harness import process                       # noqa: E402
from harness.certificates import Authority        # noqa: E402
from harness.engine import Pipeline, Program      # noqa: E402
from harness.postgres import PostgreSQL            # noqa: E402
from harness.starrocks import StandIn             # noqa: E402

import measure                                    # noqa: E402
import workload                                   # noqa: E402

DATABASE, USER, PUBLICATION, BASE_SLOT = "bench", "cdc", "bench", "base"
MIB = 1024 * 1024
MEMORY = 64 * MIB
MARGIN = 32 * MIB

SETTINGS = {
    "shared_buffers": "512MB",
    "autovacuum": "off",
    "jit": "off",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "log_replication_commands": "off",
    "log_connections": "off",
}

HBA = """\
local all all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Discard:
    """The endpoint that loads go to."""

    def __init__(self, program, authority):
        certificate, key = authority.issue("discard")
        self._process = process.start(
            [str(program), str(certificate), str(key)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ports = dict(self._process.stdout.readline().decode().split()
                     for _ in range(2))
        self.urls = {"TCP": f"http://127.0.0.1:{ports['plain']}",
                     "TLS": f"https://127.0.0.1:{ports['tls']}"}

    def stop(self):
        self._process.stdin.close()
        self._process.wait()


class Bench:
    """The servers, and the commands that are compared on them."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.program = Program(options.stage)
        self.authority = Authority(folder / "authority")
        self.password = os.urandom(12).hex()
        self.key = self.program.new_key()
        self.server = self._start_server()
        self.starrocks = StandIn(folder / "starrocks", self.authority,
                                 required=False)
        self.discard = Discard(options.discard, self.authority)
        self._count = 0

    def _start_server(self):
        server = PostgreSQL(self.folder / "postgres", self.authority,
                            settings=SETTINGS)
        (server.data / "pg_hba.conf").write_text(HBA)
        server.sql("SELECT pg_reload_conf()")
        server.sql(f"CREATE ROLE {USER} LOGIN REPLICATION SUPERUSER"
                   f" PASSWORD '{self.password}'")
        server.sql(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        return server

    def stop(self):
        self.discard.stop()
        self.starrocks.stop()
        self.server.stop()

    # PostgreSQL.

    def sql(self, statement):
        return self.server.sql(statement, database=DATABASE)

    def publish(self, *tables):
        self.sql(f"DROP PUBLICATION IF EXISTS {PUBLICATION}")
        self.sql(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE"
                 f" {', '.join(tables)}"
                 " WITH (publish_via_partition_root = true)")

    def create_slot(self):
        self.server.drop_slot(BASE_SLOT)
        self.sql("SELECT pg_create_logical_replication_slot"
                 f"('{BASE_SLOT}', 'pgoutput')")

    def copy_slot(self, name):
        self.sql("SELECT pg_copy_logical_replication_slot"
                 f"('{BASE_SLOT}', '{name}')")

    def _client(self, name, transport):
        """The start of a command of PostgreSQL's own, and its environment."""
        environment = dict(os.environ, PGPASSWORD=self.password,
                           PGSSLMODE="disable")
        if transport == "TLS":
            environment.update(PGSSLMODE="verify-full",
                               PGSSLROOTCERT=str(self.authority.certificate))
        return ([self.server.bin / name, "-h", "127.0.0.1", "-p",
                 self.server.port, "-U", USER, "-d", DATABASE], environment)

    def receive(self, transport, end):
        """pg_recvlogical of a copy of the slot."""
        self.copy_slot("received")
        command, environment = self._client("pg_recvlogical", transport)
        sample = measure.run(
            [*command, "-S", "received", "--start", "-f", "/dev/null",
             "-o", "proto_version=1", "-o",
             f"publication_names={PUBLICATION}", "--no-loop", "-E", end],
            environment)
        self.server.drop_slot("received")
        return sample

    def copy_out(self, transport, table):
        """psql's COPY."""
        command, environment = self._client("psql", transport)
        return measure.run([*command, "-X", "-c", f"COPY {table} TO STDOUT"],
                           environment)

    # ezcdc.

    def pipeline(self, transport, table, **source):
        """A pipeline that has never run."""
        self._count += 1
        name = f"bench{self._count}"
        pipeline = Pipeline(self.program, self.folder / name, name, self.key)
        tls = transport == "TLS"
        pipeline.section(
            "source", connector="postgres", host="127.0.0.1",
            port=self.server.port, database=DATABASE, user=USER,
            tables=f"public.{table}", publication=PUBLICATION,
            snapshot_workers=1, ssl_mode="verify-full" if tls else "disable",
            **({"ssl_root_cert": self.authority.certificate} if tls else {}),
            **source)
        sink = self.starrocks.options(DATABASE)
        sink.update(load_url=self.discard.urls[transport])
        if not tls:
            sink.pop("ssl_root_cert", None)
            sink.update(ssl_enabled="false")
        pipeline.section("sink", connector="starrocks", **sink)
        pipeline.section("batch", max_delay="1s",
                         memory=f"{MEMORY // MIB}MiB")
        pipeline.secrets["source.password"] = self.password
        pipeline.secrets["sink.password"] = self.starrocks.password
        return pipeline.seal()

    def _command(self, pipeline, prefix=()):
        if prefix:
            # Valgrind writes the code that it runs, which a confined runner
            # may not.
            pipeline.configure(pipeline={"confine": "no"})
        return ([*prefix, self.program.path, "run", "--until-caught-up",
                 pipeline.ini],
                self.program.environment(CONFIG_ENCRYPTION_KEY=pipeline.key))

    def drain(self, transport, table, prefix=()):
        """ezcdc of a copy of the slot."""
        slot = f"drained{self._count + 1}"
        pipeline = self.pipeline(transport, table, snapshot="never", slot=slot)
        self.copy_slot(slot)
        sample = measure.run(*self._command(pipeline, prefix), watch=True)
        self.server.drop_slot(slot)
        return sample

    def snapshot(self, transport, table, prefix=()):
        pipeline = self.pipeline(transport, table, snapshot="only")
        sample = measure.run(*self._command(pipeline, prefix), watch=True)
        self.server.drop_slot(pipeline.slot)
        return sample


# ---------------------------------------------------------------- the figures

class Table:
    """Rows of the report."""

    def __init__(self):
        self._rows = []
        self.missed = []

    def add(self, what, measured, floor="", reached=True):
        self._rows.append((what, measured, floor,
                           "" if not floor else "yes" if reached else "NO"))
        if floor and not reached:
            self.missed.append(what)

    def print(self):
        head = ("what", "measured", "floor", "reached")
        widths = [max(len(row[i]) for row in [head, *self._rows])
                  for i in range(4)]
        for row in [head, tuple("-" * width for width in widths),
                    *self._rows]:
            print("| " + " | ".join(cell.ljust(width) for cell, width
                                    in zip(row, widths)) + " |")


def rate(number, seconds):
    return f"{number / seconds / 1000:,.0f} k/s"


def take_turns(repetitions, *functions):
    """The samples of each function, from interleaved repetitions."""
    samples = [[] for _ in functions]
    for number in range(repetitions):
        say(f"  repetition {number + 1} of {repetitions}")
        for kept, function in zip(samples, functions):
            kept.append(function())
    return samples


def seconds(samples):
    return statistics.median(sample.seconds for sample in samples)


def cpu(samples, number):
    """Microseconds each."""
    return statistics.median(sample.cpu for sample in samples) / number * 1e6


def add_peak(table, what, samples):
    peak = max(sample.peak for sample in samples)
    table.add(f"{what}: peak RSS of the runner", f"{peak / MIB:.1f} MiB",
              f"<= {(MEMORY + MARGIN) // MIB} MiB", peak <= MEMORY + MARGIN)


def compare(table, what, number, theirs, ours, tool, floor, cpu_floor):
    ratio = seconds(theirs) / seconds(ours)
    each = cpu(ours, number)
    table.add(f"{what}: {tool}",
              f"{rate(number, seconds(theirs))},"
              f" {cpu(theirs, number):.2f} us CPU each")
    table.add(f"{what}: ezcdc", rate(number, seconds(ours)))
    table.add(f"{what}: ezcdc / {tool}", f"{ratio:.2f}", f">= {floor}",
              ratio >= floor)
    table.add(f"{what}: CPU of ezcdc each", f"{each:.2f} us",
              f"<= {cpu_floor} us", each <= cpu_floor)
    add_peak(table, what, ours)


# ----------------------------------------------------------- the measurements

def measure_backlog(bench, table):
    options = bench.options
    say(f"a backlog of {options.changes:,} changes")
    workload.create(bench.server, DATABASE, "changes")
    workload.fill(bench.server, DATABASE, "changes",
                  workload.rows_before_backlog(options.changes))
    bench.publish("changes")
    bench.create_slot()
    changes = workload.backlog(bench.server, DATABASE, "changes",
                               options.changes)
    end = bench.server.value("SELECT pg_current_wal_lsn()")
    bench.sql("CHECKPOINT")
    for transport, cpu_floor in (("TCP", 2.5), ("TLS", 4.5)):
        say(f"draining it over {transport}")
        theirs, ours = take_turns(
            options.repetitions,
            lambda transport=transport: bench.receive(transport, end),
            lambda transport=transport: bench.drain(transport, "changes"))
        compare(table, f"backlog, {transport}", changes, theirs, ours,
                "pg_recvlogical", 1.0, cpu_floor)


def measure_snapshot(bench, table):
    options = bench.options
    say(f"a table of {options.rows:,} rows")
    workload.create(bench.server, DATABASE, "copied")
    workload.fill(bench.server, DATABASE, "copied", options.rows)
    bench.sql("VACUUM (FREEZE, ANALYZE) copied")
    bench.publish("copied")
    for transport in ("TCP", "TLS"):
        say(f"copying it over {transport}")
        theirs, ours = take_turns(
            options.repetitions,
            lambda transport=transport: bench.copy_out(transport, "copied"),
            lambda transport=transport: bench.snapshot(transport, "copied"))
        compare(table, f"snapshot, {transport}", options.rows, theirs, ours,
                "psql COPY", 0.8, 2.0)


def measure_large_transaction(bench, table):
    options = bench.options
    say(f"one transaction of {options.rows:,} rows")
    workload.create(bench.server, DATABASE, "large")
    bench.publish("large")
    bench.create_slot()
    workload.fill(bench.server, DATABASE, "large", options.rows)
    sample = bench.drain("TCP", "large")
    what = "one transaction"
    table.add(f"{what}: ezcdc", rate(options.rows, sample.seconds))
    add_peak(table, what, [sample])


def measure_idle(bench, table):
    say("an idle pipeline")
    workload.create(bench.server, DATABASE, "quiet")
    bench.publish("quiet")
    pipeline = bench.pipeline("TLS", "quiet")
    run = pipeline.start()
    run.wait_streaming()
    # Something has gone through every part once before it rests.
    workload.fill(bench.server, DATABASE, "quiet", 100)
    end = bench.server.position()
    run.wait_until(lambda: bench.server.confirmed(pipeline.slot) >= end,
                   "the rows are durable")
    before = cpu_seconds(run)
    time.sleep(bench.options.idle)
    used = cpu_seconds(run) - before
    for name, pid in (("keeper", run.keeper), ("runner", run.runner())):
        rollup = f"/proc/{pid}/smaps_rollup"
        table.add(f"idle, TLS: {name}",
                  f"RSS {measure.size(rollup, 'Rss') / MIB:.1f},"
                  f" PSS {measure.size(rollup, 'Pss') / MIB:.1f} MiB")
    table.add("idle, TLS: CPU of both",
              f"{used / bench.options.idle * 100:.2f} %")
    run.terminate()
    bench.server.drop_slot(pipeline.slot)


def cpu_seconds(run):
    ticks = 0
    for pid in (run.keeper, run.runner()):
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


# -------------------------------------------------------------- instructions

def instructions(bench, function):
    """Instructions of all processes of a command under callgrind."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
    function(("valgrind", "--tool=callgrind", "--trace-children=yes",
              f"--callgrind-out-file={folder}/%p"))
    total = 0
    for path in folder.iterdir():
        found = re.search(r"^(?:summary|totals): (\d+)", path.read_text(),
                          re.M)
        total += int(found.group(1)) if found else 0
    return total


def measure_instructions(bench, table):
    """The difference between two sizes, so that start and end cancel out."""
    if not shutil.which("valgrind"):
        table.add("instructions", "valgrind is missing")
        return
    small, large = bench.options.counted, 3 * bench.options.counted
    say(f"instructions of {small:,} and {large:,} changes and rows")
    changes, rows = [], []
    for number, size in enumerate((small, large)):
        name = f"counted{number}"
        workload.create(bench.server, DATABASE, name)
        workload.fill(bench.server, DATABASE, name,
                      workload.rows_before_backlog(size))
        bench.publish(name)
        bench.create_slot()
        workload.backlog(bench.server, DATABASE, name, size)
        changes.append(instructions(
            bench, lambda prefix: bench.drain("TCP", name, prefix)))
        bench.sql(f"TRUNCATE {name}")
        workload.fill(bench.server, DATABASE, name, size)
        rows.append(instructions(
            bench, lambda prefix: bench.snapshot("TCP", name, prefix)))
    table.add("instructions per change",
              f"{(changes[1] - changes[0]) / (large - small):,.0f}")
    table.add("instructions per snapshot row",
              f"{(rows[1] - rows[0]) / (large - small):,.0f}")


# ------------------------------------------------------------------ audit log

def measure_audit(bench, table):
    """Records that are on the disk, against the same writes without a log;
    what opening a credential costs, and how long a long log takes to verify.
    """
    options = bench.options
    folder = bench.folder / "audit"
    folder.mkdir()

    def write(what):
        sample = measure.run([options.audit, what, folder, options.records])
        for path in folder.iterdir():
            path.unlink()
        return sample

    say(f"{options.records:,} audit records")
    floor, ours = take_turns(options.repetitions, lambda: write("floor"),
                             lambda: write("records"))
    each_second = options.records / seconds(ours)
    ratio = seconds(floor) / seconds(ours)
    table.add("audit: write and fdatasync",
              f"{options.records / seconds(floor):,.0f} /s")
    table.add("audit: records", f"{each_second:,.0f} /s", ">= 1,000 /s",
              each_second >= 1000)
    table.add("audit: records / write and fdatasync", f"{ratio:.2f}", ">= 0.5",
              ratio >= 0.5)
    table.add("audit: CPU of a record",
              f"{cpu(ours, options.records):.0f} us")

    say(f"{options.records:,} openings of a credential")
    opened = take_turns(options.repetitions,
                         lambda: write("openings"))[0]
    each = seconds(opened) / options.records * 1e6
    table.add("credential: opened, recorded", f"{each:.0f} us", "<= 1,000 us",
              each <= 1000)

    say(f"a log of {options.verified:,} records")
    log = folder / "log"
    write_log(log, bench.key, options.verified)
    sample = measure.run(
        [bench.program.path, "audit", "verify", log],
        bench.program.environment(CONFIG_ENCRYPTION_KEY=bench.key), watch=True)
    table.add("audit: verified", rate(options.verified, sample.seconds),
              ">= 100 k/s", options.verified / sample.seconds >= 100_000)
    table.add("audit: peak RSS of verify", f"{sample.peak / MIB:.1f} MiB",
              "<= 16 MiB", sample.peak <= 16 * MIB)
    log.unlink()


def write_log(path, key, number):
    """A log such as a keeper writes in years."""
    chain = Chain(key)
    with open(path, "w", encoding="ascii") as file:
        print(chain.opened(), file=file)
        for count in range(1, number):
            print(chain.ratcheted() if count % 1000 == 0 else chain.record(
                "credential.unsealed", "shop/source.password",
                section="source", option="password", reason="connect",
                connector="postgres", sealed_under="0" * 16, runner=12345),
                file=file)


MEASUREMENTS = {
    "audit": measure_audit,
    "backlog": measure_backlog,
    "snapshot": measure_snapshot,
    "transaction": measure_large_transaction,
    "idle": measure_idle,
    "instructions": measure_instructions,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", required=True, type=pathlib.Path,
                        help="where ezcdc is installed")
    parser.add_argument("--discard", required=True, type=pathlib.Path,
                        help="the endpoint's program")
    parser.add_argument("--audit", required=True, type=pathlib.Path,
                        help="the program that writes audit records")
    parser.add_argument("--records", type=int, default=5_000,
                        help="audit records that are written")
    parser.add_argument("--verified", type=int, default=1_000_000,
                        help="audit records that are verified")
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--counted", type=int, default=20_000,
                        help="changes and rows under callgrind")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--idle", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS,
                        help="one measurement; may be repeated")
    return parser.parse_args()


def describe_machine():
    with open("/proc/cpuinfo") as file:
        found = re.search(r"^model name\s*: (.*)", file.read(), re.M)
    return (f"{os.cpu_count()} CPUs ({found.group(1) if found else '?'}),"
            f" Linux {os.uname().release}")


def main():
    options = arguments()
    options.stage = options.stage.resolve()
    options.discard = options.discard.resolve()
    options.audit = options.audit.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ezcdc-bench-"))
    os.chmod(folder, 0o755)
    os.environ["BENCH_FOLDER"] = str(folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    table = Table()
    bench = None
    try:
        bench = Bench(options, folder)
        version = bench.server.value("SHOW server_version")
        for name in options.only or MEASUREMENTS:
            MEASUREMENTS[name](bench, table)
    finally:
        if bench is not None:
            bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"PostgreSQL {version}, {describe_machine()};"
          f" {options.changes:,} changes, {options.rows:,} rows,"
          f" medians of {options.repetitions}\n")
    table.print()
    return 1 if table.missed else 0


sys.exit(main())
