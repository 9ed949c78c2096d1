// Pictures opened in Chromium, each as the file it is. In: a folder for what is painted, SVG files, TROPA_CHROMIUM and
// TROPA_NODE. Out: JSON: of each what stands where, and what was asked for; beside it what Chromium paints, two pixels a unit.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { basename, join } from "node:path";

const require = createRequire(join(process.env.TROPA_NODE, "package.json"));
const puppeteer = require("puppeteer-core");
const [folder, ...files] = process.argv.slice(2);

function measured() {
  const box = (e) => e.getBoundingClientRect();
  const name = (e) => e.textContent.trim().slice(0, 60);
  const root = document.documentElement;
  const texts = [...document.querySelectorAll("text")];
  const shared = (a1, a2, b1, b2) => Math.min(a2, b2) - Math.max(a1, b1);
  const labels = [...document.querySelectorAll(".arc-label")];
  return {
    width: root.width.baseVal.value,
    height: root.height.baseVal.value,
    title: document.querySelector("title").textContent,
    texts: texts.map((e) => e.textContent),
    families: [...new Set(texts.map((e) => getComputedStyle(e).fontFamily))],
    smallest_letters: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize))),
    beyond_the_edge: texts
      .filter((e) => box(e).left < 0 || box(e).right > box(root).right || box(e).bottom > box(root).bottom)
      .map(name),
    outside_their_stage: [...document.querySelectorAll(".stage")].flatMap((g) => {
      const rect = box(g.querySelector("rect"));
      return [...g.querySelectorAll(".name,.fact")].filter((t) => box(t).right > rect.right || box(t).bottom > rect.bottom).map(name);
    }),
    labels_on_labels: labels.flatMap((a, i) =>
      labels
        .slice(i + 1)
        .filter((b) => shared(box(a).left, box(a).right, box(b).left, box(b).right) > 2)
        .filter((b) => shared(box(a).top, box(a).bottom, box(b).top, box(b).bottom) > box(a).height / 2)
        .map((b) => `${name(a)} and ${name(b)}`),
    ),
    // As eyes without colour tell them apart.
    dashes: Object.fromEntries(
      ["planned", "unplanned", "forbidden", "unused"].map((mark) => {
        const arc = document.querySelector(`.arc.${mark} path`);
        return [mark, arc ? getComputedStyle(arc).strokeDasharray : null];
      }),
    ),
  };
}

const browser = await puppeteer.launch({
  executablePath: process.env.TROPA_CHROMIUM,
  // Chromium refuses its sandbox to root, who runs tests in containers.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  protocolTimeout: 600_000,
  timeout: 120_000,
});
const pictures = [];
try {
  for (const file of files) {
    const page = await browser.newPage();
    const said = [];
    const requests = [];
    page.on("console", (m) => said.push(`${m.type()}: ${m.text()}`));
    page.on("pageerror", (e) => said.push(`error: ${e.message}`));
    page.on("request", (r) => requests.push(r.url()));
    await page.goto(pathToFileURL(file).href, { waitUntil: "networkidle0" });
    const seen = await page.evaluate(measured);
    await page.setViewport({ width: Math.ceil(seen.width), height: Math.ceil(seen.height), deviceScaleFactor: 2 });
    await page.screenshot({ path: join(folder, `${basename(file)}.chromium.png`) });
    pictures.push({ ...seen, said, requests });
    await page.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify({ pictures }));
