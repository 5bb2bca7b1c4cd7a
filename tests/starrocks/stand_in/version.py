# SPDX-License-Identifier: Apache-2.0
"""What a release of StarRocks can do: one place for all version gates."""

import re


class Version:
    def __init__(self, text):
        found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
        if not found:
            raise ValueError("not a version: %r (expected 3.3.11)" % text)
        self.numbers = tuple(int(n or 0) for n in found.groups())
        self.text = "%d.%d.%d" % self.numbers

    def at_least(self, *numbers):
        return self.numbers >= tuple(numbers) + (0,) * (3 - len(numbers))

    @property
    def banner(self):
        return "8.0.33" if self.at_least(3) else "5.1.0"

    @property
    def current_version(self):
        return self.text + " 5c0ffee"

    @property
    def fast_schema_evolution(self):
        return self.at_least(3, 2)

    @property
    def prints_microseconds(self):
        return self.at_least(3, 3, 5)

    @property
    def json_compression(self):
        return self.at_least(3, 2, 7)

    @property
    def insert_list_is_partial_update(self):
        return self.at_least(3, 3, 1)

    @property
    def csv_binary_is_hex(self):
        return not self.at_least(3, 2)
