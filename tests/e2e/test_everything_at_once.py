# SPDX-License-Identifier: Apache-2.0
"""Changes, changes of columns, kills, lost connections and faults of the sink,
all at once, drawn from a seed. EZCDC_SEEDS=1-50 tries more of them."""

import os
import random
import signal
import time

import pytest

from harness.starrocks import FAULTS
from harness.workload import TABLES, Workload

# Columns that the workload does not name.
COLUMNS = ("ADD extra_{n} int", "ADD extra_{n} text DEFAULT 'd{n}'",
           "ADD extra_{n} bigint DEFAULT random() * 100",
           "RENAME extra_{m} TO extra_{n}", "DROP extra_{m}",
           "DROP extra_{m}, ADD extra_{m} text DEFAULT 'again'",
           "ALTER extra_{m} TYPE varchar(40) USING 'v' || extra_{m}")


def seeds():
    first, _, last = os.environ.get("EZCDC_SEEDS", "1-2").partition("-")
    return range(int(first), int(last or first) + 1)


class Mishaps:
    """What goes wrong, one at a time."""

    def __init__(self, world, pipeline, draw):
        self.world = world
        self.pipeline = pipeline
        self.draw = draw
        self.run = pipeline.start()
        self.number = 0
        self.extra = {table: [] for table in TABLES}

    def kill(self):
        self.run.kill()
        self.run = self.pipeline.start()

    def terminate(self):
        # A run that has just begun may not listen to it yet.
        assert self.run.terminate() in (0, -signal.SIGTERM), \
            self.run.describe()
        self.run = self.pipeline.start()

    def lose_the_stream(self):
        pid = self.world.postgres.walsender(self.pipeline.slot)
        if pid:
            self.world.postgres.terminate(pid)

    def fault(self):
        name = self.draw.choice([*FAULTS])
        self.world.starrocks.fault(name, self.draw.choice(TABLES),
                                   times=self.draw.choice([1, 1, 2]))

    def change_columns(self):
        table = self.draw.choice(TABLES)
        known = self.extra[table]
        statement = self.draw.choice(COLUMNS[:3] if not known else COLUMNS)
        self.number += 1
        new = f"extra_{self.number}"
        old = self.draw.choice(known) if known else ""
        statement = statement.format(n=self.number, m=old[len("extra_"):])
        self.world.sql(f"ALTER TABLE {table} {statement}")
        if old in statement and statement.startswith(("RENAME", "DROP")) \
                and f"ADD {old}" not in statement:
            known.remove(old)
        if new in statement:
            known.append(new)

    def next(self):
        mishap = self.draw.choice([
            self.kill, self.kill, self.terminate, self.fault, self.fault,
            self.lose_the_stream, self.change_columns])
        # Shown when the test fails.
        print(time.strftime("%H:%M:%S"), mishap.__name__,
              self.world.postgres.slot(self.pipeline.slot))
        mishap()


@pytest.mark.parametrize("seed", seeds())
def test_everything_at_once(world, seed):
    draw = random.Random(seed)
    workload = Workload(world, seed).prepare(rows=1000)
    pipeline = world.pipeline(
        batch={"max_rows": draw.choice([10, 100, 5000]), "max_delay": "20ms"},
        pipeline={"recheck_interval": draw.choice(["1s", "1min"])})
    mishaps = Mishaps(world, pipeline, draw)
    with workload:
        for _ in range(12):
            target = workload.transactions + draw.randint(1, 80)
            mishaps.run.wait_until(lambda: workload.transactions >= target,
                                   every=0.01, what="it is time")
            mishaps.next()
    world.starrocks.clear_faults()
    # A last row tells of the last change of columns.
    for table, key in (("accounts", "id = 1"), ("orders", "number = 1"),
                       ("pages", "slug = 'page-1'")):
        world.sql(f"DELETE FROM {table} WHERE {key}")
    world.sql("INSERT INTO accounts (id, name) VALUES (1, 'last');"
              "INSERT INTO orders (region, number) VALUES (1, 1);"
              "INSERT INTO pages (slug) VALUES ('page-1')")
    world.settle(mishaps.run, *TABLES, timeout=180)
