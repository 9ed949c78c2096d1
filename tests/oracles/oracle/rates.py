"""Figures. In: folded journeys of one map and `as_of`. Out: transitions, stages, drop-offs, totals, as plain values."""
from collections import Counter, defaultdict

from .text import day_text, end_of_day, show_time, zone


def nearest_rank(values, percent):
    values = sorted(values)
    return values[-(-percent * len(values) // 100) - 1] if values else None


def ratio(part, whole):
    return part / whole if whole else None


class Figures:
    """`journeys`: pairs of (customer's name, Journey)."""

    def __init__(self, the_map, journeys, as_of, observed_from=None):
        self.map, self.as_of, self.journeys = the_map, as_of, journeys
        self.zone = zone(the_map.newest.time_zone)
        self.keyed = any(v.journey_key for v in the_map.versions)
        self.truncated_before = None if observed_from is None else observed_from + the_map.longest_window
        self._days = {}
        by_date = defaultdict(list)
        for _, j in journeys:
            j.result = j.outcome(as_of)
            by_date[self.day(j.entry_at)].append(j)
        self.by_date = dict(sorted(by_date.items()))
        self.mature_dates = {d for d, js in self.by_date.items() if self._is_mature(d, js)}

    def day(self, t):
        hour = t // 900_000_000  # zones change days at quarters of an hour at the finest
        if hour not in self._days:
            self._days[hour] = day_text(hour * 900_000_000, self.zone)
        return self._days[hour]

    def _is_mature(self, date, journeys):
        if self.as_of < end_of_day(date, self.zone) + self.map.longest_window:
            return False
        decided = sum(j.result != "in_flight" for j in journeys)
        return decided / len(journeys) >= self.map.newest.maturity

    # One journey.

    def steps(self, j):
        """(from, to, event time, whether the journey enters `to` for the first time)"""
        before = "start"
        for entry in j.entries:
            yield before, entry["stage"], entry["first_at"], entry["first"]
            before = entry["stage"]
        yield before, j.result, j.last_at if j.decision is None else j.decided_at, False

    def progressed(self, j, stage):
        first = next(i for i, entry in enumerate(j.entries) if entry["stage"] == stage)
        version = j.version
        place = version.stages.index(stage)
        for entry in j.entries[first + 1:]:
            if version.stages.index(entry["stage"]) > place and version.roles[entry["stage"]] != "exit":
                return True
        return j.decision == "completed" and j.decided_visit >= j.entries[first]["visit"]

    def last_inner_stage(self, j):
        """The last stage entered that is not an exit."""
        inner = [entry["stage"] for entry in j.entries if j.version.roles[entry["stage"]] != "exit"]
        return inner[-1] if inner else None

    def may_still_move(self, j):
        if j.result == "in_flight" or (self.keyed and j.result == "dropped" and j.key is not None):
            return True
        return j.result == "completed" and self.as_of <= j.belongs_until

    def pending(self, j):
        return j.result == "in_flight" or (self.keyed and j.result == "dropped" and j.key is not None)

    # Tables.

    def stage(self, s, journeys, bounds=True):
        entered = [j for j in journeys if any(entry["stage"] == s for entry in j.entries)]
        entries = [(j, i, entry) for j in entered for i, entry in enumerate(j.entries) if entry["stage"] == s]
        results = Counter(j.result for j in entered)
        decided = [j for j in entered if j.result != "in_flight"]
        progressed = [j for j in entered if self.progressed(j, s)]
        progressed_decided = sum(j.result != "in_flight" for j in progressed)
        lost = sum(j.result in ("dropped", "ended") and self.last_inner_stage(j) == s for j in entered)
        is_exit = self.map.newest.roles.get(s) == "exit"
        open_entries = sum(j.result == "in_flight" and i == len(j.entries) - 1 for j, i, _ in entries)
        stays = [(e["last_at"] - e["first_at"]) / 1e6 for j, i, e in entries
                 if not (j.result == "in_flight" and i == len(j.entries) - 1)]
        nexts = [(j.entries[i + 1]["first_at"] - e["first_at"]) / 1e6 for j, i, e in entries if i + 1 < len(j.entries)]
        out = {
            "entered": len(entered), "entries": len(entries), "decided": len(decided),
            "completed": results["completed"], "ended": results["ended"], "dropped": results["dropped"],
            "in_flight": results["in_flight"], "progressed": progressed_decided,
            "progressed_in_flight": len(progressed) - progressed_decided, "lost_here": lost,
            "conversion": None if is_exit else ratio(progressed_decided, len(decided)),
            "drop_off_rate": None if is_exit else ratio(lost, len(decided)),
            "open_entries": open_entries,
            "time_in_stage": self._times(stays), "time_to_next": self._times(nexts),
            "problems": self._problems(s, entered),
        }
        if bounds and not is_exit:
            m = sum(self.may_still_move(j) for j in journeys if not any(e["stage"] == s for e in j.entries))
            waiting = sum(self.pending(j) and not self.progressed(j, s) for j in entered)
            out["bounds"] = [ratio(len(progressed), len(entered) + m),
                             ratio(len(progressed) + waiting + m, len(entered) + m)]
        return out

    @staticmethod
    def _times(seconds):
        return {"n": len(seconds), "p50": nearest_rank(seconds, 50), "p90": nearest_rank(seconds, 90)}

    @staticmethod
    def _problems(s, entered):
        met = Counter()
        for j in entered:
            met.update(set().union(*(e["problems"] for e in j.entries if e["stage"] == s)))
        return {p: {"journeys": n, "share": n / len(entered)} for p, n in sorted(met.items())}

    def overall(self, journeys):
        results = Counter(j.result for j in journeys)
        decided = len(journeys) - results["in_flight"]
        pending = sum(self.pending(j) for j in journeys)
        return {
            "entered": len(journeys), "decided": decided, "completed": results["completed"],
            "ended": results["ended"], "dropped": results["dropped"], "in_flight": results["in_flight"],
            "overall": ratio(results["completed"], decided),
            "bounds": [ratio(results["completed"], len(journeys)), ratio(results["completed"] + pending, len(journeys))],
        }

    def transitions(self, journeys):
        return Counter(f"{a}>{b}" for j in journeys for a, b, _, _ in self.steps(j))

    def shares(self, journeys):
        decided = [j for j in journeys if j.result != "in_flight"]
        entries = Counter(e["stage"] for j in decided for e in j.entries)
        walked = self.transitions(decided)
        pairs = {*walked, *self.transitions(journeys)}
        return {p: walked[p] / entries[p.split(">")[0]] for p in sorted(pairs) if entries[p.split(">")[0]]}

    def journey(self, customer, j):
        return {
            "customer": customer, "key": j.key, "version": j.version.version, "attempt": j.attempt,
            "entry_at": show_time(j.entry_at), "entry_date": self.day(j.entry_at), "last_at": show_time(j.last_at),
            "drops_at": show_time(j.drops_at), "path": [t.id for _, t in j.visits],
            "events": [[e.source, e.id] for e, _ in j.visits], "stages": [e["stage"] for e in j.entries],
            "outcome": j.result, "reason": j.reason, "order_ambiguous": j.order_ambiguous, "value": j.value,
            "currency": j.currency, "clean": j.clean, "dims": j.dims,
            "left_truncated": self.truncated_before is not None and j.entry_at < self.truncated_before,
        }

    def report(self):
        all_journeys = [j for _, j in self.journeys]
        mature = [j for d in self.mature_dates for j in self.by_date[d]]
        dropped = [j for j in all_journeys if j.result == "dropped"]
        out = {
            "overall": self.overall(all_journeys),
            "stages": {s: self.stage(s, all_journeys) for s in self.map.newest.stages},
            "transitions": dict(sorted(self.transitions(all_journeys).items())),
            "shares": self.shares(all_journeys),
            "drop_offs": dict(sorted(Counter(j.stage for j in dropped).items())),
            "drop_off_days": sorted(self.day(j.last_at) for j in dropped),
            "totals": {"immature_dates": len(self.by_date) - len(self.mature_dates),
                       "mature_dates": len(self.mature_dates), "left_out": len(all_journeys) - len(mature)},
            "mature": {**self.overall(mature),
                       "stages": {s: self.stage(s, mature, bounds=False) for s in self.map.newest.stages}},
            "ambiguous_journeys": sum(j.order_ambiguous for j in all_journeys),
            "clean_journeys": sum(j.clean for j in all_journeys),
            "value": self._value(all_journeys),
            "customers_with_journeys": len({c for c, _ in self.journeys}),
            "by_entry_date": {}, "by_dimensions": {},
        }
        for date, journeys in self.by_date.items():
            out["by_entry_date"][date] = {
                **self.overall(journeys), "mature": date in self.mature_dates,
                "transitions": dict(sorted(self.transitions(journeys).items())),
                "stages": {s: self._counts(s, journeys) for s in self.map.newest.stages},
            }
        days = defaultdict(Counter)
        for j in dropped:
            days[self.day(j.last_at)][j.stage] += 1
        out["drop_offs_by_day"] = {d: dict(sorted(c.items())) for d, c in sorted(days.items())}
        if self.map.newest.dimensions:
            cells = defaultdict(list)
            for j in all_journeys:
                cells[tuple(j.dims)].append(j)
            out["by_dimensions"] = {"|".join(k): self.overall(v) for k, v in sorted(cells.items())}
        return out

    def _counts(self, s, journeys):
        row = self.stage(s, journeys)
        return {k: row[k] for k in ("entered", "entries", "decided", "progressed", "lost_here", "in_flight", "bounds")
                if k in row}

    @staticmethod
    def _value(journeys):
        sums = defaultdict(float)
        for j in journeys:
            if j.value is not None:
                sums[j.currency] += j.value
        return {currency: round(total, 6) for currency, total in sums.items()}
