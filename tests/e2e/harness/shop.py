# SPDX-License-Identifier: Apache-2.0
"""The shop of ./quickstart: five tables, 200 000 rows, and its daily traffic."""

import random

TABLES = ("customers", "products", "orders", "order_lines", "documents")

SCHEMA = """
CREATE TYPE order_state AS ENUM ('cart', 'placed', 'paid', 'sent', 'returned');

CREATE TABLE customers (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id   uuid NOT NULL,
  email       varchar(120) NOT NULL,
  name        text NOT NULL,
  country     char(2) NOT NULL,
  born        date,
  vip         boolean NOT NULL DEFAULT false,
  credit      numeric(12,2) NOT NULL,
  tags        text[] NOT NULL,
  preferences jsonb NOT NULL,
  picture     bytea,
  last_seen   timestamptz);

CREATE TABLE products (
  sku         varchar(20) PRIMARY KEY,
  title       text NOT NULL,
  price       numeric(10,2) NOT NULL,
  weight      real,
  rating      double precision,
  stock       integer NOT NULL,
  shelf       smallint,
  released    date,
  sold_from   time,
  warranty    interval,
  attributes  json);

CREATE TABLE orders (
  id          integer PRIMARY KEY,
  customer    bigint NOT NULL,
  state       order_state NOT NULL,
  placed      timestamp NOT NULL,
  total       numeric(14,4) NOT NULL,
  client      inet,
  remark      text);

CREATE TABLE order_lines (
  order_id    integer,
  line        smallint,
  sku         varchar(20) NOT NULL,
  quantity    integer NOT NULL,
  price       numeric(10,2) NOT NULL,
  PRIMARY KEY (order_id, line));

-- Values that PostgreSQL stores outside the row; an update of another column
-- does not send them, and the copy must keep them all the same.
CREATE TABLE documents (
  id          integer PRIMARY KEY,
  title       text NOT NULL,
  body        text NOT NULL,
  reads       bigint NOT NULL DEFAULT 0);
ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;
"""

FILL = """
INSERT INTO customers (public_id, email, name, country, born, vip, credit,
                       tags, preferences, picture, last_seen)
SELECT md5(i::text)::uuid, 'customer' || i || '@example.com',
       (ARRAY['Ada','Grace','Лев','美咲','Zoë','José'])[1 + i % 6] || ' ' || i,
       (ARRAY['DE','FR','JP','US','BR'])[1 + i % 5],
       date '1940-01-01' + (i * 7) % 24000, i % 50 = 0, (i * 37 % 100000) / 100.0,
       ARRAY['group ' || i % 9, 'it''s "quoted"'],
       jsonb_build_object('lang', 'en', 'page', i % 20, 'dark', i % 2 = 0),
       CASE WHEN i % 10 = 0 THEN decode(md5(i::text), 'hex') END,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '7 minutes 1.5 seconds'
  FROM generate_series(1, 40000) i;

INSERT INTO products
SELECT 'SKU-' || i, 'Product number ' || i || E'\\twith a tab', (i % 9999) / 100.0 + 1,
       i / 7.0, (i % 50) / 10.0, i % 300, (i % 100)::smallint,
       date '2000-01-01' + i, time '06:00' + i * interval '1 second',
       i * interval '1 hour', json_build_object('colour', i % 5, 'size', 'XL')
  FROM generate_series(1, 5000) i;

INSERT INTO orders
SELECT i, 1 + i % 40000,
       (ARRAY['cart','placed','paid','sent','returned'])[1 + i % 5]::order_state,
       timestamp '2024-01-01' + i * interval '31 seconds', (i * 13 % 1000000) / 100.0,
       ('10.' || i % 256 || '.' || i / 256 % 256 || '.1')::inet,
       CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'line one\\nline two' END
  FROM generate_series(1, 50000) i;

INSERT INTO order_lines
SELECT 1 + i / 2, (1 + i % 2)::smallint, 'SKU-' || 1 + i % 5000, 1 + i % 7,
       (i % 9999) / 100.0
  FROM generate_series(0, 102999) i;

INSERT INTO documents
SELECT i, 'Document ' || i, string_agg(md5(i || '-' || n), ' ' ORDER BY n), 0
  FROM generate_series(1, 2000) i, generate_series(1, 250) n
 GROUP BY i;
"""


class Traffic:
    """What happens in the shop, a transaction a call."""

    def __init__(self, connection, seed=1):
        self._connection = connection
        self._random = random.Random(seed)
        self._next_order = 100000
        self.counts = {}

    def one(self):
        action = self._random.choices(
            [self._order, self._progress, self._cancel, self._price,
             self._rename_product, self._read_document, self._change_of_mind,
             self._greet],
            [6, 6, 2, 3, 2, 4, 2, 2])[0]
        with self._connection.cursor() as cursor:
            action(cursor)

    def _count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def _order(self, cursor):
        self._next_order += 1
        lines = self._random.randint(1, 5)
        cursor.execute("INSERT INTO orders VALUES (%s, %s, 'placed',"
                       " clock_timestamp(), %s, '::1', 'live')",
                       (self._next_order, self._random.randint(1, 40000),
                        self._random.randint(100, 99999) / 100))
        cursor.execute("INSERT INTO order_lines SELECT %s, n, 'SKU-' || n, n,"
                       " n * 1.5 FROM generate_series(1, %s) n",
                       (self._next_order, lines))
        self._connection.commit()
        self._count("inserts", 1 + lines)

    def _progress(self, cursor):
        cursor.execute("UPDATE orders SET state = 'sent', remark = NULL"
                       " WHERE id = %s", (self._random.randint(1, 50000),))
        self._connection.commit()
        self._count("updates", cursor.rowcount)

    def _cancel(self, cursor):
        order = self._random.randint(1, 50000)
        cursor.execute("DELETE FROM order_lines WHERE order_id = %s", (order,))
        deleted = cursor.rowcount
        cursor.execute("DELETE FROM orders WHERE id = %s", (order,))
        self._connection.commit()
        self._count("deletes", deleted + cursor.rowcount)

    def _price(self, cursor):
        cursor.execute("UPDATE products SET price = price * 1.01,"
                       " stock = stock + 1 WHERE sku LIKE %s",
                       (f"SKU-{self._random.randint(10, 99)}_",))
        self._connection.commit()
        self._count("updates", cursor.rowcount)

    def _rename_product(self, cursor):
        cursor.execute("UPDATE products SET sku = sku || '-B' WHERE sku = %s",
                       (f"SKU-{self._random.randint(1, 5000)}",))
        self._connection.commit()
        self._count("key changes", cursor.rowcount)

    def _read_document(self, cursor):
        cursor.execute("UPDATE documents SET reads = reads + 1 WHERE id = %s",
                       (self._random.randint(1, 2000),))
        self._connection.commit()
        self._count("updates beside an unchanged large value", cursor.rowcount)

    def _change_of_mind(self, cursor):
        cursor.execute("UPDATE customers SET credit = 0, vip = true"
                       " WHERE id <= 500")
        self._connection.rollback()
        self._count("rolled-back transactions")

    def _greet(self, cursor):
        cursor.execute("UPDATE customers SET last_seen = now(), preferences ="
                       " preferences || '{\"seen\": true}' WHERE id = %s",
                       (self._random.randint(1, 40000),))
        self._connection.commit()
        self._count("updates", cursor.rowcount)
