"""A discovered net beside the inductive miner's, measured by PM4Py on one log. In: {pnml, log: [[trace, times]]} on standard
input. Out: JSON: fitness by alignments and ETC precision (align-etconformance) of both."""

import json
import sys

import pm4py
from pm4py.algo.evaluation.precision import algorithm as precision
from pm4py.algo.evaluation.replay_fitness import algorithm as fitness
from pm4py.objects.log.obj import Event, EventLog, Trace
from pm4py.objects.petri_net.obj import Marking, PetriNet
from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to

import align


def log_of(variants):
    log, n = EventLog(), 0
    for path, times in variants:
        for _ in range(times):
            trace = Trace([Event({"concept:name": label}) for label in path])
            trace.attributes["concept:name"] = str(n)
            log.append(trace)
            n += 1
    return log


def one_end(pnml):
    """The net with one final marking: every end leads there in silence."""
    net, initial, _ = align.read(pnml)
    over = PetriNet.Place("over")
    net.places.add(over)
    for place in [p for p in net.places if p.name.startswith("end_")]:
        silent = PetriNet.Transition(f"over_{place.name}", None)
        net.transitions.add(silent)
        add_arc_from_to(place, silent, net)
        add_arc_from_to(silent, over, net)
    return net, initial, Marking({over: 1})


def measured(log, net, initial, final):
    quiet = {"show_progress_bar": False}
    fit = fitness.apply(log, net, initial, final, variant=fitness.Variants.ALIGNMENT_BASED, parameters=quiet)
    etc = precision.apply(log, net, initial, final, variant=precision.Variants.ALIGN_ETCONFORMANCE, parameters=quiet)
    return {"fitness": fit["averageFitness"], "precision": etc}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    log = log_of(asked["log"])
    mined = pm4py.discover_petri_net_inductive(log, noise_threshold=0.0)
    out = {"found": measured(log, *one_end(asked["pnml"])), "inductive": measured(log, *mined), "traces": len(log)}
    sys.stdout.write("\n" + json.dumps(out))
