"""The law by example. In: a file of cases. Out: for each case what the oracle finds different. A check of the oracle."""
from .batch import Batch, Source
from .decode import Decoder
from .mapping import Map
from .people import Kinds
from .text import load_yaml, parse_time

# Cases of parts that the oracle does not read: undo, erasure. The section `conformance` is read by no one here.
OUT_OF_SCOPE = [
    "revoke cancels the statements up to and with its day",
    "forbid cancels all statements for ever",
    "after a revoke a fact that was refused applies",
    "to forget one of two persons of a shared device erases the anonymous events that were hers and gives none to the other",
]


def case_events(case, kinds):
    """The events of a case, through the same decoder that reads files."""
    given_sources = case.get("sources") or {}
    names = list(dict.fromkeys([*given_sources, *(e.get("s", "web") for e in case["events"])]))
    sources, decoders = {}, {}
    for name in names:
        given = given_sources.get(name) or {}
        sources[name] = Source(name, given.get("generation", 1), name, given.get("sequence") == "line")
        decoders[name] = Decoder({
            "id": "id", "revision": "rev", "sequence": given.get("sequence", "seq"), "zone": given.get("zone"),
            "name": "e", "time": "at", "ids": {kind: f"ids.{kind}" for kind in kinds.kinds},
            **{k: given[k] for k in ("where", "events") if k in given},
        }, sources[name], kinds)
    events = []
    for place, e in enumerate(case["events"]):
        e = e if case.get("no_ids") else {"id": str(place), **e}
        for found in decoders[e.get("s", "web")].events(e, place, lambda number, place=place: f"record {place}{number}"):
            found.gen = e.get("gen", found.gen)
            found.props = e.get("props") or {}
            events.append(found)
    return events, sources


def case_map(case, defaults):
    base = {**defaults["map"], **(case.get("map") or {})}
    if "touchpoints" in case:
        base["touchpoints"] = case["touchpoints"]
    return Map([{**base, **version} for version in case.get("versions") or [{}]])


def run_case(case, defaults):
    kinds = Kinds(defaults["kinds"])
    events, sources = case_events(case, kinds)
    batch = Batch(events, sources, kinds, parse_time(case.get("as_of", defaults["as_of"])))
    report = batch.map_report(case_map(case, defaults))
    report.update(batch.identity_report())
    report["customers"] = sorted(c["members"] for c in report["customers"])
    return report


def differences(expected, found, where="", every=False):
    """Only the fields that are named are compared. `every`: all keys of a map of counts."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{where}: expected {expected}, found {found}"]
        out = [d for k, v in expected.items() for d in differences(v, found.get(k), f"{where}.{k}")]
        if every and set(found) - set(expected):
            out.append(f"{where}: unexpected {sorted(set(found) - set(expected))}")
        return out
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        if len(expected) != len(found):
            return [f"{where}: expected {len(expected)}, found {len(found)}"]
        return [d for i, v in enumerate(expected) for d in differences(v, found[i], f"{where}[{i}]")]
    return [] if expected == found else [f"{where}: expected {expected!r}, found {found!r}"]


def check(text):
    """-> list of (name, differences) of the cases in scope"""
    law = load_yaml(text)
    results = []
    for case in law["cases"]:
        if case["name"] in OUT_OF_SCOPE:
            continue
        found = run_case(case, law["defaults"])
        faults = []
        for field, expected in case["expect"].items():
            every = field in ("transitions", "drop_offs", "outside", "excluded")
            got = found[field]
            if field == "journeys" and len(expected) == len(got):
                got = _aligned(expected, got)
            faults += differences(expected, got, field, every)
        results.append((case["name"], faults))
    return results


def _aligned(expected, got):
    """Journeys by customer and attempt, as the cases list them; where a case names none, in order of entry."""
    if all("customer" in e for e in expected):
        return sorted(got, key=lambda j: (j["customer"], j["attempt"]))
    return got
