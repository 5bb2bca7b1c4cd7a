# SPDX-License-Identifier: Apache-2.0
"""The errors that a StarRocks frontend sends to MySQL clients."""


class SqlError(Exception):
    def __init__(self, text, code=1064, state="42000"):
        super().__init__(text)
        self.text = text
        self.code = code
        self.state = state


def syntax_error(detail, line=1, column=0):
    return SqlError("Getting syntax error at line %d, column %d. "
                    "Detail message: %s." % (line, column, detail))


def analyzing_error(detail):
    return SqlError("Getting analyzing error. Detail message: %s." % detail)


def unknown_database(name):
    return SqlError("Unknown database '%s'" % name, 5501, "3F000")


def unknown_table(name):
    return SqlError("Unknown table '%s'" % name, 5502, "42601")


def unknown_column(name, table=None):
    where = " in '%s'" % table if table else ""
    return SqlError("Getting analyzing error. Detail message: Column '%s'"
                    " cannot be resolved%s." % (name, where), 5509, "42000")
