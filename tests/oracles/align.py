"""PM4Py in a process of its own. In: a command and JSON on standard input. Out: JSON on standard output.

costs      [{net, end, traces}] -> [[cost of each trace's optimal alignment]]; net: name of a hand-written one, or PNML
languages  [{hand, pnml, length}] -> [[words that only one of the two has]], by end
precision  [{pnml, log: [[trace, times]]}] -> [ETC precision]
arcs       path of bpic2012.csv.gz -> {"FROM TO": times}, PM4Py's directly-follows graph of A_ and O_
bench      {nets, traces, seconds} -> seconds per trace of PM4Py's alignment variants"""

import json
import sys
import tempfile
import time

import pm4py
from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
from pm4py.algo.evaluation.precision import algorithm as precision
from pm4py.objects.log.obj import Event, EventLog, Trace
from pm4py.objects.petri_net.importer import importer
from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

import designed_nets

HAND = designed_nets.nets()
VARIANTS = alignments.Variants


def trace(path, name="0"):
    made = Trace([Event({"concept:name": label}) for label in path])
    made.attributes["concept:name"] = name
    return made


def read(pnml):
    """The net, its initial marking, and the final marking of each end, whose place is named after it."""
    with tempfile.NamedTemporaryFile("w", suffix=".pnml") as file:
        file.write(pnml)
        file.flush()
        net, initial, _ = importer.apply(file.name)
    names = {p: p.properties.get("place_name_tag", p.name) for p in net.places}
    ends = [p for p in net.places if p.name.startswith("end_")]
    return net, initial, {names[p]: Marking({p: 1}) for p in ends}


def net_of(given):
    return HAND[given] if given in HAND else read(given)


def cost(path, net, initial, final, variant=VARIANTS.VERSION_STATE_EQUATION_A_STAR):
    found = alignments.apply_trace(trace(path), net, initial, final, variant=variant)
    return None if found is None else int(found["cost"]) // 10_000


def costs(asked):
    out = []
    for item in asked:
        net, initial, finals = net_of(item["net"])
        out.append([cost(path, net, initial, finals[item["end"]]) for path in item["traces"]])
    return out


def firing(net, marking):
    for t in net.transitions:
        if all(marking[a.source] >= 1 for a in t.in_arcs):
            after = Marking(marking)
            for a in t.in_arcs:
                after[a.source] -= 1
                if after[a.source] == 0:
                    del after[a.source]
            for a in t.out_arcs:
                after[a.target] += 1
            yield t.label, after


def language(net, initial, final, length):
    """Every word up to a length, letter by letter over sets of markings closed under silent steps."""
    def key(m):
        return tuple(sorted((p.name, n) for p, n in m.items()))

    cache = {}

    def steps(m):
        k = key(m)
        if k not in cache:
            cache[k] = list(firing(net, m))
        return cache[k]

    def close(markings):
        seen = {key(m): m for m in markings}
        todo = list(seen.values())
        while todo:
            for label, after in steps(todo.pop()):
                if label is None and key(after) not in seen:
                    seen[key(after)] = after
                    todo.append(after)
        return seen

    # Words that lead to the same markings go on alike: how many there are, and a fingerprint, by length.
    known = {}

    def words(markings, left):
        state = (frozenset(markings), left)
        if state in known:
            return known[state]
        out = {()} if key(final) in markings else set()
        if left:
            by_label = {}
            for m in markings.values():
                for label, after in steps(m):
                    if label is not None:
                        by_label.setdefault(label, []).append(after)
            for label, after in by_label.items():
                out |= {(label, *rest) for rest in words(close(after), left - 1)}
        known[state] = out
        return out

    return words(close([initial]), length)


def languages(asked):
    out = []
    for item in asked:
        net, initial, finals = HAND[item["hand"]]
        other, begin, ends = read(item["pnml"])
        assert set(finals) == set(ends), f"{set(finals)} and {set(ends)}"
        differ, n = [], 0
        for end in finals:
            mine = language(net, initial, finals[end], item["length"])
            theirs = language(other, begin, ends[end], item["length"])
            differ += [[end, *word] for word in sorted(mine ^ theirs)[:3]]
            n += len(mine)
        out.append({"differ": differ, "words": n})
    return out


def etc(asked):
    out = []
    for item in asked:
        net, initial, finals = read(item["pnml"])
        end = PetriNet.Place("over")
        net.places.add(end)
        for place in [p for p in net.places if p.name.startswith("end_")]:
            silent = PetriNet.Transition(f"over_{place.name}", None)
            net.transitions.add(silent)
            add_arc_from_to(place, silent, net)
            add_arc_from_to(silent, end, net)
        log = EventLog([trace(path, f"{i} {k}") for i, (path, n) in enumerate(item["log"]) for k in range(n)])
        parameters = {"show_progress_bar": False}
        variant = precision.Variants.ALIGN_ETCONFORMANCE
        out.append(precision.apply(log, net, initial, Marking({end: 1}), variant=variant, parameters=parameters))
    return out


def arcs(path):
    import pandas

    log = pandas.read_csv(path, dtype=str)
    log = log[(log["lifecycle:transition"] == "COMPLETE") & log["concept:name"].str[:2].isin(["A_", "O_"])]
    log["time:timestamp"] = pandas.to_datetime(log["time:timestamp"], utc=True, format="ISO8601")
    # Ties in our order: the line of the file.
    log = log.sort_values(["case:concept:name", "time:timestamp"], kind="stable")
    graph, _, _ = pm4py.discover_dfg(log)
    return {f"{a.lower()} {b.lower()}": int(n) for (a, b), n in graph.items()}


def bench(asked):
    """Each variant on the same traces in the same order, until its seconds are over."""
    names = [
        "VERSION_STATE_EQUATION_A_STAR",
        "VERSION_DIJKSTRA_NO_HEURISTICS",
        "VERSION_DIJKSTRA_LESS_MEMORY",
    ]
    out = {}
    for name in names:
        spent, done = 0.0, 0
        for item in asked["items"]:
            net, initial, finals = net_of(item["net"])
            before = time.perf_counter()
            for path in item["traces"]:
                if time.perf_counter() - before > asked["seconds"]:
                    break
                cost(path, net, initial, finals[item["end"]], VARIANTS[name])
                done += 1
            spent += time.perf_counter() - before
        out[name] = {"traces": done, "seconds": spent}
    return out


COMMANDS = {"costs": costs, "languages": languages, "precision": etc, "arcs": arcs, "bench": bench}
if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
