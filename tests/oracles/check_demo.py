"""The demo's tables against the naive oracle, and its stitching against the people the generator knows.

    check_demo.py DATA COMPARISON.json JOURNEYS.jsonl VISITS.jsonl

DATA: the demo's folder. COMPARISON: `tropa compare --format json`. JOURNEYS: v_journeys as JSONEachRow. VISITS: customer,
source and event id of every visit. Prints one line; exit 1 and every difference if there is one.
"""
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

data, comparison, journeys, visits = (Path(a) for a in sys.argv[1:5])
oracle = json.loads(
    subprocess.run(
        [sys.executable, str(Path(__file__).resolve().with_name("tropa_oracle.py")), "--config", "tropa.yaml"],
        check=True, capture_output=True, text=True, cwd=data,
    ).stdout
)
expected = next(iter(oracle["maps"].values()))
found = json.loads(comparison.read_text())
differences = []


def same(what, want, got):
    if want != got:
        differences.append(f"{what}: oracle {want}, tables {got}")


def exact(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def close(what, want, got):
    if (want is None) != (got is None) or (want is not None and abs(want - got) > 1e-9):
        differences.append(f"{what}: oracle {want}, tables {got}")


same("as_of", exact(oracle["as_of"]), exact(found["as_of"]))
population = found["population"]
for key in ("entered", "completed", "ended", "dropped", "in_flight"):
    same(f"overall {key}", expected["overall"][key], population[key])
same("customers with journeys", expected["customers_with_journeys"], population["customers"])
same("order ambiguous", expected["ambiguous_journeys"], population["order_ambiguous"])
same("left out", expected["totals"]["left_out"], population["left_out"])
same("immature dates", expected["totals"]["immature_dates"], population["immature_dates"])
close("overall rate", expected["mature"]["overall"], found["overall"] and found["overall"]["value"])

for line in found["stages"]:
    stage, ripe = expected["stages"][line["stage"]], expected["mature"]["stages"][line["stage"]]
    for key in ("entered", "entries", "progressed", "in_flight", "open_entries"):
        same(f"stage {line['stage']} {key}", stage[key], line[key])
    for key in ("conversion", "drop_off_rate"):
        close(f"stage {line['stage']} {key}", ripe[key], line[key] and line[key]["value"])

walked = {f"{t['from']}>{t['to']}": t["transitions"] for t in found["transitions"] if t["transitions"]}
same("transitions", expected["transitions"], walked)
same("drop-offs", expected["drop_offs"], {k.split(">")[0]: n for k, n in walked.items() if k.endswith(">dropped")})

for line in found["coverage"]:
    want = expected["coverage"][line["source"]]
    for key in ("records", "skipped", "rejected", "decoded", "distinct", "no_identifier", "conflicts", "excluded", "mapped"):
        if key in want:
            same(f"coverage {line['source']} {key}", want[key], line[key])


def moment(text):
    return text.replace(" ", "T").rstrip("Z").split(".")[0]


want = Counter(
    (j["customer"], moment(j["entry_at"]), tuple(j["path"]), tuple(j["stages"]), j["outcome"], j["attempt"], j["reason"] or "")
    for j in expected["journeys"]
)
rows = [json.loads(line) for line in journeys.read_text().splitlines() if line]
got = Counter(
    (j["customer"], moment(j["entry_at"]), tuple(j["touchpoints"]), tuple(j["stages"]), j["outcome"], int(j["attempt"]), j["reason"])
    for j in rows
)
for journey in list((want - got).elements())[:5]:
    differences.append(f"journey only in the oracle: {journey}")
for journey in list((got - want).elements())[:5]:
    differences.append(f"journey only in the tables: {journey}")

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
    differences.append(f"stitching precision {precision:.5f} < 0.999")
print(f"{len(rows)} journeys, {len(differences)} differences; stitching: precision {precision:.5f}, recall {recall:.4f}")
if differences:
    sys.exit("\n".join(differences))
