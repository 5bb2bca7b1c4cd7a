# SPDX-License-Identifier: Apache-2.0
"""Everything that frontend, backends and MySQL front share."""

import collections
import math
import threading
import time

from .alter_jobs import AlterJobs
from .catalog import Catalog
from .faults import Faults
from .manners import Manners
from .store import Store
from .transactions import Transactions
from .users import Users

CONFIG = {
    "alter_delay": 0.2,
    "deletes_last": False,
    "memtable_rows": 1,
    "prepared_timeout": 86400,
    "stream_load_default_timeout": 600,
    "json_limit": 100 * 1024 * 1024,
    "body_limit": 102400 * 1024 * 1024,
    "version_limit": 1000,
    "version_window": 60,
    "concurrent_loads": 0,
}


class Cluster:
    def __init__(self, folder, version, run_mode="shared_nothing"):
        self.folder = folder
        self.version = version
        self.run_mode = run_mode
        self.config = dict(CONFIG)
        self.lock = threading.RLock()
        self.alarm = threading.Condition(self.lock)
        self.manners = Manners()
        self.faults = Faults()
        self.users = Users()
        self.store = Store(folder)
        self.catalog = Catalog(self)
        self.transactions = Transactions(self)
        self.alter_jobs = AlterJobs(self)
        self.backends = []
        self.loads = collections.deque(maxlen=20000)
        self.busy_tables = collections.Counter()
        self.recent_loads = collections.defaultdict(collections.deque)
        self.mysql_port = 0
        self.fe_port = 0
        self.stopping = False
        with self.lock:
            self.catalog.load()
            self.transactions.load()
            self.alter_jobs.load()

    def alive_backends(self):
        return [b for b in self.backends if b.alive]

    def wake(self):
        """Something became due earlier; called with the lock held."""
        self.alarm.notify_all()

    def run_clock(self):
        """Publishes, alters and times out whatever is due."""
        while True:
            with self.lock:
                if self.stopping:
                    return
                upcoming = min(self.transactions.publish_due(),
                               self.alter_jobs.run_due())
                self.transactions.time_out()
                wait = upcoming - time.monotonic()
                if upcoming == math.inf or wait > 1:
                    wait = 1
                if wait > 0:
                    self.alarm.wait(wait)

    def stop(self):
        self.stopping = True
        with self.lock:
            self.alarm.notify_all()
            self.store.connection.close()

    # manners that several parts notice

    def enter_load(self, table, label):
        name = "%s.%s" % (table.database, table.name)
        with self.lock:
            self.busy_tables[name] += 1
            if self.busy_tables[name] > 1:
                self.manners.complain(
                    "concurrent_loads_on_one_table",
                    "%d loads at once" % self.busy_tables[name],
                    table=name, label=label)
        return name

    def leave_load(self, name):
        with self.lock:
            self.busy_tables[name] -= 1

    def count_version(self, table):
        """Raises the reason if a table gets too many loads."""
        now = time.monotonic()
        recent = self.recent_loads[table.id]
        while recent and recent[0] < now - self.config["version_window"]:
            recent.popleft()
        if len(recent) >= self.config["version_limit"]:
            return self.too_many_versions(len(recent) + 1)
        recent.append(now)
        return None

    def too_many_versions(self, current=1001):
        return ("Failed to load data into tablet 10123, because of too many"
                " versions, current/limit: %d/%d. You can reduce the loading"
                " job concurrency, or increase loading data batch size. If"
                " you are loading data with Routine Load, you can increase"
                " FE configs routine_load_task_consume_second and"
                " max_routine_load_batch_size" % (
                    current, self.config["version_limit"]))
