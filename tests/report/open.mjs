// The report opened in Chromium. In: the page's file, a folder for pictures, TROPA_CHROMIUM (the browser) and TROPA_NODE
// (where puppeteer-core and axe-core are). Out: JSON: one view for each screen and language, as a reader meets them.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const require = createRequire(join(process.env.TROPA_NODE, "package.json"));
const puppeteer = require("puppeteer-core");
const axe = require.resolve("axe-core/axe.min.js");
const [file, pictures] = process.argv.slice(2);
const page_url = pathToFileURL(file).href;

const PHONE = { width: 420, height: 860, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const DESKTOP = { width: 1500, height: 1740 };
const SCREENS = [
  { name: "phone", viewport: PHONE, scheme: "light" },
  { name: "desktop", viewport: DESKTOP, scheme: "light" },
  { name: "desktop, dark", viewport: DESKTOP, scheme: "dark" },
];

/** What stands on the page, measured in it. */
function measured() {
  const shown = (e) => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
  const box = (e) => e.getBoundingClientRect();
  const texts = [...document.querySelectorAll("h1,h2,summary,p,li,td,th,label,.card b,.card span,svg text")].filter(shown);
  const scale = (e) => (e.ownerSVGElement ? e.getScreenCTM().a : 1);
  window.scrollTo(10_000, 0);
  const scrolled = window.scrollX;
  window.scrollTo(0, 0);
  const right = document.documentElement.clientWidth;
  const name = (e) => `${e.tagName.toLowerCase()} ${e.textContent.trim().slice(0, 40)}`;
  return {
    layout_width: window.innerWidth,
    scrolled,
    headings: [...document.querySelectorAll("h1,h2,summary")].filter(shown).map((e) => e.textContent.trim()),
    tables: [...document.querySelectorAll("table")].filter((t) => shown(t) && box(t).height > 0).length,
    maps: [...document.querySelectorAll("svg.map")].filter((s) => shown(s) && box(s).height > 0).length,
    smallest_letters: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize) * scale(e))),
    beyond_the_edge: [...new Set(texts.filter((e) => box(e).right > right + 1 || box(e).left < -1).map(name))],
    // A cell whose words need more room than it has shows them over its neighbour.
    spilling: [...document.querySelectorAll("td,th,.card")].filter((e) => shown(e) && e.scrollWidth > e.clientWidth + 1).map(name),
    // Words of a stage that leave its box, and labels of arcs that lie on each other.
    outside_their_stage: [...document.querySelectorAll(".stage")].filter(shown).flatMap((g) => {
      const rect = box(g.querySelector("rect"));
      return [...g.querySelectorAll(".name,.fact")].filter((t) => box(t).right > rect.right || box(t).bottom > rect.bottom).map(name);
    }),
    labels_on_labels: [...document.querySelectorAll("svg.map")].filter(shown).flatMap((svg) => {
      const labels = [...svg.querySelectorAll(".arc-label")];
      const shared = (a1, a2, b1, b2) => Math.min(a2, b2) - Math.max(a1, b1);
      return labels.flatMap((a, i) =>
        labels
          .slice(i + 1)
          .filter((b) => shared(box(a).left, box(a).right, box(b).left, box(b).right) > 2)
          .filter((b) => shared(box(a).top, box(a).bottom, box(b).top, box(b).bottom) > box(a).height / 2)
          .map((b) => `${name(a)} and ${name(b)}`),
      );
    }),
    // What a reader sees of a table before any scrolling: each row's name and its first figure.
    out_of_sight: [...document.querySelectorAll("tbody tr")].filter(shown).flatMap((row) => {
      const words = document.createRange();
      words.selectNodeContents(row.cells[1]);
      return words.getBoundingClientRect().right > right ? [name(row.cells[0])] : [];
    }),
    designed: [...document.querySelectorAll("svg.designed .stage")].filter(shown).map((g) =>
      [...g.querySelectorAll("text.fact")].map((t) => t.textContent).join(" "),
    ),
    controls: [...document.querySelectorAll("input[type=radio],label")].filter(shown).length,
  };
}

/** Barriers that axe calls serious or critical, with the first places. */
async function barriers(page) {
  await page.addScriptTag({ path: axe });
  const found = await page.evaluate(() => window.axe.run(document, { rules: { "target-size": { enabled: true } } }));
  return {
    rules_passed: found.passes.length,
    grave: found.violations
      .filter((v) => v.impact === "serious" || v.impact === "critical")
      .map((v) => `${v.impact} ${v.id}: ${v.nodes.length} times, as in ${v.nodes[0].html.slice(0, 160)}: ${v.nodes[0].failureSummary}`),
    lesser: found.violations.filter((v) => v.impact !== "serious" && v.impact !== "critical").map((v) => v.id),
  };
}

async function opened(browser, viewport, scheme) {
  const page = await browser.newPage();
  const said = [];
  const asked = [];
  page.on("console", (m) => said.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => said.push(`error: ${e.message}`));
  page.on("request", (r) => asked.push(r.url()));
  await page.setViewport(viewport);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(page_url, { waitUntil: "networkidle0" });
  return { page, said, asked };
}

/** Chooses a language as a reader does: by a click on its word. */
async function choose(page, code) {
  await page.click(`label[for=show-${code}]`);
  return page.evaluate(
    () => [...document.querySelectorAll(".language")].filter((s) => s.checkVisibility()).map((s) => s.lang).join(),
  );
}

const browser = await puppeteer.launch({
  executablePath: process.env.TROPA_CHROMIUM,
  // Chromium refuses its sandbox to root, who runs tests in containers.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  protocolTimeout: 600_000,
  timeout: 120_000,
});
const views = [];
try {
  for (const { name, viewport, scheme } of SCREENS) {
    const { page, said, asked } = await opened(browser, viewport, scheme);
    for (const language of ["en", "ru"]) {
      const shown = await choose(page, language);
      const view = await page.evaluate(measured);
      await page.screenshot({ path: join(pictures, `${name.replace(", ", "-")}-${language}.png`) });
      views.push({ screen: name, language, shown, ...view, ...(await barriers(page)), said, requests: [...new Set(asked)] });
    }
    await page.close();
  }
  for (const language of ["en", "ru"]) {
    // The narrowest usual sheet on its long side: US Letter less two margins of a centimetre.
    const { page, said, asked } = await opened(browser, { width: 980, height: 740 }, "dark");
    const shown = await choose(page, language);
    await page.emulateMediaType("print");
    const view = await page.evaluate(measured);
    const pdf = await page.pdf({ path: join(pictures, `print-${language}.pdf`), preferCSSPageSize: true });
    const sheet = Buffer.from(pdf).toString("latin1").match(/\/MediaBox\s*\[([^\]]*)\]/)[1].trim().split(/\s+/).map(Number);
    views.push({ screen: "print", language, shown, sheet, ...view, said, requests: [...new Set(asked)] });
    await page.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify({ views }));
