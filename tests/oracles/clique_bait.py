"""A naive reading of Clique Bait without its visit ids. In: the folder with users.csv and events.csv. Out: lines of words,
`journey USER ATTEMPT OUTCOME SECONDS STAGES…`, `transition FROM TO N`, `stage NAME COUNTS…`. A customer's events are one
journey until 30 minutes of silence, or until a purchase. Reads the two files and nothing else."""

import csv
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta

STAGES = ["browse", "basket", "checkout", "purchase"]
SILENCE = timedelta(minutes=30)
CHECKOUT_PAGE = "12"


def stage_of(row):
    """Page views, baskets and purchases; adverts seen or clicked are no visit."""
    match row["event_type"]:
        case "1":
            return "checkout" if row["page_id"] == CHECKOUT_PAGE else "browse"
        case "2":
            return "basket"
        case "3":
            return "purchase"


def customers(folder):
    """User -> (visits in order, as_of). At one moment the order is the log's own number, then the map's own order."""
    with open(f"{folder}/users.csv", newline="") as file:
        owners = {row["cookie_id"]: row["user_id"] for row in csv.DictReader(file)}
    visits, newest = defaultdict(list), None
    touchpoints = {"checkout": 2, "purchase": 3, "basket": 1, "browse": 0}
    with open(f"{folder}/events.csv", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["event_time"])
            newest = max(newest or at, at)
            stage = stage_of(row)
            if stage:
                place = (at, int(row["sequence_number"]), touchpoints[stage])
                visits[owners[row["cookie_id"]]].append((place, stage))
    return {user: sorted(rows) for user, rows in visits.items()}, newest


def journeys(rows):
    """Cuts a customer's visits: [(stages entered, first, last, completed)]."""
    found, stages, first, last, done = [], [], None, None, False
    for (at, _, _), stage in rows:
        # A visit 30 minutes after the last one still joins; after a purchase only what happened at its very moment.
        joins = stages and (at == last if done else at <= last + SILENCE)
        if not joins:
            if stages:
                found.append((stages, first, last, done))
            stages, first, done = [], at, False
        if not stages or stages[-1] != stage:
            stages.append(stage)
        last = at
        done = done or stage == "purchase"
    return found + [(stages, first, last, done)]


def main(folder):
    visits, as_of = customers(folder)
    transitions, counts = Counter(), {stage: Counter() for stage in STAGES}
    for user in sorted(visits, key=int):
        for attempt, (stages, first, last, done) in enumerate(journeys(visits[user]), 1):
            outcome = "completed" if done else "dropped" if as_of >= last + SILENCE else "in_flight"
            seconds = (last - first) / timedelta(microseconds=1) / 1e6
            print("journey", user, attempt, outcome, f"{seconds:.6f}", *stages)
            path = ["start", *stages, outcome]
            transitions.update(zip(path, path[1:]))
            for stage in set(stages):
                c, rest = counts[stage], stages[stages.index(stage) + 1:]
                later = any(STAGES.index(s) > STAGES.index(stage) for s in rest)
                c["entered"] += 1
                c["entries"] += stages.count(stage)
                c["in_flight" if outcome == "in_flight" else "decided"] += 1
                if outcome != "in_flight":
                    # Who buys has progressed from every stage entered before, and from the purchase itself.
                    c["progressed"] += later or (done and "purchase" in [stage, *rest])
                if outcome == "dropped" and stages[-1] == stage:
                    c["lost_dropped"] += 1
    for (a, b), n in sorted(transitions.items()):
        print("transition", a, b, n)
    for stage in STAGES:
        names = ["entered", "entries", "decided", "progressed", "in_flight", "lost_dropped", "lost_ended"]
        print("stage", stage, *(counts[stage][name] for name in names))


main(sys.argv[1])
