# SPDX-License-Identifier: Apache-2.0
"""The primary-key engine: the last operation on a key wins."""

from .changes import Changes

KEY_LIMIT = 128


class KeyTooLong(Exception):
    def __init__(self):
        super().__init__("primary key size exceed the limit.")


class LoadRefused(Exception):
    """The load as a whole fails while it is written."""


class KeyEngine:
    """Collects (operation, row) of one load into Changes."""

    def __init__(self, plan, config, notice):
        self.table = plan.table
        self.plan = plan
        self.config = config
        self.notice = notice
        ids = [c.id for c in plan.columns]
        self.changes = Changes(plan.table, ids, plan.partial)
        self.changes.condition = plan.condition and plan.condition.id
        self.places = []
        if self.table.is_unique:
            self.places = [ids.index(c.id)
                           for c in self.table.key_columns()]
        self.fixed = self.table.fixed_key_bytes()
        self.texts = self.text_places()
        self.final = {}
        self.count = 0
        self.repeated = 0
        self.deleted = set()

    def text_places(self):
        """The VARCHARs of the key that need measuring."""
        found = []
        worst = self.fixed
        for place, column in zip(self.places, self.table.key_columns()):
            if column.type.name in ("VARCHAR", "CHAR"):
                found.append(place)
                worst += column.type.length
        if not self.table.is_primary or (worst <= KEY_LIMIT
                                         and len(found) < 2):
            return []
        return found

    def measure(self, row):
        size = self.fixed
        for place in self.texts:
            data = row[place].encode()
            size += len(data)
            if place is not self.texts[-1] \
               or place != self.places[-1]:
                size += data.count(0) + 2
        if size > KEY_LIMIT:
            raise KeyTooLong()

    def add(self, op, row):
        self.count += 1
        if not self.places:
            self.changes.upserts.append(row)
            return
        if self.texts:
            self.measure(row)
        if op and self.plan.condition:
            raise LoadRefused("delete with condition column")
        places = self.places
        key = row[places[0]] if len(places) == 1 \
            else tuple([row[p] for p in places])
        if key in self.final:
            self.repeated += 1
        if op:
            self.final[key] = None
            self.deleted.add(key)
        else:
            self.final[key] = row

    def finish(self):
        """The Changes of the whole load."""
        if not self.places:
            return self.changes
        if self.repeated:
            self.notice("key_twice_in_load", "%d rows repeat a key of the"
                        " same load" % self.repeated)
        single = len(self.places) == 1
        disordered = self.config["deletes_last"] \
            and self.count > self.config["memtable_rows"]
        if disordered:
            for key in self.deleted:
                self.final[key] = None
        upserts = self.changes.upserts
        for key, row in self.final.items():
            if row is None:
                self.changes.deletes.append((key,) if single else key)
            else:
                upserts.append(row)
        self.final = None
        return self.changes
