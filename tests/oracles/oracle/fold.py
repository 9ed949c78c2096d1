"""The fold. In: the distinct events of one customer, in any order, and a map. Out: the customer's journeys, and what
became of the events that are in none. `as_of` is not asked here: silence is decided by whoever reads `drops_at`."""
from collections import defaultdict

from .mapping import property_of


class Journey:
    def __init__(self, version, key, entry_at):
        self.version, self.key, self.entry_at = version, key, entry_at
        self.visits = []  # (event, touchpoint)
        self.entries = []  # stage entries
        self.decision, self.decided_at, self.decided_visit, self.reason = None, None, None, None
        self.order_ambiguous = False
        self.value = self.currency = None
        self.dims = []
        self.clean = True

    @property
    def stage(self):
        return self.entries[-1]["stage"]

    @property
    def last_at(self):
        return self.visits[-1][0].at

    @property
    def drops_at(self):
        return self.last_at + self.version.windows[self.stage]

    @property
    def belongs_until(self):
        return self.decided_at + self.version.after_goal

    def takes(self, at):
        """Whether a visit at this time belongs to the journey, keys aside."""
        if self.decision is None:
            return at <= self.drops_at
        return self.decision == "completed" and at <= self.belongs_until

    def join(self, e, t):
        place = len(self.visits)
        self.visits.append((e, t))
        if not t.beside and (not self.entries or self.entries[-1]["stage"] != t.stage):
            first = all(entry["stage"] != t.stage for entry in self.entries)
            self.entries.append({"stage": t.stage, "first_at": e.at, "visit": place, "first": first, "problems": set()})
        entry = self.entries[-1]
        entry["last_at"] = e.at
        if t.problem is not None:
            entry["problems"].add(t.problem)
        if t.value is not None:
            amount = property_of(e, t.value["from"])
            if isinstance(amount, str):
                try:
                    amount = float(amount)
                except ValueError:
                    amount = None
            if isinstance(amount, (int, float)) and not isinstance(amount, bool):
                self.value, self.currency = amount, t.value.get("currency")
        if t.beside or self.decision is not None:
            return
        if self.version.succeeds(t):
            self.decision = "completed"
        elif self.version.exits(t):
            self.decision, self.reason = "ended", t.id
        else:
            return
        self.decided_at, self.decided_visit = e.at, place

    def outcome(self, as_of):
        if self.decision is not None:
            return self.decision
        return "dropped" if as_of >= self.drops_at else "in_flight"


class Fold:
    def __init__(self, the_map, channels, line_sources):
        self.map, self.channels, self.line_sources = the_map, channels, line_sources

    def run(self, events):
        self.journeys = []
        self.by_key = {}
        self.unmapped = []
        self.fates = []  # (event, fate, exclude rule)
        self.clock = 0
        self.last_visited = {}  # id(journey) -> clock of its last visit
        moments = defaultdict(list)
        for e in events:
            moments[e.at].append(e)
        for at in sorted(moments):
            self._moment(at, moments[at])
        for j in self.journeys:
            first, last = j.entry_at, j.last_at
            j.clean = not any(first <= e.at <= last for e in self.unmapped)
        return self.journeys

    # Which journey would take the event, and so which version judges it.

    def _key(self, e):
        version = self.map.valid_at(e.at)
        return version.key_of(e) if version else None

    def _keyed(self):
        return any(v.journey_key for v in self.map.versions)

    def _taker(self, e):
        """(journey that the event would join, whether it adopts it)"""
        if not self._keyed():
            last = self.journeys[-1] if self.journeys else None
            return (last, False) if last and last.takes(e.at) else (None, False)
        key = self._key(e)
        if key is not None:
            if key in self.by_key:
                j = self.by_key[key]
                return (j, False) if j.decision is None or j.takes(e.at) else (None, False)
            adoptable = [j for j in self.journeys if j.key is None and j.decision is None and j.takes(e.at)]
            return (adoptable[-1], True) if adoptable else (None, False)
        takers = [j for j in self.journeys if j.takes(e.at)]
        undecided = [j for j in takers if j.decision is None]
        return max(undecided or takers, key=lambda j: self.last_visited[id(j)], default=None), False

    def _version(self, e):
        taker, _ = self._taker(e)
        return taker.version if taker else self.map.valid_at(e.at)

    def _touch(self, e):
        version = self._version(e)
        return version.touch(e) if version else (None, None)

    def _outside(self, e):
        """Why a visit is in no journey: how the journey that might have taken it came to its end."""
        key = self._key(e)
        if key is not None:
            last = self.by_key.get(key)
        else:
            last = max(self.journeys, key=lambda j: self.last_visited[id(j)], default=None)
        if last is None:
            return "before_entry"
        return {"completed": "after_goal", "ended": "after_exit", None: "after_drop_off"}[last.decision]

    # Order inside one moment.

    def _next(self, remaining):
        if len(remaining) == 1:
            return remaining[0]
        heads = {}
        for e in remaining:
            t, rule = self._touch(e)
            if t is None or rule is not None:
                continue
            place = (e.seq is not None, e.seq or 0, t.rank, e.id)
            if e.source not in heads or place < heads[e.source][0]:
                heads[e.source] = (place, t.rank, e)
        if not heads:
            return remaining[0]
        source = min(heads, key=lambda s: (heads[s][1], s))
        return heads[source][2]

    def _moment(self, at, events):
        remaining, met = list(events), []
        while remaining:
            e = self._next(remaining)
            remaining.remove(e)
            visited = self._step(e)
            if visited:
                met.append((e, *visited))
        for i, (a, ta, ja) in enumerate(met):
            for b, tb, jb in met[i + 1:]:
                if ta.id != tb.id and self._unsure(a, b):
                    for j in (ja, jb):
                        if j is not None:
                            j.order_ambiguous = True

    def _unsure(self, a, b):
        return a.source != b.source or a.seq == b.seq or a.source in self.line_sources

    # One event.

    def _step(self, e):
        version = self._version(e)
        if version is None:
            self.fates.append((e, "no_version", None))
            return None
        t, rule = version.touch(e)
        if rule is not None:
            self.fates.append((e, "excluded" if t else "excluded_unmapped", rule))
            return None
        if t is None:
            self.unmapped.append(e)
            self.fates.append((e, "unmapped", None))
            return None
        j, adopts = self._taker(e)
        key = self._key(e) if self._keyed() else None
        if j is not None and adopts:
            j.key = key
            self.by_key[key] = j
        if j is None and (t.beside or t.stage not in version.entry or key in self.by_key):
            self.fates.append((e, self._outside(e), None))
            return t, None
        if j is None:
            j = Journey(version, key, e.at)
            j.dims = version.dims_of(e, t, self.channels)
            self.journeys.append(j)
            if key is not None:
                self.by_key[key] = j
        j.join(e, t)
        self.clock += 1
        self.last_visited[id(j)] = self.clock
        self.fates.append((e, "in_journey", None))
        return t, j
