"""A naive reading of BPI Challenge 2012. In: the path of bpic2012.csv.gz. Out: lines of words, `arc FROM TO N`,
`stage NAME COUNTS…`, `outcome NAME LAST_STAGE N`. Reads the log and nothing else: what the two maps of the example say is
written here once more, by hand."""

import csv
import gzip
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta

STAGES = ["submitted", "preaccepted", "accepted", "finalized", "approved", "declined", "cancelled"]
SUCCESS, EXITS = "approved", {"declined", "cancelled"}
SILENCE = timedelta(days=365)


def cases(path):
    """Case -> [(moment, activity)] of completed A_ and O_ activities, by moment and then by line of the file."""
    found = defaultdict(list)
    newest = None
    with gzip.open(path, "rt", newline="") as file:
        for line, row in enumerate(csv.DictReader(file)):
            if row["lifecycle:transition"] != "COMPLETE":
                continue
            at = datetime.fromisoformat(row["time:timestamp"])
            newest = max(newest or at, at)
            if row["concept:name"][:2] in ("A_", "O_"):
                found[row["case:concept:name"]].append((at, line, row["concept:name"].lower()))
    return {case: [(at, name) for at, _, name in sorted(rows)] for case, rows in found.items()}, newest


def arcs(log):
    """Every consecutive pair of different activities; a case never splits, because nothing but its own id parts it."""
    pairs = Counter()
    for rows in log.values():
        for (_, a), (_, b) in zip(rows, rows[1:]):
            if a != b:
                pairs[a, b] += 1
    return pairs


def journey(rows):
    """The stages a case enters until it is decided, when it was last seen, and what decided it; None: it never began."""
    entered, decided, last = [], None, None
    for at, name in rows:
        stage = name.removeprefix("a_")
        if not name.startswith("a_") or stage not in STAGES:
            continue
        if not entered and stage != "submitted":
            continue
        # After the success only what happened at the very same moment still belongs; after an exit nothing does.
        if decided == "ended" or (decided == "completed" and at > last):
            continue
        if not entered or entered[-1] != stage:
            entered.append(stage)
        last = at
        if decided is None and stage == SUCCESS:
            decided = "completed"
        elif decided is None and stage in EXITS:
            decided = "ended"
    return (entered, last, decided) if entered else None


def main(path):
    log, as_of = cases(path)
    for (a, b), n in sorted(arcs(log).items()):
        print("arc", a, b, n)
    counts = {stage: Counter() for stage in STAGES}
    outcomes = Counter()
    for entered, last, decided in filter(None, map(journey, log.values())):
        outcome = decided or ("dropped" if as_of >= last + SILENCE else "in_flight")
        outcomes[outcome, entered[-1]] += 1
        stays = [stage for stage in entered if stage not in EXITS]
        for stage in set(entered):
            c, first = counts[stage], entered.index(stage)
            rest = entered[first + 1:]
            went_on = any(STAGES.index(s) > STAGES.index(stage) and s not in EXITS for s in rest)
            went_on = went_on or (decided == "completed" and SUCCESS in entered[first:])
            c["entered"] += 1
            c["entries"] += entered.count(stage)
            c["in_flight" if outcome == "in_flight" else "decided"] += 1
            if outcome != "in_flight":
                c["progressed"] += went_on
            if stays[-1] == stage and outcome in ("dropped", "ended"):
                c["lost_" + outcome] += 1
    for stage in STAGES:
        names = ["entered", "entries", "decided", "progressed", "in_flight", "lost_dropped", "lost_ended"]
        print("stage", stage, *(counts[stage][name] for name in names))
    for (outcome, stage), n in sorted(outcomes.items()):
        print("outcome", outcome, stage, n)


main(sys.argv[1])
