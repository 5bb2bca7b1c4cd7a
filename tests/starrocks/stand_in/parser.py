# SPDX-License-Identifier: Apache-2.0
"""A cursor over tokens, with the small rules that every statement shares."""

from .errors import syntax_error
from .lexer import RESERVED, position, tokenize
from .types import MAX_VARCHAR, STRING_LENGTH, Type


class Cursor:
    def __init__(self, sql, version):
        self.sql = sql
        self.version = version
        self.tokens = [t for t in tokenize(sql, version.at_least(3))
                       if t.kind != "hint"]
        self.index = 0

    @property
    def token(self):
        return self.tokens[self.index]

    def ahead(self, count=1):
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def fail(self, expected="a legal identifier"):
        token = self.token
        raise syntax_error(
            "Unexpected input '%s', the most similar input is {%s}"
            % (token.text, expected), *position(self.sql, token.at))

    def next(self):
        token = self.token
        self.index += 1
        return token

    def is_word(self, *words):
        """The next tokens are these keywords, in this order."""
        for offset, word in enumerate(words):
            token = self.ahead(offset)
            if token.kind != "word" or token.value != word:
                return False
        return True

    def accept(self, *words):
        if not self.is_word(*words):
            return False
        self.index += len(words)
        return True

    def accept_one(self, *words):
        for word in words:
            if self.accept(word):
                return word
        return None

    def expect(self, *words):
        for word in words:
            if not self.accept(word):
                self.fail("'%s'" % word)

    def is_operator(self, text):
        return self.token.kind == "operator" and self.token.text == text

    def accept_operator(self, text):
        if not self.is_operator(text):
            return False
        self.index += 1
        return True

    def expect_operator(self, text):
        if not self.accept_operator(text):
            self.fail("'%s'" % text)

    def is_identifier(self):
        token = self.token
        if token.kind == "quoted":
            return True
        return token.kind == "word" and token.value not in RESERVED

    def identifier(self):
        if not self.is_identifier():
            self.fail()
        token = self.next()
        return token.value if token.kind == "quoted" else token.text

    def string(self):
        if self.token.kind != "string":
            self.fail("a string")
        return self.next().value

    def identifier_or_string(self):
        if self.token.kind == "string":
            return self.string()
        return self.identifier()

    def integer(self):
        if self.token.kind != "integer":
            self.fail("an integer")
        return int(self.next().text)

    def qualified_name(self):
        names = [self.identifier()]
        while self.accept_operator("."):
            names.append(self.identifier())
        if len(names) > 3:
            self.fail("a shorter name")
        return names

    def identifier_list(self):
        self.expect_operator("(")
        names = [self.identifier()]
        while self.accept_operator(","):
            names.append(self.identifier())
        self.expect_operator(")")
        return names

    def property_list(self):
        """'(' "key" = "value", … ')' as a dictionary."""
        self.expect_operator("(")
        found = {}
        while True:
            key = self.string()
            self.expect_operator("=")
            found[key] = self.string()
            if not self.accept_operator(","):
                break
        self.expect_operator(")")
        return found

    def properties(self):
        return self.property_list() if self.accept("PROPERTIES") else {}

    def end(self):
        """A statement ends here; a second one is no business of ours."""
        while self.accept_operator(";"):
            pass
        if self.token.kind != "end":
            self.fail("<EOF>")

    # types

    def parameter(self, default=None):
        if not self.accept_operator("("):
            return default
        value = self.integer()
        self.expect_operator(")")
        return value

    def type(self):
        word = self.token.value if self.token.kind == "word" else None
        name = {"INTEGER": "INT", "TEXT": "STRING", "NUMERIC": "DECIMAL",
                "NUMBER": "DECIMAL", "DECIMALV2": "DECIMAL",
                "DECIMAL32": "DECIMAL", "DECIMAL64": "DECIMAL",
                "DECIMAL128": "DECIMAL", "DECIMAL256": "DECIMAL",
                "BINARY": "VARBINARY"}.get(word, word)
        if name in ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT"):
            self.next()
            self.parameter()
            return Type(name)
        if name in ("BOOLEAN", "FLOAT", "DOUBLE", "DATE", "DATETIME", "JSON",
                    "TIME", "BITMAP", "HLL", "PERCENTILE"):
            self.next()
            return Type(name)
        if name == "STRING":
            self.next()
            return Type("VARCHAR", STRING_LENGTH)
        if name in ("VARCHAR", "CHAR"):
            self.next()
            if name == "VARCHAR" and self.is_operator("(") \
               and self.ahead().text == "*":
                self.fail("an integer")
            return Type(name, self.parameter(1))
        if name == "VARBINARY":
            if not self.version.at_least(3):
                self.fail("a type")
            self.next()
            return Type(name, self.parameter())
        if name == "DECIMAL":
            if word == "DECIMAL256" and not self.version.at_least(4):
                self.fail("a type")
            self.next()
            return self.decimal(word)
        if name == "ARRAY":
            self.next()
            self.expect_operator("<")
            item = self.type()
            self.expect_operator(">")
            return Type("ARRAY", item=item)
        return self.fail("a type")

    def decimal(self, word):
        precision, scale = (10, 0) if word != "DECIMALV2" else (9, 0)
        if self.accept_operator("("):
            precision = self.integer()
            scale = 0
            if self.accept_operator(","):
                scale = self.integer()
            self.expect_operator(")")
        return Type("DECIMAL", precision=precision, scale=scale)


__all__ = ["Cursor", "MAX_VARCHAR"]
