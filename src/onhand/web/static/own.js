// Says whether the page is live, lets a count that changed light up, and draws the charts. The page works without it.
// It comes before htmx, so that it hears of the first connection too.
"use strict";

const AGAIN_MS = 3000;
const FLASH_MS = 1400;
const CHART_MS = 15000; // a chart is asked for anew so often
const SOON_MS = 300; // after a count changed
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
  const counts = new Set(changes.map(({ target }) => (target.parentElement ?? target).closest?.("td b, dd b")).filter(Boolean));
  if (counts.size) drawSoon(); // what a chart shows has moved with it
  if (calm.matches) return;
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

const SHOP_COLOURS = 8; // then they come again
const BAR_SHARE = 0.8; // of a day's width
const BAR_MAX = 40; // pixels
// Distances of marks that read evenly; whole ones for what is counted in pieces.
const STEPS = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((n) => Number(`${n}e${power}`)));
const WHOLE_STEPS = STEPS.filter((step) => step >= 1);
const plots = new Map(); // figure → its plot

// A time as the pages write it: a day, or the time of day, with the seconds if the marks stand that close.
function moment(at, step) {
  const how = step >= DAY ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined };
  return new Date(at * 1000).toLocaleString("en-GB", how);
}

// A shop has one colour in all charts: that of its place among the carts. What no shop did is grey.
function tone({ place }) {
  return colour(place === undefined ? "--shop-1" : place === null ? "--off" : `--shop-${1 + place % SHOP_COLOURS}`);
}

// A number on an axis, with as many decimals as the distance of the marks needs.
function mark(number, step) {
  const decimals = step < 1 ? Math.ceil(-Math.log10(step) - 1e-9) : 0;
  return number.toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

// Where each bar of a pile ends, counted from zero: gains are piled up, losses down. The outermost are drawn first, the inner ones
// over them, so each shows as much as it adds.
function piled(series) {
  const ends = series[0].values.map(() => [0, 0]);
  return series.map(({ values }) => values.map((value, at) => (ends[at][value < 0 ? 1 : 0] += value)));
}

function options(found, width, height) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const margin = found.bars ? 43200 : 60; // seconds: half a day, so that the outer bars are whole
  const parts = found.unit === "s";
  return {
    width,
    height,
    scales: {
      x: { range: (_, low, high) => [found.from ?? low - margin, found.to ?? high + margin] },
      y: { range: (_, low, high) => [Math.min(0, low), parts ? high * 1.1 || 1 : Math.max(Math.ceil(high * 1.1), 4)] },
    },
    axes: [
      { ...axis, space: 80, values: (_, marks, __, ___, step) => marks.map((at) => moment(at, step)) },
      {
        ...axis,
        incrs: parts ? STEPS : WHOLE_STEPS,
        values: (_, marks, __, ___, step) => marks.map((number) => mark(number, step)),
        size: (_, marks) => 24 + 8 * Math.max(...(marks ?? []).map((text) => text.length)),
      },
    ],
    series: [
      { value: (_, at) => (at === null ? "–" : moment(at, found.bars ? DAY : 1)) },
      ...found.series.map((one) => ({
        label: found.unit ? `${one.label} (${found.unit})` : one.label,
        value: (_, __, ___, at) => one.values[at] ?? "–",
        stroke: tone(one),
        fill: found.bars ? tone(one) : undefined,
        width: found.bars ? 0 : 2,
        spanGaps: !found.step,
        points: { show: !found.bars && !found.step },
        paths: found.bars ? uPlot.paths.bars({ size: [BAR_SHARE, BAR_MAX] }) : found.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
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
    place.innerHTML = "<p class=\"empty\">No data yet.</p>";
    return;
  }
  place.replaceChildren();
  tabulate(figure, found);
  const heights = found.bars ? piled(found.series).reverse() : found.series.map(({ values }) => values);
  if (found.bars) found.series.reverse();
  const data = [found.x, ...heights];
  plots.set(figure, new uPlot(options(found, place.clientWidth, Number(figure.dataset.height) || 220), data, place));
}

let soon;

function drawSoon() {
  clearTimeout(soon);
  soon = setTimeout(drawAll, SOON_MS);
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
