// Says whether the page is live, lets a count that changed light up, and draws the charts. The page works without it.
// It comes before htmx, so that it hears of the first connection too.
"use strict";

const AGAIN_MS = 3000;
const FLASH_MS = 1400;
const CHART_MS = 15000; // a chart is asked for anew so often
const DAY = 86400; // seconds
const ROWS_MAX = 100; // of a chart's numbers as a table
const root = document.documentElement;
const stream = document.getElementById("stream");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

// The stream

let again;

function say(live) {
  root.dataset.live = live ? "yes" : "no";
}

// Once connected, the extension reconnects by itself; a first attempt that failed is repeated here.
function retryLater() {
  say(false);
  clearTimeout(again);
  again = setTimeout(() => htmx.trigger(stream, "again"), AGAIN_MS);
}

function flash(changes) {
  if (calm.matches) return;
  const counts = new Set(changes.map(({ target }) => (target.parentElement ?? target).closest?.("td b, dd b")).filter(Boolean));
  for (const count of counts) {
    count.animate([{ backgroundColor: colour("--flash") }, { backgroundColor: "transparent" }], { duration: FLASH_MS, easing: "ease-out" });
  }
}

if (stream) {
  stream.addEventListener("htmx:sse:after:connection", () => {
    clearTimeout(again);
    say(true);
  });
  stream.addEventListener("htmx:sse:error", () => say(false));
  for (const name of ["htmx:sse:close", "htmx:error", "htmx:response:error"]) stream.addEventListener(name, retryLater);
  new MutationObserver(flash).observe(document.getElementById("main"), { subtree: true, characterData: true, childList: true });
}

// The charts

const TONES = ["--way", "--ok", "--warn", "--bad", "--brand", "--off"];
const plots = new Map(); // figure → its plot

// A time as the pages write it: a day, or the time of day, with the seconds if the marks stand that close.
function moment(at, step) {
  const how = step >= DAY ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined };
  return new Date(at * 1000).toLocaleString("en-GB", how);
}

function options(found, width, height) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const margin = found.bars ? 43200 : 60; // seconds: half a day, so that the outer bars are whole
  const several = found.bars ? found.series.length : 1;
  return {
    width,
    height,
    scales: {
      x: { range: (_, low, high) => [found.from ?? low - margin, found.to ?? high + margin] },
      y: { range: (_, low, high) => [Math.min(0, low), found.unit === "s" ? high * 1.1 || 1 : Math.max(Math.ceil(high * 1.1), 4)] },
    },
    axes: [
      { ...axis, space: 80, values: (_, marks, __, ___, step) => marks.map((mark) => moment(mark, step)) },
      { ...axis, size: (_, marks) => 24 + 8 * Math.max(...(marks ?? []).map((mark) => mark.length)) },
    ],
    series: [
      { value: (_, at) => (at === null ? "–" : moment(at, found.bars ? DAY : 1)) },
      ...found.series.map(({ label }, at) => ({
        label: found.unit ? `${label} (${found.unit})` : label,
        stroke: colour(TONES[at % TONES.length]),
        fill: found.bars ? `${colour(TONES[at % TONES.length])}66` : undefined,
        width: 2,
        spanGaps: !found.step,
        points: { show: !found.bars && !found.step },
        paths: found.bars ? uPlot.paths.bars({ size: [0.8 / several, 40], align: [[0], [-1, 1]][several - 1]?.[at] ?? 0 })
          : found.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
      })),
    ],
  };
}

// The numbers of a chart, for who cannot see it: the newest first.
function tabulate(figure, found) {
  const cell = (kind, text) => Object.assign(document.createElement(kind), { textContent: text }, kind === "th" && { scope: "col" });
  const row = (...cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };
  const day = found.bars ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
  const rows = found.x.map((x, at) => row(
    cell("td", new Date(x * 1000).toLocaleString("en-GB", day)),
    ...found.series.map(({ values }) => cell("td", values[at] ?? "–")),
  ));
  figure.querySelector("thead").replaceChildren(row(cell("th", "Time"), ...found.series.map(({ label }) => cell("th", label))));
  figure.querySelector("tbody").replaceChildren(...rows.reverse().slice(0, ROWS_MAX));
}

async function draw(figure) {
  const answer = await fetch(figure.dataset.chart);
  if (!answer.ok) return;
  const found = await answer.json();
  found.series = found.series.filter(({ values }) => values.some((value) => value !== null));
  const place = figure.querySelector(".plot");
  plots.get(figure)?.destroy();
  plots.delete(figure);
  if (!found.x.length || !found.series.length) {
    place.innerHTML = "<p class=\"empty\">Nothing to draw yet: it fills as time goes by.</p>";
    return;
  }
  place.replaceChildren();
  tabulate(figure, found);
  const data = [found.x, ...found.series.map(({ values }) => values)];
  plots.set(figure, new uPlot(options(found, place.clientWidth, Number(figure.dataset.height) || 220), data, place));
}

function drawAll() {
  for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
}

if (document.querySelector("[data-chart]")) {
  drawAll();
  dark.addEventListener("change", drawAll);
  setInterval(drawAll, CHART_MS);
  new ResizeObserver(() => {
    for (const [figure, plot] of plots) plot.setSize({ width: figure.querySelector(".plot").clientWidth, height: plot.height });
  }).observe(document.getElementById("main"));
}
