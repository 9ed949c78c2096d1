"""The demo's tables against the naive oracle, and its stitching against the people the generator knows.

    check_demo.py DATA COMPARISON.json JOURNEYS.jsonl VISITS.jsonl

DATA: the demo's folder. COMPARISON: `tropa compare --format json`. JOURNEYS: v_journeys as JSONEachRow. VISITS: customer,
source and event id of every visit. Prints one line; exit 1 and every difference if there is one.
"""
import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from oracle.against import differences

data, comparison, journeys, visits = (Path(a) for a in sys.argv[1:5])
oracle = json.loads(
    subprocess.run(
        [sys.executable, str(Path(__file__).resolve().with_name("tropa_oracle.py")), "--config", "tropa.yaml"],
        check=True, capture_output=True, text=True, cwd=data,
    ).stdout
)
expected = next(iter(oracle["maps"].values()))
found = json.loads(comparison.read_text())
rows = [json.loads(line) for line in journeys.read_text().splitlines() if line]
found_wrong = differences(expected, oracle["as_of"], found, rows)

# Stitching: pairs of visits given to one customer, against the humans behind them.
human = {}
for line in (data / "truth.tsv").read_text().splitlines():
    side, event, person = line.split("\t")
    human[side, event] = person
given = defaultdict(list)
for line in visits.read_text().splitlines():
    if line:
        v = json.loads(line)
        given[v["customer"]].append(human[v["source"], v["event_id"]])


def pairs(n):
    return n * (n - 1) // 2


stitched = sum(pairs(len(v)) for v in given.values())
right = sum(pairs(n) for v in given.values() for n in Counter(v).values())
true = sum(pairs(n) for n in Counter(h for v in given.values() for h in v).values())
precision, recall = right / stitched, right / true
if precision < 0.999:
    found_wrong.append(f"stitching precision {precision:.5f} < 0.999")
print(f"{len(rows)} journeys, {len(found_wrong)} differences; stitching: precision {precision:.5f}, recall {recall:.4f}")
if found_wrong:
    sys.exit("\n".join(found_wrong))
