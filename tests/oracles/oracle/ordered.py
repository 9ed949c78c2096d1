"""Identity where operators have split, revoked and erased. In: events, kinds, orders as they are recorded. Out: what
`People` gives: the customer of every event. Each component of identifiers that facts tie together, however loosely, is
solved by itself, by the letter of `identity.py`."""
from collections import defaultdict
from datetime import date

from identity import solve

from .text import utc_day

CLASSES = ("person", "device", "object")


def days(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def members(orders):
    """Recorded orders -> (revoke, forbid, erasures) as `identity.py` takes them."""
    revoke, forbid, erasures = [], [], []
    for order in orders:
        if order["record"] == "forbid":
            forbid.append({"a": order["a"], "b": order["b"]})
        elif order["record"] == "revoke":
            revoke.append({"a": order["a"], "b": order["b"], "day": days(order["day"])})
        elif order["record"] == "erase":
            erasures.append({"identifiers": order["identifiers"], "until": days(order["until"]), "days": order["days"]})
        else:
            raise ValueError(f"an order that this oracle does not know: {order}")
    return revoke, forbid, erasures


class Inside:
    """Which events an erasure leaves inside the function."""

    def __init__(self, kinds, erasures):
        self.kinds = kinds
        self.named, self.days = defaultdict(list), set()
        for erasure in erasures:
            for node in erasure["identifiers"]:
                self.named[node].append(erasure["until"])
            for node, day in erasure["days"]:
                if day <= erasure["until"]:
                    self.days.add((node, day))

    def holds(self, event):
        day = utc_day(event.at)
        if any(day <= until for node in event.ids for until in self.named.get(node, ())):
            return False
        anonymous = not any(self.kinds.is_person(node) for node in event.ids)
        return not (anonymous and any((node, day) in self.days for node in event.ids))


class Ordered:
    def __init__(self, events, kinds, generations, orders):
        revoke, forbid, erasures = members(orders)
        guards = {
            name: {**{key: kind[key] for key in ("priority", "unique", "limit", "max_partners")}, "class": CLASSES[kind["class"]]}
            for name, kind in kinds.kinds.items()
        }
        parent = {}

        def find(node):
            while parent.setdefault(node, node) != node:
                parent[node] = node = parent[parent[node]]
            return node

        for e in events:
            for other in e.ids:
                parent[find(other)] = find(e.ids[0])
        parts = defaultdict(lambda: ([], set(), []))
        for e in events:
            if not e.ids:
                continue
            day = utc_day(e.at)
            stated, seen, given = parts[find(e.ids[0])]
            for other in e.ids[1:]:
                stated.append({"a": e.ids[0], "b": other, "source": e.source, "generation": e.gen, "day": day,
                               "at": e.at, "event_id": e.id})
            key = (tuple(e.ids), day, e.source, e.gen)
            if key not in seen:
                seen.add(key)
                given.append({"ids": e.ids, "day": day, "source": e.source, "generation": e.gen})
        self.quarantined, self.customers, self._of = set(), {}, {}
        for root, (stated, _, given) in parts.items():
            here = lambda node: node in parent and find(node) == root
            kept = {}
            for fact in stated:
                key = (fact["a"], fact["b"], fact["source"], fact["generation"], fact["day"])
                if key not in kept or (fact["at"], fact["event_id"]) < (kept[key]["at"], kept[key]["event_id"]):
                    kept[key] = fact
            answer = solve({
                "kinds": guards, "sources": generations, "facts": list(kept.values()), "events": given, "horizon": None,
                "revoke": [r for r in revoke if here(r["a"]) or here(r["b"])],
                "forbid": [f for f in forbid if here(f["a"]) or here(f["b"])],
                "erasures": [e for e in erasures if any(map(here, e["identifiers"])) or any(here(n) for n, _ in e["days"])],
            })
            self.quarantined.update(answer["quarantined"])
            self.customers.update(answer["customers"])
            for event, customer in zip(given, answer["events"]):
                self._of[tuple(event["ids"]), event["day"], event["source"], event["generation"]] = customer

    def set_of_event(self, e):
        return self._of.get((tuple(e.ids), utc_day(e.at), e.source, e.gen))

    @staticmethod
    def name(customer):
        return customer
