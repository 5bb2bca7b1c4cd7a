# SPDX-License-Identifier: Apache-2.0
"""StarRocks as the tests reach it: through its SQL port, and the stand-in's faults."""

import ssl

import pymysql


class Target:
    """The SQL side of a StarRocks, real or stand-in."""

    def __init__(self, host, port, user, password, ca=None):
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.ca = ca

    def connect(self, database=None):
        context = ssl.create_default_context(cafile=str(self.ca)) \
            if self.ca else None
        # No decoders: the oracle wants StarRocks' own text.
        return pymysql.connect(host=self.host, port=self.port, user=self.user,
                               password=self.password, database=database,
                               ssl=context, conv={}, charset="utf8mb4",
                               autocommit=True)

    def sql(self, statement, database=None):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def read(self, database, table):
        """(column names, rows) of a table; ([], None) when it is not there."""
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
