# SPDX-License-Identifier: Apache-2.0
"""The main job of ezcdc, shown from end to end; started by ./quickstart."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from harness import process, shop
from harness.certificates import Authority
from harness.engine import OK, Pipeline, Program
from harness.postgres import PostgreSQL, lsn
from harness.starrocks import StandIn, real_starrocks
from harness.waiting import wait_for

TRAFFIC_SECONDS = 6
NAME = "quickstart"
DATABASE = "shop"
USER = "cdc"


class Show:
    """Headings with the seconds since the start, details below them."""

    def __init__(self, started):
        self._started = started
        self.shown = []
        self._bold = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")

    def step(self, text):
        self.shown.append(text)
        left, right = self._bold
        print(f"\n[{time.time() - self._started:3.0f} s] {left}{text}{right}",
              flush=True)

    def detail(self, text):
        self.shown.append(text)
        for line in text.rstrip("\n").split("\n"):
            print(f"        {line}", flush=True)


def start_source(folder, authority, keep):
    """A PostgreSQL with the shop in it, and the role that ezcdc comes as."""
    server = PostgreSQL(folder / "postgres", authority, detached=keep)
    password = os.urandom(12).hex()
    server.sql(f"CREATE ROLE {USER} LOGIN REPLICATION PASSWORD '{password}'")
    server.sql(f"CREATE DATABASE {DATABASE} OWNER {USER}")
    connection = server.connect(DATABASE, USER)
    with connection.cursor() as cursor:
        cursor.execute(shop.SCHEMA)
        cursor.execute(shop.FILL)
        cursor.execute("ANALYZE")
        counts = []
        for table in shop.TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts.append((table, cursor.fetchone()[0]))
    connection.close()
    return server, password, counts


def start_target(folder, authority, keep):
    if os.environ.get("STARROCKS_HOST"):
        return real_starrocks(), f"ezcdc_quickstart_{os.urandom(3).hex()}"
    return StandIn(folder / "starrocks", authority, detached=keep), "shop"


def make_pipeline(folder, program, source, password, target, database):
    pipeline = Pipeline(program, folder, NAME, program.new_key())
    pipeline.section("source", connector="postgres", host="localhost",
                     port=source.port, database=DATABASE, user=USER,
                     ssl_root_cert=source.authority.certificate,
                     tables="public.*", snapshot_workers=2)
    pipeline.section("sink", connector="starrocks", **target.options(database))
    pipeline.section("batch", max_delay="500ms")
    pipeline.secrets["source.password"] = password
    if target.password:
        pipeline.secrets["sink.password"] = target.password
    return pipeline.seal()


def shortened(text):
    return "\n".join(line if len(line) < 76 else line[:72] + "..."
                     for line in text.splitlines())


def demand(result, what):
    if result.code != OK:
        sys.exit(f"quickstart: {what} failed:\n{result}")
    return result


def live_traffic(source):
    connection = source.connect(DATABASE, USER, autocommit=False)
    traffic = shop.Traffic(connection)
    until = time.monotonic() + TRAFFIC_SECONDS
    while time.monotonic() < until:
        traffic.one()
        time.sleep(0.005)       # a shop, not a benchmark
    connection.close()
    return traffic.counts


def follow(show, pipeline, run, source):
    """Snapshot, live traffic, and the wait until all of it has arrived."""
    run.wait_streaming(timeout=120)
    rows = sum(table["rows"] for table in pipeline.status()["tables"])
    show.step(f"The copy is complete: {rows:,} rows. Live traffic for"
              f" {TRAFFIC_SECONDS} seconds.")
    counts = live_traffic(source)
    show.detail(", ".join(f"{number:,} {what}"
                          for what, number in counts.items()))
    end = source.position()
    run.wait_until(lambda: source.confirmed(pipeline.slot) >= end,
                   "all changes have arrived", timeout=60)
    # The status is as of the last second or so.
    run.wait_until(lambda: lsn(pipeline.status()["confirmed"]) >= end,
                   "the status says so", timeout=60)
    status = pipeline.status()
    show.step("All changes have arrived.")
    show.detail(f"position {status['position']}, confirmed"
                f" {status['confirmed']}, lag {status['lag_bytes']} bytes")


def prove(show, pipeline):
    show.step("ezcdc verify: is the copy equal, row by row?")
    result = pipeline.verify(timeout=120)
    show.detail(result.stdout)
    demand(result, "ezcdc verify")
    show.step("ezcdc audit verify: is the audit trail unbroken?")
    result = demand(pipeline.audit_verify(), "ezcdc audit verify")
    show.detail(result.text)


def say_how_to_look_around(show, folder, pipeline, source, target, database):
    show.step("It keeps running. Look around:")
    show.detail(f"""\
the source     psql -h {source.folder} -p {source.port} -U {USER} {DATABASE}
the target     {target.client_command(database, folder / "target.cnf")}
the pipeline   {pipeline.program.path} status {pipeline.ini}
the key        . {folder}/key.env      (for commands that open secrets)
compare        {pipeline.program.path} verify {pipeline.ini}
the settings   {pipeline.ini}
the log        {pipeline.runs[-1].stderr_path}
the audit log  {pipeline.audit_log}
the end        ./quickstart --stop""")


def demand_discretion(show, pipeline):
    """What is on the screen is in its scrollback, and soon in a ticket."""
    text = "\n".join([*show.shown, pipeline.outputs()])
    for secret in [pipeline.key, *pipeline.secrets.values()]:
        if secret in text:
            sys.exit("quickstart: a secret was shown")


def remember(folder, pids):
    """Notes the processes with their start times, for --stop."""
    (folder / "processes.json").write_text(json.dumps(
        [[pid, process.start_time(pid)] for pid in pids]))
    marker().write_text(str(folder))


def marker():
    return pathlib.Path(tempfile.gettempdir()) / f"ezcdc-quickstart-{os.getuid()}"


def stop_kept():
    """Ends what --keep left running, the last started first."""
    try:
        folder = pathlib.Path(marker().read_text())
        noted = json.loads((folder / "processes.json").read_text())
    except OSError:
        sys.exit("quickstart: nothing was kept")
    for pid, started in reversed(noted):
        if process.start_time(pid) != started:
            continue
        # SIGINT: the fast shutdown of PostgreSQL; the others take it too.
        os.kill(pid, signal.SIGINT)
        wait_for(lambda: not process.alive(pid), 30, f"process {pid} ends")
    shutil.rmtree(folder)
    marker().unlink()
    print("Stopped, and removed", folder)


def main():
    arguments = argparse.ArgumentParser(prog="quickstart")
    arguments.add_argument("--stage")
    arguments.add_argument("--started", type=float, default=time.time())
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("--stop", action="store_true")
    options = arguments.parse_args()
    if options.stop:
        stop_kept()
        return
    if options.keep and marker().exists():
        sys.exit("quickstart: one is kept already; end it: ./quickstart --stop")

    show = Show(options.started)
    program = Program(options.stage)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ezcdc-quickstart-"))
    os.chmod(folder, 0o711)     # PostgreSQL's account passes through
    servers, kept, run = [], False, None
    try:
        authority = Authority(folder / "authority", "ezcdc quickstart")
        show.step("Starting a private PostgreSQL (TLS, SCRAM) with a small shop"
                  " in it.")
        source, password, counts = start_source(folder, authority, options.keep)
        servers.append(source)
        show.detail(", ".join(f"{table} {rows:,}" for table, rows in counts)
                    + f": {sum(rows for _, rows in counts):,} rows")
        target, database = start_target(folder, authority, options.keep)
        servers.append(target)
        show.step(f"StarRocks: {target.describe()}")
        show.step("Making an encryption key; sealing both passwords in the INI"
                  " file.")
        pipeline = make_pipeline(folder, program, source, password, target,
                                 database)
        show.detail(shortened(pipeline.ini.read_text()))
        show.step("ezcdc check: is everything as it must be?")
        checked = pipeline.check()
        show.detail(checked.stdout)
        demand(checked, "ezcdc check")
        show.step("ezcdc run: copies the tables, then follows every change.")
        run = pipeline.start(detached=options.keep, inherit=not options.keep)
        follow(show, pipeline, run, source)
        if not options.keep:
            code = run.terminate()
            if code != OK:
                sys.exit(f"quickstart: ezcdc run ended with {code}")
        prove(show, pipeline)
        total = source.value("SELECT sum(n) FROM (%s) c" % " UNION ALL ".join(
            f"SELECT count(*) n FROM {table}" for table in shop.TABLES),
            database=DATABASE)
        show.step(f"Done: {len(shop.TABLES)} tables, {total:,} rows, equal in"
                  " PostgreSQL and StarRocks.")
        if options.keep:
            key = folder / "key.env"
            key.touch(mode=0o600)
            key.write_text(f"export CONFIG_ENCRYPTION_KEY={pipeline.key}\n")
            say_how_to_look_around(show, folder, pipeline, source, target,
                                   database)
            remember(folder, [server.pid for server in servers if server.pid]
                     + [run.process.pid])
            kept = True
        demand_discretion(show, pipeline)
    finally:
        if not kept:
            if run is not None:
                run.kill()
            if len(servers) == 2 and not isinstance(target, StandIn):
                target.sql(f"DROP DATABASE IF EXISTS `{database}` FORCE")
            for server in reversed(servers):
                server.stop()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("quickstart: interrupted")
