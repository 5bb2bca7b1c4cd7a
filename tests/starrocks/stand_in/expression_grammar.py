# SPDX-License-Identifier: Apache-2.0
"""The grammar of expressions; a node is a tuple whose first item is its kind.

("column", names)  ("literal", value, type)  ("call", NAME, args, distinct)
("star",)  ("unary", op, a)  ("binary", op, a, b)  ("not", a)
("in", a, items, negated)  ("between", a, low, high, negated)
("is_null", a, negated)  ("like", op, a, pattern, negated)
("case", operand, [(when, then)], otherwise)  ("cast", a, type)
("variable", name)  ("default",)
"""

from decimal import Decimal

from . import types
from .parser import Cursor

COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=", "<=>")
UNITS = ("YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND",
         "QUARTER", "MILLISECOND", "MICROSECOND")
# Keywords that are functions all the same.
FUNCTION_WORDS = ("CHAR", "IF", "LEFT", "LIKE", "MOD", "REGEXP", "REPLACE",
                  "RIGHT", "RLIKE", "DATABASE", "SCHEMA", "CURRENT_USER",
                  "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
                  "CURRENT_ROLE", "LOCALTIME", "LOCALTIMESTAMP")
BARE_FUNCTIONS = ("CURRENT_USER", "CURRENT_DATE", "CURRENT_TIME",
                  "CURRENT_TIMESTAMP", "CURRENT_ROLE", "LOCALTIME",
                  "LOCALTIMESTAMP")


class ExpressionParser(Cursor):
    def expression(self):
        left = self.and_expression()
        while self.accept("OR") or self.accept_operator("||"):
            left = ("binary", "OR", left, self.and_expression())
        return left

    def and_expression(self):
        left = self.not_expression()
        while self.accept("AND") or self.accept_operator("&&"):
            left = ("binary", "AND", left, self.not_expression())
        return left

    def not_expression(self):
        if self.accept("NOT"):
            return ("not", self.not_expression())
        return self.predicate()

    def predicate(self):
        left = self.value()
        while True:
            token = self.token
            if token.kind == "operator" and token.text in COMPARISONS:
                self.next()
                operator = "<>" if token.text == "!=" else token.text
                left = ("binary", operator, left, self.value())
            elif self.accept("IS"):
                negated = self.accept("NOT")
                self.expect("NULL")
                left = ("is_null", left, negated)
            elif self.token.kind == "word" and (
                    self.token.value in ("IN", "BETWEEN", "LIKE", "REGEXP",
                                         "RLIKE")
                    or self.is_word("NOT", "IN")
                    or self.is_word("NOT", "BETWEEN")
                    or self.is_word("NOT", "LIKE")
                    or self.is_word("NOT", "REGEXP")
                    or self.is_word("NOT", "RLIKE")):
                left = self.word_predicate(left)
            else:
                return left

    def word_predicate(self, left):
        negated = self.accept("NOT")
        if self.accept("IN"):
            self.expect_operator("(")
            if self.is_word("SELECT"):
                self.fail("a list of values (the stand-in has no subqueries)")
            items = self.expression_list()
            self.expect_operator(")")
            return ("in", left, items, negated)
        if self.accept("BETWEEN"):
            low = self.value()
            self.expect("AND")
            return ("between", left, low, self.value(), negated)
        operator = self.accept_one("LIKE", "REGEXP", "RLIKE")
        return ("like", operator, left, self.value(), negated)

    def expression_list(self):
        items = [self.expression()]
        while self.accept_operator(","):
            items.append(self.expression())
        return items

    def value(self):
        left = self.term()
        while True:
            if self.accept_operator("+"):
                left = ("binary", "+", left, self.term())
            elif self.accept_operator("-"):
                left = ("binary", "-", left, self.term())
            elif self.accept_operator("&"):
                left = ("binary", "&", left, self.term())
            elif self.accept_operator("|"):
                left = ("binary", "|", left, self.term())
            elif self.accept_operator("^"):
                left = ("binary", "^", left, self.term())
            else:
                return left

    def term(self):
        left = self.primary()
        while True:
            if self.accept_operator("*"):
                left = ("binary", "*", left, self.primary())
            elif self.accept_operator("/"):
                left = ("binary", "/", left, self.primary())
            elif self.accept_operator("%") or self.accept("MOD"):
                left = ("binary", "%", left, self.primary())
            elif self.accept("DIV"):
                left = ("binary", "DIV", left, self.primary())
            else:
                return left

    def primary(self):
        token = self.token
        if token.kind == "operator":
            if self.accept_operator("("):
                inner = self.expression()
                self.expect_operator(")")
                return inner
            if token.text in ("-", "+", "~", "!"):
                self.next()
                inner = self.primary()
                if token.text == "!":
                    return ("not", inner)
                if token.text == "-" and inner[0] == "literal" \
                   and inner[2].name in ("BIGINT", "LARGEINT", "DECIMAL",
                                         "DOUBLE"):
                    return ("literal", -inner[1], inner[2])
                return ("unary", token.text, inner)
            if self.accept_operator("@@"):
                if self.token.value in ("GLOBAL", "SESSION", "LOCAL",
                                        "VERBOSE") \
                   and self.ahead().text == ".":
                    self.next()
                    self.next()
                return ("variable", self.identifier())
            if self.accept_operator("@"):
                return ("variable", "@" + self.identifier_or_string())
            self.fail()
        literal = self.literal()
        if literal:
            return literal
        if token.kind == "word":
            return self.word_primary(token)
        return self.column_or_call()

    def literal(self):
        token = self.token
        if token.kind == "string":
            return ("literal", self.next().value, types.VARCHAR)
        if token.kind == "binary":
            return ("literal", self.next().value, types.VARBINARY)
        if token.kind == "integer":
            value = int(self.next().text)
            small = value < 2 ** 63
            return ("literal", value,
                    types.BIGINT if small else types.LARGEINT)
        if token.kind == "decimal":
            value = Decimal(self.next().text)
            exponent = -value.as_tuple().exponent
            digits = max(len(value.as_tuple().digits), exponent)
            return ("literal", value, types.Type(
                "DECIMAL", precision=max(digits, 1), scale=max(exponent, 0)))
        if token.kind == "double":
            return ("literal", float(self.next().text), types.DOUBLE)
        if token.kind != "word":
            return None
        if self.accept("NULL"):
            return ("literal", None, types.NULL)
        if self.accept("TRUE"):
            return ("literal", 1, types.BOOLEAN)
        if self.accept("FALSE"):
            return ("literal", 0, types.BOOLEAN)
        if token.value in ("DATE", "DATETIME") \
           and self.ahead().kind == "string":
            self.next()
            inner = ("literal", self.string(), types.VARCHAR)
            return ("cast", inner, types.Type(token.value))
        if token.value == "INTERVAL" and self.ahead().text != "(":
            self.fail("an expression (the stand-in has no intervals)")
        return None

    def word_primary(self, token):
        word = token.value
        if word == "CASE":
            return self.case()
        if word == "CAST" and self.ahead().text == "(":
            self.next()
            self.next()
            inner = self.expression()
            self.expect("AS")
            target = self.type()
            self.expect_operator(")")
            return ("cast", inner, target)
        if word == "CONVERT":
            self.next()
            self.expect_operator("(")
            inner = self.expression()
            self.expect_operator(",")
            target = self.type()
            self.expect_operator(")")
            return ("cast", inner, target)
        if word in FUNCTION_WORDS:
            if self.ahead().text == "(":
                self.next()
                return self.call(word)
            if word in BARE_FUNCTIONS:
                self.next()
                return ("call", word, [], False)
        return self.column_or_call()

    def case(self):
        self.expect("CASE")
        operand = None if self.is_word("WHEN") else self.expression()
        branches = []
        while self.accept("WHEN"):
            when = self.expression()
            self.expect("THEN")
            branches.append((when, self.expression()))
        if not branches:
            self.fail("'WHEN'")
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return ("case", operand, branches, otherwise)

    def column_or_call(self):
        names = self.qualified_name()
        if len(names) == 1 and self.is_operator("("):
            return self.call(names[0].upper())
        node = ("column", names)
        while self.accept_operator("->"):
            node = ("call", "JSON_QUERY",
                    [node, ("literal", self.string(), types.VARCHAR)], False)
        return node

    def call(self, name):
        self.expect_operator("(")
        distinct = False
        args = []
        if name == "COUNT" and self.accept_operator("*"):
            args = [("star",)]
        elif not self.is_operator(")"):
            distinct = self.accept("DISTINCT")
            args = self.expression_list()
            if name == "GROUP_CONCAT" and self.accept("SEPARATOR"):
                args.append(self.primary())
        self.expect_operator(")")
        if self.is_word("OVER"):
            self.fail("an expression (the stand-in has no windows)")
        return ("call", name, args, distinct)


def parse_load_columns(text, version):
    """The `columns` header: names and `name = expression` pairs."""
    parser = ExpressionParser(text, version)
    found = []
    while True:
        name = parser.identifier()
        expression = None
        if parser.accept_operator("="):
            expression = parser.expression()
        found.append((name, expression))
        if not parser.accept_operator(","):
            break
    parser.end()
    return found


def parse_expression(text, version):
    parser = ExpressionParser(text, version)
    node = parser.expression()
    parser.end()
    return node
