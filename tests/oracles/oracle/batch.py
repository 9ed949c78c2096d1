"""The whole function: events + kinds + maps + as_of -> everything that is compared. Order of filters as in the law:
generation, as_of, customer, winner."""
from collections import Counter, defaultdict

from .fold import Fold
from .people import People
from .rates import Figures
from .text import canonical


class Event:
    __slots__ = ("source", "id", "gen", "rev", "name", "at", "seq", "ids", "props", "blocked", "copy_of", "_hash")

    def __init__(self, **fields):
        for name in ("source", "id", "gen", "rev", "name", "at", "seq", "ids", "props"):
            setattr(self, name, fields[name])
        self.blocked = fields.get("blocked", 0)
        self._hash = None

    def payload_hash(self):
        """BLAKE3-128 of name, identifiers and properties; taken only where copies have to be told apart."""
        if self._hash is None:
            import blake3

            said = canonical({"name": self.name, "identifiers": self.ids, "properties": self.props})
            self._hash = int.from_bytes(blake3.blake3(said.encode()).digest()[:16], "little")
        return self._hash

    def payload(self):
        return (self.rev, self.name, self.at, self.seq, self.ids, self.props)

    def precedence(self):
        rev = (1, 0) if self.rev is None else (0, -self.rev)
        return (*rev, self.at, self.payload_hash(), self.seq is not None, self.seq or 0)


class Source:
    """What the batch needs to know of a source."""

    def __init__(self, name, generation=1, channel=None, line=False, observed_from=None):
        self.name, self.generation, self.channel = name, generation, channel
        self.line, self.observed_from = line, observed_from
        self.records = self.skipped = self.decoded = self.rejected = self.blocked = 0


def _distinct(copies):
    """(copies whose payloads differ, how many were only repeated)"""
    if len(copies) == 1:
        return copies, 0
    kept = []
    for e in copies:
        if all(e.payload() != k.payload() for k in kept):
            kept.append(e)
    return kept, len(copies) - len(kept)


class Batch:
    def __init__(self, events, sources, kinds, as_of=None, max_visits=100_000, people=None):
        """`events`: every decoded event; `sources`: name -> Source; `people`: who is who, if orders changed that."""
        self.sources, self.max_visits = sources, max_visits
        live = [e for e in events if e.gen >= sources[e.source].generation]
        self.people = people or People(live, kinds)
        self.as_of = max(e.at for e in events) if as_of is None and events else as_of
        self.coverage = {name: Counter() for name in sources}
        self.customers = defaultdict(list)  # root -> distinct events
        by_key = defaultdict(list)
        for e in live:
            if e.at <= self.as_of:
                by_key[e.source, e.id].append(e)
        for (source, _), copies in by_key.items():
            self._place(self.coverage[source], copies)

    def _place(self, counts, copies):
        copies, repeated = _distinct(copies)
        by_customer = defaultdict(list)
        for e in copies:
            by_customer[self.people.set_of_event(e)].append(e)
        counts["distinct"] += 1
        counts["duplicates"] += repeated
        counts["conflicts"] += len(by_customer) - 1
        for root, given in by_customer.items():
            counts["superseded"] += len(given) - 1
            winner = given[0] if len(given) == 1 else min(given, key=Event.precedence)
            if root is None:
                counts["no_identifier"] += 1
            else:
                self.customers[root].append(winner)

    def map_report(self, the_map, with_journeys=True):
        fold = Fold(the_map, {s.name: s.channel for s in self.sources.values()},
                    {s.name for s in self.sources.values() if s.line})
        journeys, outside, excluded, oversized = [], Counter(), Counter(), 0
        mapped = {name: Counter() for name in self.sources}
        for root in sorted(self.customers, key=self.people.name):
            name = self.people.name(root)
            found = fold.run(self.customers[root])
            visits = sum(fate not in ("unmapped", "no_version", "excluded", "excluded_unmapped")
                         for _, fate, _ in fold.fates)
            if visits > self.max_visits:
                oversized += 1
                continue
            for attempt, j in enumerate(found, 1):
                j.attempt = attempt
                journeys.append((name, j))
            for e, fate, rule in fold.fates:
                mapped[e.source][fate] += 1
                if fate == "excluded":
                    excluded[rule] += 1
                if fate.startswith(("before", "after")):
                    outside[fate] += 1
        wanted = the_map.sources()
        observed = [s.observed_from for s in self.sources.values()
                    if s.observed_from is not None and (wanted is None or s.name in wanted)]
        figures = Figures(the_map, journeys, self.as_of, max(observed, default=None))
        report = figures.report()
        report.update(map=the_map.newest.id, outside=dict(outside), excluded=dict(excluded), oversized=oversized)
        report["coverage"] = {name: self._coverage(name, fates) for name, fates in mapped.items()}
        if with_journeys:
            report["journeys"] = [figures.journey(c, j) for c, j in journeys]
        return report

    def _coverage(self, name, fates):
        s, counts = self.sources[name], self.coverage[name]
        joined = sum(n for fate, n in fates.items() if fate == "in_journey" or fate.startswith(("before", "after")))
        return {
            "records": s.records, "skipped": s.skipped, "rejected": s.rejected, "decoded": s.decoded,
            "blocked_identifiers": s.blocked, "distinct": counts["distinct"], "duplicates": counts["duplicates"],
            "superseded": counts["superseded"], "conflicts": counts["conflicts"],
            "no_identifier": counts["no_identifier"], "mapped": joined, "unmapped": fates["unmapped"],
            "excluded": fates["excluded"] + fates["excluded_unmapped"],
        }

    def identity_report(self):
        people = self.people
        return {
            "customers": sorted(({"name": people.name(r), "members": people.members(r)} for r in self.customers),
                                key=lambda c: c["name"]),
            "refused": people.refused, "refused_pairs": len(people.refused_pairs),
            "quarantined": sorted(people.quarantined), "shared_devices": len(people.shared),
        }
