"""Identity by the letter of semantics.md, as one global computation over all facts. Knows nothing of the Rust code.

In: JSON lines, one case a line: kinds {name: {class, priority, unique, limit, max_partners}}, sources {name: generation},
facts [{a, b, source, generation, day, at, event_id}], events [{ids: strongest first, day, source, generation}], revoke
[{a, b, day}], forbid [{a, b}], erasures [{identifiers, until, days: [[device, day]]}], horizon (a day, or null).
Out: JSON lines: customers {name: [members]}, quarantined [identifier], refused [[a, b, source, day, event_id]],
events [customer or null].
Naive on purpose: sets are copied, guards are counted anew for every fact.
"""

import json
import sys


def solve(case):
    kinds, generations = case["kinds"], case["sources"]

    def kind(node):
        return kinds.get(node.split(":", 1)[0])

    def person(node):
        return kind(node)["class"] == "person"

    def identifier(node):
        return kind(node) is not None and kind(node)["class"] in ("person", "device")

    horizon, erasures = case["horizon"], case["erasures"]
    split = [{f["a"], f["b"]} for f in case["forbid"] if f["a"] != f["b"]]

    def erased(fact):
        return any(end in e["identifiers"] and fact["day"] <= e["until"] for e in erasures for end in (fact["a"], fact["b"]))

    def revoked(fact):
        ends = {fact["a"], fact["b"]}
        return any({r["a"], r["b"]} == ends and fact["day"] <= r["day"] for r in case["revoke"])

    def forbidden(fact):
        return {fact["a"], fact["b"]} in split

    def outside(event):
        ids, day = event["ids"], event["day"]
        if horizon is not None and day < horizon:
            return True
        anonymous = not any(kind(i)["class"] == "person" for i in ids)
        return any(
            any(i in e["identifiers"] for i in ids) and day <= e["until"]
            or anonymous and any([i, day] in e["days"] for i in ids)
            for e in erasures
        )

    # Facts are kept per (a, b, source, generation, day), the earliest statement; an older generation is outside. What an
    # erasure covers says nothing of who is there; what is revoked does.
    kept, nodes = {}, set()
    for event in case["events"]:
        if event["generation"] >= generations[event["source"]] and not outside(event):
            nodes |= {node for node in event["ids"] if identifier(node)}
    for fact in case["facts"]:
        if fact["generation"] < generations[fact["source"]]:
            continue
        if not identifier(fact["a"]) or not identifier(fact["b"]) or fact["a"] == fact["b"]:
            continue
        if not erased(fact):
            nodes |= {fact["a"], fact["b"]}
        key = (fact["a"], fact["b"], fact["source"], fact["generation"], fact["day"])
        if key not in kept or (fact["at"], fact["event_id"]) < (kept[key]["at"], kept[key]["event_id"]):
            kept[key] = fact
    counting = [fact for fact in kept.values() if not revoked(fact)]

    # Quarantine: distinct partners over live facts; an erased identifier still counts as one.
    partners = {}
    for fact in counting:
        partners.setdefault(fact["a"], set()).add(fact["b"])
        partners.setdefault(fact["b"], set()).add(fact["a"])
    quarantined = {node for node, who in partners.items() if len(who) > kind(node)["max_partners"]}
    counting = [fact for fact in counting if fact["a"] not in quarantined and fact["b"] not in quarantined]
    # Erased facts join nothing, and link a person to a device all the same.
    facts = sorted((fact for fact in counting if not erased(fact)), key=order)
    ghosts = [fact for fact in counting if erased(fact)]

    def allowed(members):
        for name, guard in kinds.items():
            n = sum(1 for member in members if member.split(":", 1)[0] == name)
            if n > 1 and guard["unique"] or n > guard["limit"]:
                return False
        return not any(pair <= members for pair in split)

    refused = []
    everyone = nodes | {end for fact in counting for end in (fact["a"], fact["b"])}
    group = {node: frozenset([node]) for node in everyone - quarantined}

    def join(x, y, fact):
        if x == y:
            return
        if not allowed(x | y):
            refused.append(fact)
            return
        for member in x | y:
            group[member] = x | y

    # Persons first; devices that are joined to each other are one device.
    for fact in facts:
        if forbidden(fact):
            refused.append(fact)
        elif person(fact["a"]) == person(fact["b"]):
            join(group[fact["a"]], group[fact["b"]], fact)

    # A device linked to two or more persons is shared and joins none; linked counts refused and erased facts too, but
    # none whose ends `forbid` names.
    persons = dict(group)
    linked = {}
    across = []
    for fact in facts + ghosts:
        if person(fact["a"]) != person(fact["b"]) and not forbidden(fact):
            p, d = (fact["a"], fact["b"]) if person(fact["a"]) else (fact["b"], fact["a"])
            linked.setdefault(persons[d], set()).add(persons[p])
            across.append((p, d, fact))
    shared = {device for device, who in linked.items() if len(who) > 1}
    for p, d, fact in across:
        if persons[d] not in shared and not erased(fact):
            join(group[p], group[d], fact)

    def name(members):
        def rank(node):
            own = [order(fact) for fact in facts if node in (fact["a"], fact["b"])]
            return (kind(node)["priority"], 0 if own else 1, min(own) if own else (), node)

        return min(members, key=rank)

    names = {members: name(members) for members in {group[node] for node in nodes - quarantined}}

    def customer(event):
        if outside(event):
            return None
        for node in event["ids"]:
            if not identifier(node) or node in quarantined:
                continue
            if node not in nodes:
                return node
            if group[node] in shared:
                day = [(persons[p], fact) for p, d, fact in across if persons[d] == group[node] and fact["day"] == event["day"]]
                named = {p for p, fact in day}
                if len(named) == 1 and not all(erased(fact) for p, fact in day):
                    return names[group[next(iter(next(iter(named))))]]
            return names[group[node]]
        return None

    return {
        "customers": {names[members]: sorted(members) for members in names},
        "quarantined": sorted(quarantined & nodes),
        "refused": [[f["a"], f["b"], f["source"], f["day"], f["event_id"]] for f in sorted(refused, key=order)],
        "events": [customer(event) for event in case["events"]],
    }


def order(fact):
    return (fact["at"], fact["source"], fact["event_id"], fact["a"], fact["b"], fact["generation"])


if __name__ == "__main__":
    for line in sys.stdin.readlines():
        print(json.dumps(solve(json.loads(line)), sort_keys=True))
