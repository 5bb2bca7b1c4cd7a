# SPDX-License-Identifier: Apache-2.0
"""A random workload that a seed repeats exactly."""

import random
import threading

SCHEMA = """
CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL,
  balance numeric(14,2), note text, updated timestamptz);
CREATE TABLE orders (region int, number int, state text, detail jsonb,
  amount double precision, PRIMARY KEY (region, number));
CREATE TABLE pages (slug text PRIMARY KEY, title text, body text, hits int);
ALTER TABLE pages ALTER body SET STORAGE EXTERNAL;
"""
TABLES = ("accounts", "orders", "pages")


class Workload:
    """Transactions drawn from a seed; runs in this thread or in one of its own."""

    def __init__(self, world, seed):
        self.seed = seed
        self.transactions = 0
        self._random = random.Random(seed)
        self._world = world
        self._thread = None
        self._stop = threading.Event()
        self._failure = None

    def prepare(self, rows=500):
        self._world.sql(SCHEMA)
        self._world.sql(
            "INSERT INTO accounts SELECT i, 'name ' || i, i * 1.25, NULL,"
            " '2024-01-01 00:00:00+00'::timestamptz + i * interval '1 min'"
            f" FROM generate_series(1, {rows}) i;"
            "INSERT INTO orders SELECT i % 7, i, 'new', jsonb_build_object("
            f"'n', i), i / 3.0 FROM generate_series(1, {rows}) i;"
            "INSERT INTO pages SELECT 'page-' || i, 'title ' || i,"
            f" repeat(md5(i::text), 100), 0 FROM generate_series(1, {rows} / 5)"
            " i")
        return self

    # Statements. Keys come from small ranges, so that operations meet.

    def _account(self):
        draw = self._random
        key = draw.randint(1, 1500)
        text = draw.choice(["", "tab\t", "nl\n", "quote'\"", "back\\", "ü",
                            "\\N", None]) or "plain"
        return draw.choice([
            ("INSERT INTO accounts VALUES (%s, %s, %s, %s, now())"
             " ON CONFLICT (id) DO UPDATE SET balance = excluded.balance,"
             " name = excluded.name",
             (key, text, draw.randint(-10**6, 10**6) / 100, text)),
            ("UPDATE accounts SET balance = balance + 1, updated = now()"
             " WHERE id BETWEEN %s AND %s", (key, key + 5)),
            ("UPDATE accounts SET note = %s WHERE id = %s",
             (draw.choice([None, text]), key)),
            ("DELETE FROM accounts WHERE id = %s", (key,)),
            ("UPDATE accounts SET id = %s WHERE id = %s AND NOT EXISTS"
             " (SELECT FROM accounts WHERE id = %s)",
             (key + 2000, key, key + 2000)),
        ])

    def _order(self):
        draw = self._random
        region, number = draw.randint(0, 6), draw.randint(1, 800)
        return draw.choice([
            ("INSERT INTO orders VALUES (%s, %s, 'new', %s, %s)"
             " ON CONFLICT DO NOTHING",
             (region, number, '{"v": %d}' % number, draw.random())),
            ("UPDATE orders SET state = %s, amount = %s WHERE region = %s"
             " AND number = %s",
             (draw.choice(["paid", "sent", ""]), draw.random(), region,
              number)),
            ("DELETE FROM orders WHERE region = %s AND number = %s",
             (region, number)),
            ("UPDATE orders SET region = 7 - region WHERE number = %s"
             " AND region = %s AND NOT EXISTS (SELECT FROM orders WHERE"
             " number = %s AND region = %s)",
             (number, region, number, 7 - region)),
        ])

    def _page(self):
        draw = self._random
        slug = f"page-{draw.randint(1, 150)}"
        return draw.choice([
            ("INSERT INTO pages VALUES (%s, 't', repeat(%s, %s), 0)"
             " ON CONFLICT (slug) DO UPDATE SET title = 'again'",
             (slug, draw.choice("abc"), draw.randint(1, 6000))),
            ("UPDATE pages SET hits = coalesce(hits, 0) + 1 WHERE slug = %s",
             (slug,)),
            ("UPDATE pages SET body = repeat(%s, 5000) WHERE slug = %s",
             (draw.choice("xyz"), slug)),
            ("UPDATE pages SET slug = slug || '-moved' WHERE slug = %s"
             " AND NOT EXISTS (SELECT FROM pages WHERE slug = %s)",
             (slug, slug + "-moved")),
            ("DELETE FROM pages WHERE slug = %s", (slug,)),
        ])

    def transaction(self, connection):
        draw = self._random
        with connection.cursor() as cursor:
            for _ in range(draw.choice([1, 1, 2, 3, 8, 30])):
                statement = draw.choice([self._account, self._order,
                                         self._page])()
                if draw.random() < 0.1:
                    cursor.execute("SAVEPOINT s")
                    cursor.execute(*statement)
                    cursor.execute(draw.choice(["ROLLBACK TO s", "RELEASE s"]))
                else:
                    cursor.execute(*statement)
            if draw.random() < 0.01:
                cursor.execute("TRUNCATE orders")
            if draw.random() < 0.1:
                connection.rollback()
            else:
                connection.commit()
        self.transactions += 1

    def run(self, transactions):
        connection = self._world.connect(autocommit=False)
        try:
            for _ in range(transactions):
                self.transaction(connection)
        finally:
            connection.close()
        return self

    # In the background, until stopped.

    def __enter__(self):
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def _work(self):
        try:
            while not self._stop.is_set():
                self.run(20)
                self._stop.wait(0.05)       # leaves the processors to ezcdc
        except Exception as failure:        # shown by __exit__
            self._failure = failure

    def __exit__(self, kind, *_):
        self._stop.set()
        self._thread.join()
        if self._failure and kind is None:
            raise self._failure
