"""Decoding. In: the config's `decoders` and `sources`, and their files. Out: events, and counts of what was none."""
import csv
import glob
import gzip
import hashlib
import io
import json
import os

from .batch import Event, Source
from .text import EARLIEST, LATEST, canonical, dig, parse_time, plain


def expand(path):
    return os.path.expandvars(path)


class Rejected(Exception):
    """The record cannot become an event."""


def value_from(record, given):
    """What a `column`, `const`, `join` or `lookup` of the config gives for a record."""
    if isinstance(given, str):
        return dig(record, given)
    if "const" in given:
        return given["const"]
    if "join" in given:
        parts = [plain(dig(record, column)) or "" for column in given["join"]]
        return given.get("with", given.get("separator", ":")).join(parts)
    if "lookup" in given:
        found = plain(dig(record, given["from"]))
        return given["lookup"].get(found, given.get("other", found))
    return dig(record, given["from"])


def matches(record, conditions):
    for column, allowed in (conditions or {}).items():
        allowed = allowed if isinstance(allowed, list) else [allowed]
        if plain(dig(record, column)) not in {plain(a) for a in allowed}:
            return False
    return True


def time_from(record, given, zone=None):
    given = {"from": given} if isinstance(given, str) else given
    at = parse_time(dig(record, given["from"]), given.get("format"), given.get("zone", zone))
    if at is None or not EARLIEST <= at < LATEST:
        raise Rejected("no usable time")
    return at


class Decoder:
    """One decoder of one source; `kinds` checks and orders identifiers."""

    def __init__(self, given, source, kinds):
        self.source, self.kinds = source, kinds
        self.segment = given.get("segment") if "segment" in given else None
        self.is_segment = "segment" in given
        self.given = given

    def events(self, record, line, content_id):
        """The events of one record; counts on the source."""
        s = self.source
        s.records += 1
        try:
            found = self._segment(record) if self.is_segment else self._mapping(record, line)
        except Rejected:
            s.rejected += 1
            return []
        if not found:
            s.skipped += 1
        for e in found:
            e["id"] = content_id(e["number"]) if e["id"] in (None, "") else str(e["id"]) + e["number"]
            e["ids"], e["blocked"] = self.kinds.nodes(e["ids"])
            s.blocked += e["blocked"]
            s.decoded += 1
        return [Event(source=s.name, gen=s.generation, **{k: v for k, v in e.items() if k != "number"}) for e in found]

    def _segment(self, r):
        given = self.segment or {}
        anonymous, user = given.get("anonymous", "cookie"), given.get("user", "user")
        at = parse_time(r.get("timestamp") or r.get("originalTimestamp") or r.get("sentAt") or r.get("receivedAt"))
        if at is None or not EARLIEST <= at < LATEST:
            raise Rejected("no usable time")
        call = r.get("type")
        names = {"track": r.get("event"), "page": "page_view", "screen": "screen_view"}
        name = names.get(call, call)
        context = r.get("context") or {}
        traits = r.get("traits") or context.get("traits") or {}
        ids = [(anonymous, r.get("anonymousId")), (user, r.get("userId"))]
        if call == "alias":
            ids.append((user, r.get("previousId")))
        ids += [(kind, traits.get(trait)) for trait, kind in (given.get("traits") or {}).items()]
        props = dict(r.get("properties") or {})
        page = context.get("page") or {}
        for key in ("path", "url", "referrer", "title"):
            if key not in props and page.get(key) is not None:
                props[key] = page[key]
        campaign = (context.get("campaign") or {}).get("name")
        if campaign is not None and "campaign" not in props:
            props["campaign"] = campaign
        if call in ("identify", "group"):
            props = {**traits, **props}
        return [{"id": r.get("messageId"), "number": "", "name": name, "at": at, "seq": None, "rev": None, "ids": ids,
                 "props": props}]

    def _mapping(self, r, line):
        g = self.given
        if not matches(r, g.get("where")):
            return []
        rules = g.get("events")
        numbered = rules is not None
        rules = rules if numbered else [{"name": g["name"], "time": g["time"]}]
        sequence = g.get("sequence")
        if sequence == "line":
            seq = line
        else:
            seq = dig(r, sequence) if sequence else None
            seq = int(seq) if seq not in (None, "") else None
        rev = value_from(r, g["revision"]) if g.get("revision") else None
        ids = [(kind, value_from(r, where)) for kind, where in (g.get("ids") or {}).items()]
        event_id = value_from(r, g["id"]) if g.get("id") else None
        found = []
        for place, rule in enumerate(rules, 1):
            if not matches(r, rule.get("when")):
                continue
            name = plain(value_from(r, rule["name"]))
            if not name:
                raise Rejected("no name")
            found.append({"id": event_id, "number": f"#{place}" if numbered else "", "name": name,
                          "at": time_from(r, rule["time"], g.get("zone")), "seq": seq,
                          "rev": int(rev) if rev not in (None, "") else None, "ids": ids, "props": self._props(r)})
        return found

    def _props(self, r):
        given = self.given.get("props") or {}
        if "keep" in given:
            keep = given["keep"]
            keep = {k: k for k in keep} if isinstance(keep, list) else keep
            props = {name: value_from(r, where) for name, where in keep.items()}
            return {k: v for k, v in props.items() if v is not None}
        skip = set(given.get("skip") or [])
        return {k: v for k, v in r.items() if k not in skip}


def records(path, separator=None):
    """The records of one file: dicts of JSON lines, or of the rows of a delimited file (empty cells left out)."""
    opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
    with opened as raw:
        name = path.removesuffix(".gz")
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
        if separator or name.endswith((".csv", ".tsv")):
            delimiter = separator or ("\t" if name.endswith(".tsv") else ",")
            for row in csv.DictReader(text, delimiter=delimiter):
                yield {k: v for k, v in row.items() if v != ""}
        else:
            for line in text:
                if line.strip():
                    yield json.loads(line)


def read(config, kinds):
    """Every event of every file source of the config."""
    events, sources = [], {}
    for name, given in config["sources"].items():
        decoder = given["decoder"]
        decoder = config["decoders"][decoder] if isinstance(decoder, str) else decoder
        line = not isinstance(decoder.get("segment"), dict) and decoder.get("sequence") == "line"
        observed = parse_time(given["observed_from"]) if given.get("observed_from") else None
        source = sources[name] = Source(name, given.get("generation", 1), given.get("channel"), line, observed)
        d = Decoder(decoder, source, kinds)
        for pattern in given.get("file", {}).get("paths", []):
            for path in sorted(glob.glob(expand(pattern))) or [expand(pattern)]:
                seen = {}
                for number, record in enumerate(records(path, given["file"].get("separator"))):
                    events += d.events(record, number, lambda n, r=record: _content_id(name, r, seen, n))
    return events, sources


def _content_id(source, record, seen, number):
    """An id for a record without one: its content, and how many of the same precede it in the file."""
    text = canonical([source, record, number])
    seen[text] = seen.get(text, -1) + 1
    return hashlib.sha256(f"{text}#{seen[text]}".encode()).hexdigest()[:32] + number
