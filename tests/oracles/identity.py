"""Identity by the letter of semantics.md, as one global computation over all facts. Knows nothing of the Rust code.

In: JSON lines, one case a line: kinds {name: {class, priority, unique, limit, max_partners}}, sources {name: generation},
facts [{a, b, source, generation, day, at, event_id}], nodes [identifier], events [{ids: strongest first, day}].
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

    # Facts are kept per (a, b, source, generation, day), the earliest statement; an older generation is outside.
    kept = {}
    nodes = {node for node in case["nodes"] if identifier(node)}
    for fact in case["facts"]:
        if fact["generation"] < generations[fact["source"]]:
            continue
        nodes |= {end for end in (fact["a"], fact["b"]) if identifier(end)}
        if not identifier(fact["a"]) or not identifier(fact["b"]) or fact["a"] == fact["b"]:
            continue
        key = (fact["a"], fact["b"], fact["source"], fact["generation"], fact["day"])
        if key not in kept or (fact["at"], fact["event_id"]) < (kept[key]["at"], kept[key]["event_id"]):
            kept[key] = fact
    live = sorted(kept.values(), key=order)

    # Quarantine: distinct partners over live facts.
    partners = {node: set() for node in nodes}
    for fact in live:
        partners[fact["a"]].add(fact["b"])
        partners[fact["b"]].add(fact["a"])
    quarantined = {node for node in nodes if len(partners[node]) > kind(node)["max_partners"]}
    facts = [fact for fact in live if fact["a"] not in quarantined and fact["b"] not in quarantined]

    def allowed(members):
        for name, guard in kinds.items():
            n = sum(1 for member in members if member.split(":", 1)[0] == name)
            if n > 1 and guard["unique"] or n > guard["limit"]:
                return False
        return True

    refused = []
    group = {node: frozenset([node]) for node in nodes - quarantined}

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
        if person(fact["a"]) == person(fact["b"]):
            join(group[fact["a"]], group[fact["b"]], fact)

    # A device linked to two or more persons is shared and joins none; linked counts refused facts too.
    persons = dict(group)
    linked = {}
    across = []
    for fact in facts:
        if person(fact["a"]) != person(fact["b"]):
            p, d = (fact["a"], fact["b"]) if person(fact["a"]) else (fact["b"], fact["a"])
            linked.setdefault(persons[d], set()).add(persons[p])
            across.append((p, d, fact))
    shared = {device for device, who in linked.items() if len(who) > 1}
    for p, d, fact in across:
        if persons[d] not in shared:
            join(group[p], group[d], fact)

    def name(members):
        def rank(node):
            own = [order(fact) for fact in facts if node in (fact["a"], fact["b"])]
            return (kind(node)["priority"], 0 if own else 1, min(own) if own else (), node)

        return min(members, key=rank)

    names = {members: name(members) for members in set(group.values())}

    def customer(event):
        for node in event["ids"]:
            if not identifier(node) or node in quarantined:
                continue
            if node not in group:
                return node
            if group[node] in shared:
                named = {persons[p] for p, d, fact in across if persons[d] == group[node] and fact["day"] == event["day"]}
                if len(named) == 1:
                    return names[group[next(iter(next(iter(named))))]]
            return names[group[node]]
        return None

    return {
        "customers": {names[members]: sorted(members) for members in names},
        "quarantined": sorted(quarantined),
        "refused": [[f["a"], f["b"], f["source"], f["day"], f["event_id"]] for f in sorted(refused, key=order)],
        "events": [customer(event) for event in case["events"]],
    }


def order(fact):
    return (fact["at"], fact["source"], fact["event_id"], fact["a"], fact["b"], fact["generation"])


if __name__ == "__main__":
    for line in sys.stdin.readlines():
        print(json.dumps(solve(json.loads(line)), sort_keys=True))
