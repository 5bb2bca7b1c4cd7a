# SPDX-License-Identifier: Apache-2.0
"""What is measured: a table of ten columns, a backlog of changes, one large
transaction."""

COLUMNS = """
    id bigint PRIMARY KEY,
    customer integer NOT NULL,
    amount numeric(12,2) NOT NULL,
    quantity smallint,
    state text,
    note varchar(80),
    paid boolean,
    weight double precision,
    day date,
    at timestamptz
"""

NAMES = ("customer", "amount", "quantity", "state", "note", "paid", "weight",
         "day", "at")
PER_TRANSACTION = 100
INSERTS, UPDATES, DELETES = 34, 33, 33


def values(number, seed):
    """The values of a row but for its id, made from a number."""
    return f"""
        ({number} * 7919 % 100000)::int,
        ({number} % 100000) / 100.0 + {seed},
        ({number} % 50)::smallint,
        (ARRAY['new', 'paid', 'packed', 'sent'])[1 + {number} % 4],
        CASE WHEN {number} % 10 <> 0
             THEN 'note ' || {number} || ' of nobody in particular' END,
        {number} % 3 = 0,
        {number} / 8.0,
        date '2020-01-01' + ({number} % 2000)::int,
        timestamptz '2024-01-01 00:00:00+00' + {number} * interval '1.5 s'
    """


def create(server, database, table):
    server.sql(f"CREATE TABLE {table} ({COLUMNS})", database=database)


def fill(server, database, table, rows):
    """One transaction of so many inserts."""
    server.sql(f"INSERT INTO {table} SELECT n, {values('n', 0)}"
               f" FROM generate_series(1::bigint, {rows}) n",
               database=database)


def rows_before_backlog(changes):
    """How many rows a backlog of so many changes finds in its table."""
    return changes // PER_TRANSACTION * (UPDATES + DELETES)


def backlog(server, database, table, changes):
    """Transactions of 100 rows, a third each inserts, updates and deletes, no
    row twice. Returns how many changes it made."""
    transactions = changes // PER_TRANSACTION
    before = rows_before_backlog(changes)
    deletes_from = transactions * UPDATES
    server.sql(f"""
        DO $$
        BEGIN
          FOR i IN 0 .. {transactions - 1} LOOP
            INSERT INTO {table} SELECT n, {values('n', 0)}
              FROM generate_series({before}::bigint + i * {INSERTS} + 1,
                                   {before}::bigint + (i + 1) * {INSERTS}) n;
            UPDATE {table}
              SET ({', '.join(NAMES)}) = ROW ({values('id', 1)})
              WHERE id BETWEEN i * {UPDATES} + 1 AND (i + 1) * {UPDATES};
            DELETE FROM {table}
              WHERE id BETWEEN {deletes_from} + i * {DELETES} + 1
                           AND {deletes_from} + (i + 1) * {DELETES};
            COMMIT;
          END LOOP;
        END $$""", database=database)
    return transactions * PER_TRANSACTION
