"""An exported file opened by a tool that others wrote. In: what it is, and its path. Out: JSON with what is found in it.

xes    {traces, events, by_touchpoint, first, last}
ocel   {events, by_type, objects, relations}
pnml   {places, transitions, labels}
bpmn   {tasks, subprocesses, flows}
xlsx   {sheet: [rows]}
pdf    {pages, title, width, text, fonts, embedded}"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")


def xes(path):
    import pm4py

    log = pm4py.read_xes(path)
    times = log["time:timestamp"]
    return {
        "traces": int(log["case:concept:name"].nunique()),
        "events": len(log),
        "by_touchpoint": {k: int(v) for k, v in log["concept:name"].value_counts().items()},
        "outcomes": {k: int(v) for k, v in log.groupby("case:concept:name")["case:outcome"].first().value_counts().items()},
        "first": times.min().isoformat(),
        "last": times.max().isoformat(),
    }


def ocel(path):
    import pm4py

    log = pm4py.read_ocel2_json(path)
    by = lambda table, column: {k: int(v) for k, v in table[column].value_counts().items()}
    return {
        "events": len(log.events),
        "by_type": by(log.events, "ocel:activity"),
        "objects": by(log.objects, "ocel:type"),
        "relations": by(log.relations, "ocel:qualifier"),
    }


def pnml(path):
    import pm4py

    net, initial, _ = pm4py.read_pnml(path)
    labels = sorted({t.label for t in net.transitions if t.label})
    return {"places": len(net.places), "transitions": len(net.transitions), "labels": labels, "tokens": sum(initial.values())}


def bpmn(path):
    import pm4py
    from pm4py.objects.bpmn.obj import BPMN

    graph = pm4py.read_bpmn(path)
    of = lambda kind: [n.get_name() for n in graph.get_nodes() if isinstance(n, kind)]
    return {
        "subprocesses": sorted(of(BPMN.SubProcess)),
        "tasks": sorted(n.get_name() for n in graph.get_nodes() if isinstance(n, BPMN.Task)),
        "flows": len(graph.get_flows()),
    }


def xlsx(path):
    from openpyxl import load_workbook

    book = load_workbook(path)
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}


def pdf(path):
    from pypdf import PdfReader

    file = PdfReader(path)
    page = file.pages[0]
    fonts = [f.get_object() for f in page["/Resources"]["/Font"].values()]
    described = {str(f["/BaseFont"]): f["/DescendantFonts"][0].get_object()["/FontDescriptor"] for f in fonts}
    return {
        "pages": len(file.pages),
        "title": file.metadata.title,
        "width": float(page.mediabox.width),
        "text": page.extract_text(),
        "fonts": sorted(described),
        "embedded": sorted(name for name, about in described.items() if "/FontFile2" in about or "/FontFile3" in about),
    }


if __name__ == "__main__":
    found = {"xes": xes, "ocel": ocel, "pnml": pnml, "bpmn": bpmn, "xlsx": xlsx, "pdf": pdf}[sys.argv[1]](sys.argv[2])
    # What libraries print on their way is not the answer.
    sys.stdout.write("\n" + json.dumps(found, default=str))
