// A BPMN file opened by bpmn-moddle. In: the file's path; BPMN_MODDLE: where the module is. Out: JSON: warnings, and every
// node and flow of the process with its name, as moddle understands them.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { BpmnModdle } = await import(pathToFileURL(`${process.env.BPMN_MODDLE}/dist/index.js`)).catch(() =>
  import(pathToFileURL(`${process.env.BPMN_MODDLE}/index.js`)),
);
const moddle = new BpmnModdle();
const { rootElement, warnings } = await moddle.fromXML(readFileSync(process.argv[2], "utf8"));
const process_ = rootElement.rootElements.find((e) => e.$type === "bpmn:Process");
const all = (elements) => elements.flatMap((e) => [e, ...all(e.flowElements ?? [])]);
const elements = all(process_.flowElements);
const drawn = rootElement.diagrams[0].plane.planeElement.map((e) => e.bpmnElement?.id);
console.log(
  JSON.stringify({
    warnings: warnings.map((w) => w.message),
    nodes: elements.filter((e) => e.$type !== "bpmn:SequenceFlow").map((e) => [e.$type, e.id, e.name ?? ""]),
    flows: elements.filter((e) => e.$type === "bpmn:SequenceFlow").map((e) => [e.sourceRef?.id, e.targetRef?.id]),
    undrawn: elements.filter((e) => !drawn.includes(e.id)).map((e) => e.id),
  }),
);
