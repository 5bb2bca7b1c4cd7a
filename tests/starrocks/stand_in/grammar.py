# SPDX-License-Identifier: Apache-2.0
"""The statements of the subset; each becomes a dictionary with a "kind"."""

from . import types
from .errors import syntax_error
from .lexer import position
from .expression_grammar import ExpressionParser

AGGREGATES = ("SUM", "MAX", "MIN", "REPLACE", "HLL_UNION", "BITMAP_UNION",
              "PERCENTILE_UNION", "REPLACE_IF_NOT_NULL")


class StatementParser(ExpressionParser):
    def statement(self):
        word = self.token.value if self.token.kind == "word" else None
        rule = getattr(self, "parse_%s" % (word or "").lower(), None)
        if not rule:
            self.fail("a legal statement")
        self.next()
        node = rule()
        self.end()
        return node

    # data definition

    def parse_create(self):
        if self.accept_one("DATABASE", "SCHEMA"):
            exists = self.accept("IF", "NOT", "EXISTS")
            name = self.identifier()
            if self.accept_operator("."):
                name = self.identifier()
            self.charset_and_collation()
            return {"kind": "create_database", "name": name,
                    "if_not_exists": exists, "properties": self.properties()}
        self.expect("TABLE")
        exists = self.accept("IF", "NOT", "EXISTS")
        name = self.qualified_name()
        if self.accept("LIKE"):
            return {"kind": "create_like", "name": name,
                    "if_not_exists": exists, "like": self.qualified_name()}
        node = {"kind": "create_table", "name": name, "if_not_exists": exists}
        self.expect_operator("(")
        node["columns"] = [self.column()]
        while self.accept_operator(","):
            if self.is_word("INDEX"):
                self.fail("a column (the stand-in has no indexes)")
            node["columns"].append(self.column())
        self.expect_operator(")")
        self.table_clauses(node)
        return node

    def charset_and_collation(self):
        self.accept("DEFAULT")
        if self.accept("CHARACTER", "SET") or self.accept("CHAR", "SET") \
           or self.accept("CHARSET"):
            self.accept_operator("=")
            self.identifier_or_string()
            self.accept("DEFAULT")
        if self.accept("COLLATE"):
            self.accept_operator("=")
            self.identifier_or_string()

    def table_clauses(self, node):
        node["engine"] = "OLAP"
        if self.accept("ENGINE"):
            self.expect_operator("=")
            node["engine"] = self.identifier()
        if self.is_word("DEFAULT") or self.is_word("CHARSET") \
           or self.is_word("CHARACTER") or self.is_word("CHAR"):
            self.charset_and_collation()
        node["keys_type"] = self.accept_one("PRIMARY", "DUPLICATE", "UNIQUE",
                                            "AGGREGATE")
        node["keys"] = None
        if node["keys_type"]:
            self.expect("KEY")
            node["keys"] = self.identifier_list()
        node["comment"] = self.comment()
        node["partition"] = None
        if self.accept("PARTITION"):
            self.expect("BY")
            node["partition"] = self.identifier_list()
        node["hash"] = None
        node["buckets"] = None
        if self.accept("DISTRIBUTED"):
            self.distribution(node)
        node["order_by"] = None
        if self.accept("ORDER"):
            self.expect("BY")
            node["order_by"] = self.identifier_list()
        node["properties"] = self.properties()

    def distribution(self, node):
        self.expect("BY")
        if self.accept("RANDOM"):
            node["hash"] = []
        else:
            self.expect("HASH")
            node["hash"] = self.identifier_list()
        if self.accept("BUCKETS"):
            node["buckets"] = self.integer()

    def comment(self):
        return self.string() if self.accept("COMMENT") else ""

    def column(self):
        column = {"name": self.identifier(), "type": self.type(),
                  "key": False, "aggregate": None, "null": True,
                  "nullness_given": False, "default": None,
                  "generated": None}
        if self.accept("CHARACTER", "SET") or self.accept("CHAR", "SET") \
           or self.accept("CHARSET"):
            self.identifier()
        column["key"] = self.accept("KEY")
        column["aggregate"] = self.accept_one(*AGGREGATES)
        if self.accept("NOT", "NULL"):
            column["null"] = False
            column["nullness_given"] = True
        elif self.accept("NULL"):
            column["nullness_given"] = True
        if self.accept("DEFAULT"):
            column["default"] = self.default()
        elif self.accept("AUTO_INCREMENT"):
            self.fail("a default (the stand-in has no AUTO_INCREMENT)")
        elif self.is_word("AS"):
            if not self.version.at_least(3):
                self.fail("','")
            self.next()
            start = self.token.at
            self.expression()
            column["generated"] = self.sql[start:self.token.at].strip()
        column["comment"] = self.comment()
        return column

    def default(self):
        """None without a default, else ["value"|"null"|"now", text]."""
        if self.token.kind == "string":
            return ["value", self.string()]
        if self.accept("NULL"):
            return ["null", None]
        if self.accept("CURRENT_TIMESTAMP"):
            if self.accept_operator("("):
                self.expect_operator(")")
            return ["now", None]
        if self.accept_operator("("):
            self.fail("a string (the stand-in has no default functions)")
        if self.version.at_least(4, 1):
            literal = self.primary()
            if literal[0] != "literal":
                self.fail("a literal")
            return ["value", str(literal[1])]
        return self.fail("a string, NULL or CURRENT_TIMESTAMP")

    def parse_drop(self):
        if self.accept_one("DATABASE", "SCHEMA"):
            exists = self.accept("IF", "EXISTS")
            return {"kind": "drop_database", "if_exists": exists,
                    "name": self.identifier(), "force": self.accept("FORCE")}
        self.expect("TABLE")
        exists = self.accept("IF", "EXISTS")
        return {"kind": "drop_table", "if_exists": exists,
                "name": self.qualified_name(), "force": self.accept("FORCE")}

    def parse_truncate(self):
        self.expect("TABLE")
        return {"kind": "truncate", "name": self.qualified_name()}

    def parse_alter(self):
        self.expect("TABLE")
        node = {"kind": "alter", "name": self.qualified_name(), "clauses": [],
                "properties": {}}
        while True:
            node["clauses"].append(self.alter_clause(node))
            if not self.accept_operator(","):
                break
        if not node["properties"]:
            node["properties"] = self.properties()
        kinds = {c["kind"] for c in node["clauses"]}
        if len(node["clauses"]) > 1 and kinds & {"rename", "swap",
                                                 "rename_column", "comment",
                                                 "set"}:
            self.fail("one clause")
        return node

    def alter_clause(self, node):
        if self.accept("ADD"):
            self.expect("COLUMN")
            return self.add_columns()
        if self.accept("DROP"):
            self.expect("COLUMN")
            return {"kind": "drop", "name": self.identifier()}
        if self.accept("MODIFY"):
            self.expect("COLUMN")
            return self.modify()
        if self.accept("RENAME"):
            if self.is_word("COLUMN"):
                return self.rename_column()
            return {"kind": "rename", "to": self.identifier()}
        if self.accept("SWAP"):
            self.expect("WITH")
            return {"kind": "swap", "with": self.identifier()}
        if self.is_word("COMMENT") and self.version.at_least(3):
            self.next()
            self.expect_operator("=")
            return {"kind": "comment", "text": self.string()}
        if self.accept("SET"):
            return {"kind": "set", "properties": self.property_list()}
        return self.fail("an ALTER clause")

    def place(self):
        if self.accept("FIRST"):
            return ["first", None]
        if self.accept("AFTER"):
            return ["after", self.identifier()]
        return None

    def add_columns(self):
        if self.accept_operator("("):
            columns = [self.column()]
            while self.accept_operator(","):
                columns.append(self.column())
            self.expect_operator(")")
            return {"kind": "add", "columns": columns, "place": None}
        column = self.column()
        return {"kind": "add", "columns": [column], "place": self.place()}

    def modify(self):
        if self.ahead().value == "COMMENT" and self.ahead().kind == "word":
            if not self.version.at_least(3, 5):
                self.next()
                self.fail("a type")
            name = self.identifier()
            self.next()
            return {"kind": "column_comment", "name": name,
                    "text": self.string()}
        column = self.column()
        return {"kind": "modify", "column": column, "place": self.place()}

    def rename_column(self):
        self.next()
        name = self.identifier()
        if self.is_word("TO"):
            if not self.version.at_least(3):
                self.fail("an identifier")
            self.next()
        return {"kind": "rename_column", "name": name,
                "to": self.identifier()}

    def parse_cancel(self):
        self.expect("ALTER", "TABLE")
        self.accept_one("COLUMN", "ROLLUP")
        self.expect("FROM")
        return {"kind": "cancel_alter", "name": self.qualified_name()}

    # data manipulation

    def parse_insert(self):
        if not self.accept("INTO"):
            self.fail("'INTO'")
        node = {"kind": "insert", "name": self.qualified_name(),
                "label": None, "columns": None, "rows": None, "query": None}
        if self.is_word("WITH"):
            node["label"] = self.label()
        if self.is_operator("(") and not (
                self.ahead().kind == "word"
                and self.ahead().value == "SELECT"):
            node["columns"] = self.identifier_list()
            if self.is_word("WITH") and self.version.at_least(3, 5) \
               and not node["label"]:
                node["label"] = self.label()
        if self.accept("VALUES"):
            node["rows"] = [self.values_row()]
            while self.accept_operator(","):
                node["rows"].append(self.values_row())
        else:
            self.expect("SELECT")
            node["query"] = self.parse_select()
        return node

    def label(self):
        self.expect("WITH", "LABEL")
        return self.identifier()

    def values_row(self):
        self.expect_operator("(")
        row = []
        while True:
            if self.accept("DEFAULT"):
                row.append(("default",))
            else:
                row.append(self.expression())
            if not self.accept_operator(","):
                break
        self.expect_operator(")")
        return row

    def parse_delete(self):
        self.expect("FROM")
        node = {"kind": "delete", "name": self.qualified_name(),
                "using": None, "where": None}
        if self.accept("USING"):
            node["using"] = self.qualified_name()
        if self.accept("WHERE"):
            node["where"] = self.expression()
        return node

    def parse_update(self):
        node = {"kind": "update", "name": self.qualified_name(),
                "assignments": [], "where": None}
        self.expect("SET")
        while True:
            name = self.identifier()
            self.expect_operator("=")
            node["assignments"].append((name, self.expression()))
            if not self.accept_operator(","):
                break
        if self.accept("WHERE"):
            node["where"] = self.expression()
        return node

    def parse_select(self):
        node = {"kind": "select", "distinct": False, "items": [],
                "from": None, "alias": None, "where": None, "group_by": [],
                "having": None, "order_by": [], "limit": None, "offset": 0}
        if self.accept("DISTINCT"):
            node["distinct"] = True
        else:
            self.accept("ALL")
        node["items"].append(self.select_item())
        while self.accept_operator(","):
            node["items"].append(self.select_item())
        if self.accept("FROM"):
            self.relation(node)
        if self.accept("WHERE"):
            node["where"] = self.expression()
        if self.accept("GROUP"):
            self.expect("BY")
            node["group_by"] = self.expression_list()
        if self.accept("HAVING"):
            node["having"] = self.expression()
        self.order_and_limit(node)
        return node

    def relation(self, node):
        if self.accept("DUAL"):
            return
        if self.accept_operator("("):
            self.expect("SELECT")
            node["from"] = self.parse_select()
            self.expect_operator(")")
        else:
            node["from"] = self.qualified_name()
        self.accept("AS")
        if self.is_identifier():
            node["alias"] = self.identifier()
        elif not isinstance(node["from"], list):
            self.fail("an alias")

    def select_item(self):
        start = self.token.at
        if self.accept_operator("*"):
            return (("star",), None, "*")
        if self.is_identifier() and self.ahead().text == "." \
           and self.ahead(2).text == "*":
            self.next()
            self.next()
            self.next()
            return (("star",), None, "*")
        node = self.expression()
        text = self.sql[start:self.token.at].strip()
        alias = None
        if self.accept("AS"):
            alias = self.identifier_or_string()
        elif self.is_identifier() or self.token.kind == "string":
            alias = self.identifier_or_string()
        return (node, alias, text)

    def order_and_limit(self, node):
        if self.accept("ORDER"):
            self.expect("BY")
            while True:
                item = self.expression()
                down = self.accept("DESC")
                if not down:
                    self.accept("ASC")
                nulls = None
                if self.accept("NULLS"):
                    nulls = self.accept_one("FIRST", "LAST") \
                        or self.fail("'FIRST'")
                node["order_by"].append((item, down, nulls))
                if not self.accept_operator(","):
                    break
        if self.accept("LIMIT"):
            first = self.integer()
            if self.accept_operator(","):
                node["offset"] = first
                node["limit"] = self.integer()
            else:
                node["limit"] = first
                if self.accept("OFFSET"):
                    node["offset"] = self.integer()

    # session

    def parse_use(self):
        return {"kind": "use", "name": self.qualified_name()[-1]}

    def parse_begin(self):
        node = {"kind": "begin", "label": None}
        if self.is_word("WITH") and self.version.at_least(4, 1):
            node["label"] = self.label()
        else:
            self.accept("WORK")
        return node

    def parse_start(self):
        self.expect("TRANSACTION")
        self.accept("WITH", "CONSISTENT", "SNAPSHOT")
        return {"kind": "begin", "label": None}

    def parse_commit(self):
        self.accept("WORK")
        return {"kind": "commit"}

    def parse_rollback(self):
        self.accept("WORK")
        return {"kind": "rollback"}

    def parse_set(self):
        node = {"kind": "set", "variables": []}
        while True:
            self.set_item(node)
            if not self.accept_operator(","):
                return node

    def set_item(self, node):
        if self.accept("NAMES"):
            if not self.accept("DEFAULT"):
                self.identifier_or_string()
            if self.accept("COLLATE"):
                if not self.accept("DEFAULT"):
                    self.identifier_or_string()
            return
        if self.accept("CHARACTER", "SET") or self.accept("CHARSET"):
            self.identifier_or_string()
            return
        scope = self.accept_one("GLOBAL", "SESSION", "LOCAL")
        if self.accept("TRANSACTION"):
            self.expect("ISOLATION", "LEVEL")
            while self.is_identifier() or self.is_word("READ"):
                self.next()
            return
        if not scope and self.accept_operator("@@"):
            if self.ahead().text == ".":
                self.next()
                self.next()
            name = self.identifier()
        elif self.accept_operator("@"):
            name = "@" + self.identifier_or_string()
        else:
            name = self.identifier()
        self.expect_operator("=")
        node["variables"].append((name, self.set_value()))

    def set_value(self):
        for word in ("ON", "ALL", "DEFAULT", "BINARY"):
            if self.accept(word):
                return ("literal", word, types.VARCHAR)
        if self.is_identifier() and self.ahead().text != "(":
            return ("literal", self.identifier(), types.VARCHAR)
        return self.expression()

    def parse_lock(self):
        self.expect("TABLES")
        while True:
            self.qualified_name()
            self.accept("AS")
            if self.is_identifier() and self.token.value not in (
                    "READ", "WRITE", "LOW_PRIORITY"):
                self.identifier()
            if self.accept("READ"):
                self.accept("LOCAL")
            else:
                self.accept("LOW_PRIORITY")
                self.expect("WRITE")
            if not self.accept_operator(","):
                return {"kind": "nothing"}

    def parse_unlock(self):
        self.expect("TABLES")
        return {"kind": "nothing"}

    def parse_prepare(self):
        if not self.version.at_least(3):
            self.index -= 1
            self.fail("a legal statement")
        self.identifier()
        self.expect("FROM")
        if self.is_word("SELECT"):
            self.next()
            self.parse_select()
            return {"kind": "nothing"}
        self.next()
        self.index = len(self.tokens) - 1
        return {"kind": "unpreparable"}

    def parse_submit(self):
        self.expect("TASK")
        if self.is_identifier():
            self.qualified_name()
        self.expect("AS")
        self.expect("INSERT")
        self.parse_insert()
        return {"kind": "unsupported", "what": "SUBMIT TASK"}

    def parse_kill(self):
        self.accept_one("QUERY", "CONNECTION")
        self.integer()
        return {"kind": "nothing"}

    def parse_admin(self):
        self.expect("SET", "FRONTEND", "CONFIG")
        return {"kind": "admin_set", "properties": self.property_list()}

    # SHOW

    def parse_desc(self):
        name = self.qualified_name()
        self.accept("ALL")
        return {"kind": "describe", "name": name}

    parse_describe = parse_desc

    def filters(self, node):
        node.setdefault("like", None)
        node.setdefault("where", None)
        if self.accept("LIKE"):
            node["like"] = self.string()
        elif self.accept("WHERE"):
            node["where"] = self.expression()
        return node

    def from_database(self):
        if self.accept_one("FROM", "IN"):
            return self.qualified_name()[-1]
        return None

    def parse_show(self):
        full = self.accept("FULL")
        if self.accept_one("COLUMNS", "FIELDS"):
            if not self.accept_one("FROM", "IN"):
                self.fail("'FROM'")
            name = self.qualified_name()
            database = self.from_database()
            if database:
                name = [database, name[-1]]
            return self.filters({"kind": "show_columns", "name": name,
                                 "full": full})
        if self.accept("TABLES"):
            return self.filters({"kind": "show_tables", "full": full,
                                 "database": self.from_database()})
        if self.accept("PROCESSLIST"):
            return {"kind": "show_empty", "columns": ["Id", "User", "Host"]}
        if full:
            self.fail("'TABLES'")
        return self.show_more()

    def show_more(self):
        if self.accept_one("DATABASES", "SCHEMAS"):
            return self.filters({"kind": "show_databases"})
        if self.accept("TABLE", "STATUS"):
            return self.filters({"kind": "show_table_status",
                                 "database": self.from_database()})
        if self.accept("CREATE"):
            if self.accept_one("DATABASE", "SCHEMA"):
                return {"kind": "show_create_database",
                        "name": self.identifier()}
            self.expect("TABLE")
            return {"kind": "show_create_table",
                    "name": self.qualified_name()}
        if self.accept("ALTER"):
            self.expect("TABLE")
            if not self.accept_one("COLUMN", "ROLLUP", "OPTIMIZE"):
                self.fail("'COLUMN'")
            node = {"kind": "show_alter", "database": self.from_database(),
                    "where": None, "order_by": [], "limit": None,
                    "offset": 0}
            if self.accept("WHERE"):
                node["where"] = self.expression()
            self.order_and_limit(node)
            return node
        if self.accept("TRANSACTION"):
            node = {"kind": "show_transaction",
                    "database": self.from_database(), "where": None}
            if self.accept("WHERE"):
                node["where"] = self.expression()
            return node
        return self.show_cluster()

    def show_cluster(self):
        if self.accept("COMPUTE", "NODES"):
            return {"kind": "show_compute_nodes"}
        if self.accept("BACKENDS"):
            return {"kind": "show_backends"}
        if self.accept("FRONTENDS"):
            return {"kind": "show_frontends"}
        self.accept_one("GLOBAL", "SESSION", "LOCAL", "VERBOSE")
        if self.accept("VARIABLES"):
            return self.filters({"kind": "show_variables"})
        if self.accept("WARNINGS") or self.accept("ERRORS"):
            return {"kind": "show_empty",
                    "columns": ["Level", "Code", "Message"]}
        if self.accept("STATUS"):
            return self.filters({"kind": "show_empty", "columns":
                                 ["Variable_name", "Value"]})
        return self.fail("something to show")


def parse(sql, version):
    """The statement as a dictionary; raises SqlError 1064."""
    if not sql.strip():
        raise syntax_error("Empty statement", *position(sql, 0))
    return StatementParser(sql, version).statement()
