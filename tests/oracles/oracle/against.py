"""What the service says beside what the oracle says. In: a map's report, `tropa compare --format json`, rows of v_journeys.
Out: every difference, as text."""
from collections import Counter
from datetime import datetime


def exact(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def moment(text):
    return text.replace(" ", "T").rstrip("Z").split(".")[0]


def differences(expected, as_of, found, rows):
    out = []

    def same(what, want, got):
        if want != got:
            out.append(f"{what}: oracle {want}, tables {got}")

    def close(what, want, got):
        if (want is None) != (got is None) or (want is not None and abs(want - got) > 1e-9):
            out.append(f"{what}: oracle {want}, tables {got}")

    same("as_of", exact(as_of), exact(found["as_of"]))
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

    want = Counter(
        (j["customer"], moment(j["entry_at"]), tuple(j["path"]), tuple(j["stages"]), j["outcome"], j["attempt"], j["reason"] or "")
        for j in expected["journeys"]
    )
    got = Counter(
        (j["customer"], moment(j["entry_at"]), tuple(j["touchpoints"]), tuple(j["stages"]), j["outcome"], int(j["attempt"]), j["reason"])
        for j in rows
    )
    for journey in list((want - got).elements())[:5]:
        out.append(f"journey only in the oracle: {journey}")
    for journey in list((got - want).elements())[:5]:
        out.append(f"journey only in the tables: {journey}")
    return out
