"""A store that has lived through something against the naive oracle: who is who, every event, every journey, every count.

    check_store.py CONFIG FOLDER

CONFIG: a config whose file sources hold all records. FOLDER: what the store says: orders, journeys, visits, events, identity
and letters as JSON lines, `tropa compare --format json` as comparison.json. Prints one line; exit 1 and the differences if
there is one.
"""
import json
import os
import sys
from collections import Counter
from pathlib import Path

from oracle.against import differences
from oracle.batch import Batch
from oracle.decode import read
from oracle.mapping import Map
from oracle.ordered import Inside, Ordered, members
from oracle.people import Kinds
from oracle.text import load_yaml, parse_time, show_time

config_file, folder = (Path(a).resolve() for a in sys.argv[1:3])
found = json.loads((folder / "comparison.json").read_text())


def lines(name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines() if line]


os.chdir(config_file.parent)
config = load_yaml(config_file.read_text())
kinds = Kinds(config["identifiers"]["kinds"])
events, sources = read(config, kinds)
orders = [json.loads(row["what"]) for row in lines("orders")]
as_of = parse_time(found["as_of"])
out = []
if as_of < max(e.at for e in events if e.at < 4_000_000_000_000_000):
    out.append(f"as_of {found['as_of']} is before the newest event")

people = Ordered(events, kinds, {s.name: s.generation for s in sources.values()}, orders)
inside = Inside(kinds, members(orders)[2])
kept = [e for e in events if inside.holds(e)]
batch = Batch(kept, sources, kinds, as_of, people=people)
report = batch.map_report(Map([load_yaml(Path(config["maps"][0]).read_text())]))
rows = lines("journeys")
out += differences(report, show_time(as_of), found, rows)


def compare(what, want, got):
    """Two lists, as often as each row stands there."""
    want, got = Counter(want), Counter(got)
    for name, only in (("the oracle", want - got), ("the tables", got - want)):
        if only:
            out.append(f"{what}: {only.total()} rows only in {name}, such as {list(only)[:3]}")


compare("events", {(e.source, e.id) for e in kept}, {(r["source"], r["event_id"]) for r in lines("events")})
compare(
    "identity",
    [(node, name) for name, nodes in people.customers.items() for node in nodes],
    [(r["node"], r["customer"]) for r in lines("identity")],
)
given = {(people.set_of_event(e), e.source, e.id) for e in kept}
strange = [v for v in lines("visits") if (v["customer"], v["source"], v["event_id"]) not in given]
if strange:
    out.append(f"visits: {len(strange)} of nobody, such as {strange[:3]}")
compare("dead letters", [s.rejected for s in sources.values() if s.rejected], [len(lines("letters"))] if lines("letters") else [])
print(f"{len(rows)} journeys of {len(people.customers)} customers and {len(kept)} deliveries beside {len(orders)} orders, {len(out)} differences")
if out:
    sys.exit("\n".join(out))
