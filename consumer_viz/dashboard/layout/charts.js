// Line charts with uPlot, coloured by the style sheet, as wide as their element.
"use strict";
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const HEIGHT = 220;
const TICK_STEPS = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power)).sort((a, b) => a - b);

// series: [{label, colour, scale, dash, fill, stepped}]; data: [x, y…], x in epoch seconds
// shaded: a function that returns stretches of x as [from, to]; fromZero: whether the y axis begins at 0
function chart(id, series, data, { range = null, right = false, shaded = () => [], fromZero = true } = {}) {
  const element = document.getElementById(id);
  element.replaceChildren();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
                 font: "12px system-ui, sans-serif" };
  const plot = new uPlot({
    width: element.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { points: { show: false } },
    scales: { x: range ? { range } : {}, y: { range: (_, low, high) => [fromZero ? 0 : low * 0.9, Math.max(high, 1) * 1.1] },
              right: { range: (_, low, high) => [0, Math.max(high, 1) * 1.1] } },
    hooks: { drawClear: [(plot) => shadeStretches(plot, shaded())] },
    padding: [null, right ? null : 30, null, null], // room for half of the last time
    axes: [{ ...axis, values: (_, splits) => splits.map(formatClock), space: element.clientWidth < 500 ? 64 : 90, size: 28 },
           { ...axis, size: 54, incrs: TICK_STEPS },
           ...(right ? [{ ...axis, scale: "right", side: 1, size: 54, incrs: TICK_STEPS, grid: { show: false } }] : [])],
    series: [{}, ...series.map((line) => ({
      label: line.label, stroke: colour(line.colour), width: line.width ?? 2, scale: line.scale ?? "y", dash: line.dash,
      fill: line.fill ? colour(line.colour) + "33" : undefined, points: { show: false },
      paths: line.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    }))],
  }, data, element);
  element.dataset.points = data[0].length;
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT })).observe(element);
  return { set(next) { plot.setData(next); element.dataset.points = next[0].length; } };
}

function shadeStretches(plot, stretches) {
  const { left, top, width, height } = plot.bbox, place = (x) => Math.min(Math.max(plot.valToPos(x, "x", true), left), left + width);
  plot.ctx.fillStyle = colour("--flag-soft");
  for (const [from, to] of stretches) plot.ctx.fillRect(place(from), top, place(to) - place(from), height);
}

function formatClock(at) {
  const parts = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: document.body.dataset.zone };
  return new Date(at * 1000).toLocaleTimeString("en-GB", parts);
}
