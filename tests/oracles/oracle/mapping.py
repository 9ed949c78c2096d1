"""Journey files. In: the YAML of one version of a map. Out: which touchpoint an event is under it, and the map's windows."""
import re
from urllib.parse import urlsplit

from .text import dig, parse_duration, parse_time, plain

DEFAULT_WINDOW = "P30D"
PLAIN_DIMENSIONS = {"campaign", "device", "segment"}


def _listed(value):
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _wildcard(pattern, star):
    parts = re.split(r"(\*+)", pattern)
    return re.compile("".join(star[min(len(p), 2)] if p.startswith("*") else re.escape(p) for p in parts), re.S)


class Condition:
    def __init__(self, given):
        self.sources = set(_listed(given.get("source")))
        self.names = [_wildcard(str(n), {1: ".*", 2: ".*"}) for n in _listed(given.get("event"))]
        self.paths = [_wildcard(str(p), {1: "[^/]*", 2: ".*"}) for p in _listed(given.get("path"))]
        self.props = {key: {plain(v) for v in _listed(allowed)} for key, allowed in (given.get("props") or {}).items()}

    def holds(self, e):
        if self.sources and e.source not in self.sources:
            return False
        if self.names and not any(n.fullmatch(e.name) for n in self.names):
            return False
        if self.paths:
            path = event_path(e)
            if path is None or not any(p.fullmatch(path) for p in self.paths):
                return False
        return all(plain(dig(e.props, key)) in allowed for key, allowed in self.props.items())


def event_path(e):
    path = e.props.get("path")
    if isinstance(path, str):
        return path
    url = e.props.get("url")
    return (urlsplit(url).path or "/") if isinstance(url, str) else None


class Rule:
    def __init__(self, match):
        self.any = [Condition(c) for c in (match["any"] if "any" in match else [match])]

    def holds(self, e):
        return any(c.holds(e) for c in self.any)


def property_of(e, written):
    return dig(e.props, written.removeprefix("props."))


class Touchpoint:
    def __init__(self, given, stages):
        self.id = given["id"]
        self.stage = given["stage"]
        self.goal = bool(given.get("goal"))
        self.exit = given.get("role") == "exit"
        self.problem = (given.get("problem") or {}).get("id")
        self.beside = self.problem is not None or "from" in (given.get("emotion") or {})
        self.value = given.get("value")
        self.channel_from = given.get("channel_from")
        self.rule = Rule(given["match"])
        self.stage_place = stages.index(self.stage)


class Version:
    """One version of one map."""

    def __init__(self, given):
        self.id = given["id"]
        self.version = given.get("version", 1)
        self.draft = given.get("status", "active") == "draft"
        self.valid_from = parse_time(given["valid_from"]) if given.get("valid_from") else None
        self.time_zone = given.get("time_zone", "UTC")
        self.stages = [s["id"] for s in given["stages"]]
        self.roles = {s["id"]: s.get("role") for s in given["stages"]}
        entry = given.get("entry")
        if entry == "any":
            self.entry = set(self.stages)
        elif entry:
            self.entry = set(_listed(entry))
        else:
            self.entry = {s for s in self.stages if self.roles[s] == "entry"} or {self.stages[0]}
        self.journey_key = given.get("journey_key")
        self.after_goal = parse_duration(given.get("after_goal", "P0D"))
        drop_off = given.get("drop_off") or {}
        self.window_default = parse_duration(drop_off.get("after", DEFAULT_WINDOW))
        by_stage = drop_off.get("by_stage") or {}
        self.windows = {s: parse_duration(by_stage[s]) if s in by_stage else self.window_default for s in self.stages}
        self.maturity = given.get("maturity", 0.95)
        self.dimensions = given.get("dimensions") or []
        self.exclude = [(rule["id"], Rule(rule["match"])) for rule in given.get("exclude") or []]
        self.touchpoints = [Touchpoint(t, self.stages) for t in given["touchpoints"]]
        ranked = sorted(range(len(self.touchpoints)), key=lambda i: (self.touchpoints[i].stage_place, i))
        for rank, i in enumerate(ranked):
            self.touchpoints[i].rank = rank
        self.goal_stages = {t.stage for t in self.touchpoints if t.goal}
        self._candidates = {}

    def touch(self, e):
        """(touchpoint or None, id of the exclude rule that takes the event out or None)"""
        rule = next((name for name, rule in self.exclude if rule.holds(e)), None)
        known = self._candidates.get((e.source, e.name))
        if known is None:
            known = [t for t in self.touchpoints if any(
                (not c.sources or e.source in c.sources) and (not c.names or any(n.fullmatch(e.name) for n in c.names))
                for c in t.rule.any)]
            self._candidates[e.source, e.name] = known
        return next((t for t in known if t.rule.holds(e)), None), rule

    def succeeds(self, t):
        return t.goal or (self.roles[t.stage] == "success" and t.stage not in self.goal_stages)

    def exits(self, t):
        return t.exit or self.roles[t.stage] == "exit"

    def key_of(self, e):
        key = plain(property_of(e, self.journey_key)) if self.journey_key else None
        return key or None

    def dims_of(self, e, t, channels):
        values = []
        for name in self.dimensions:
            if name == "channel":
                value = property_of(e, t.channel_from) if t.channel_from else channels.get(e.source)
            else:
                value = property_of(e, name)
            values.append(plain(value) or "")
        return values


class Map:
    """All versions of one map, oldest first."""

    def __init__(self, files):
        self.versions = sorted((Version(f) for f in files), key=lambda v: v.version)
        self.newest = self.versions[-1]
        self.longest_window = max(max([v.window_default, *v.windows.values()]) for v in self.versions)
        self.mode = "valid"

    def valid_at(self, t):
        if self.mode != "valid":
            return next(v for v in self.versions if v.version == self.mode)
        valid = [v for v in self.versions if not v.draft and (v.valid_from is None or v.valid_from <= t)]
        return max(valid, key=lambda v: (v.valid_from is not None, v.valid_from or 0, v.version), default=None)

    def sources(self):
        """Sources its rules name; None where a rule names none and so takes any."""
        conditions = [c for v in self.versions for t in v.touchpoints for c in t.rule.any]
        if any(not c.sources for c in conditions):
            return None
        return set().union(*(c.sources for c in conditions))
