"""Identity. In: events and the kinds of identifiers. Out: the customer of every event. One batch, facts in their order."""
from collections import defaultdict

from .text import utc_day

DEFAULT_BLOCKED = {"", "0", "-1", "null", "none", "undefined", "nan", "guest", "anonymous", "[object object]",
                   "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"}


class Kinds:
    """The declared kinds, with defaults filled in."""

    def __init__(self, declared):
        self.kinds = {}
        for place, (name, given) in enumerate(declared.items()):
            given = given or {}
            cls = given.get("class", "person")
            self.kinds[name] = {
                "class": {"person": 0, "device": 1, "object": 2}[cls],
                "priority": given.get("priority", 1000 + place),
                "unique": bool(given.get("unique")),
                "limit": given.get("limit", 1000),
                "max_partners": given.get("max_partners", 50 if cls == "device" else 1000),
                "normalise": given.get("normalise", "trim"),
                "blocked": DEFAULT_BLOCKED | {str(b).strip().lower() for b in given.get("blocklist", [])},
            }

    def of(self, node):
        return self.kinds[node.split(":", 1)[0]]

    def is_person(self, node):
        return self.of(node)["class"] == 0

    def strength(self, node):
        kind = self.of(node)
        return (kind["class"], kind["priority"], node)

    def nodes(self, pairs):
        """(kind, value) pairs -> (distinct nodes, strongest first; how many the blocklist took out)."""
        nodes, blocked = set(), 0
        for name, value in pairs:
            if value is None:
                continue
            kind, text = self.kinds[name], str(value).strip()
            if kind["normalise"] == "lower":
                text = text.lower()
            if kind["normalise"] == "digits":
                text = "".join(c for c in text if c.isdigit())
            if text.lower() in kind["blocked"]:
                blocked += 1
            else:
                nodes.add(f"{name}:{text}")
        return sorted(nodes, key=self.strength), blocked


class _Sets:
    """Disjoint sets of nodes that count their values per kind and keep the guards."""

    def __init__(self, kinds):
        self.kinds, self.parent, self.members = kinds, {}, {}

    def find(self, node):
        if node not in self.parent:
            self.parent[node] = node
            self.members[node] = {node}
        while self.parent[node] != node:
            node = self.parent[node]
        return node

    def allowed(self, a, b):
        count = defaultdict(int)
        for node in self.members[a] | self.members[b]:
            count[node.split(":", 1)[0]] += 1
        for name, n in count.items():
            kind = self.kinds.kinds[name]
            if n > kind["limit"] or (kind["unique"] and n > 1):
                return False
        return True

    def join(self, a, b):
        """True when a and b are one set afterwards, False when a guard refuses."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        if not self.allowed(a, b):
            return False
        if len(self.members[a]) < len(self.members[b]):
            a, b = b, a
        self.parent[b] = a
        self.members[a] |= self.members.pop(b)
        return True


class People:
    def __init__(self, events, kinds):
        self.kinds = kinds
        facts = {}
        for e in events:
            for other in e.ids[1:]:
                key = (e.ids[0], other, e.source, utc_day(e.at))
                statement = (e.at, e.source, e.id, e.ids[0], other)
                if key not in facts or statement < facts[key]:
                    facts[key] = statement
        # A fact is (occurred_at, source, event_id, a, b): the order in which facts count.
        facts = sorted(facts.values())
        partners = defaultdict(set)
        for *_, a, b in facts:
            partners[a].add(b)
            partners[b].add(a)
        self.quarantined = {n for n, p in partners.items() if len(p) > kinds.of(n)["max_partners"]}
        self.facts = [f for f in facts if f[3] not in self.quarantined and f[4] not in self.quarantined]
        self.refused, self.refused_pairs = 0, set()
        self._first_fact = {}
        for f in self.facts:
            for node in f[3:]:
                self._first_fact.setdefault(node, f)
        self._join()

    def _join(self):
        kinds = self.kinds
        persons_of = [sum(kinds.is_person(n) for n in f[3:]) for f in self.facts]
        sets = self.sets = _Sets(kinds)
        for wanted in (2, 0):  # persons with persons, then devices with devices
            for fact, persons in zip(self.facts, persons_of):
                if persons == wanted and not sets.join(*fact[3:]):
                    self._refuse(fact)
        self.linked = defaultdict(set)  # device group -> persons linked to it
        self.named = defaultdict(set)  # (device group, UTC day) -> persons named on it
        links = []
        for fact, persons in zip(self.facts, persons_of):
            if persons == 1:
                person, device = sorted(fact[3:], key=kinds.strength)
                person, group = sets.find(person), sets.find(device)
                self.linked[group].add(person)
                self.named[group, utc_day(fact[0])].add(person)
                links.append((fact, person, group))
        self.shared = {group for group, persons in self.linked.items() if len(persons) > 1}
        # Groups and persons keep the names they had before devices joined: `linked` is about those.
        self.group_of = {n: sets.find(n) for n in list(sets.parent) if not kinds.is_person(n)}
        for fact, person, group in links:
            if group not in self.shared and not sets.join(person, group):
                self._refuse(fact)
        self._names = {}

    def _refuse(self, fact):
        self.refused += 1
        self.refused_pairs.add(fact[3:])

    def set_of_event(self, e):
        """The set (its root) that an event belongs to, or None."""
        node = next((n for n in e.ids if n not in self.quarantined), None)
        if node is None:
            return None
        group = self.group_of.get(node)
        if group in self.shared:
            named = self.named.get((group, utc_day(e.at)), ())
            if len(named) == 1:
                return self.sets.find(next(iter(named)))
        return self.sets.find(node)

    def members(self, root):
        return sorted(self.sets.members[root])

    def name(self, root):
        """Highest priority, then earliest fact, then least value."""
        if root not in self._names:
            def key(node):
                kind = self.kinds.of(node)
                first = self._first_fact.get(node)
                return (kind["class"], kind["priority"], first is None, first or (), node)
            self._names[root] = min(self.sets.members[root], key=key)
        return self._names[root]
