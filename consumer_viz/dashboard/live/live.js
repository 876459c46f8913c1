// The live page: all points once, then the newest points with each event.
"use strict";
const TRACKS_EVERY_MS = 15000;

addEventListener("DOMContentLoaded", async () => {
  const points = new Map();      // time slot -> [x, streams, activity, usual]
  const windows = new Map();     // begin of a slide -> [x, flagged, alerts]
  let width = 0, axis = [0, 1], attacks = [], pace = null, flags = null, tracksAt = Date.now();
  const put = (id, text) => { document.getElementById(id).textContent = text; };
  const sorted = (map) => [...map.entries()].sort((a, b) => a[0] - b[0]);

  function showIfAny(id, n) {
    document.getElementById(id).hidden = n === 0;
    document.getElementById(`${id}-none`).hidden = n > 0;
  }

  function update(data) {
    put("headline", data.trouble || data.headline || "");
    document.getElementById("headline").classList.toggle("warn", Boolean(data.trouble || data.is_alarm));
    put("lag", data.lag === null || data.lag === undefined ? "–" : data.lag.toLocaleString("en"));
    put("batch", data.batch_s ? `${data.batch_s} s` : "–");
    if (data.key === undefined) return;
    if (data.point_width_s !== width) { points.clear(); width = data.point_width_s; }
    data.key.forEach((key, i) => points.set(key, [data.x[i], data.streams[i], data.activity[i], data.usual[i]]));
    data.flag_x.forEach((x, i) => windows.set(x, [x, data.flagged[i], data.alerts[i]]));
    axis = [data.start, data.end];
    attacks = data.attacks;
    for (const [key, [x]] of points) if (x < axis[0]) points.delete(key);
    for (const x of windows.keys()) if (x < axis[0]) windows.delete(x);
    put("plays", data.plays_per_s.toLocaleString("en", { maximumFractionDigits: 0 }));
    put("flagged", data.flagged_now.toLocaleString("en"));
    put("alerts", data.alerts_now.toLocaleString("en"));
    put("delay", data.alert_delay_s === null ? "–" : `${Math.round(data.alert_delay_s)} s`);
    const columns = [0, 1, 2, 3].map((n) => sorted(points).map(([, values]) => values[n]));
    const bars = [0, 1, 2].map((n) => sorted(windows).map(([, values]) => values[n]));
    showIfAny("pace", columns[0].length);
    showIfAny("flags", bars[0].length);
    if (!pace) {
      const range = () => axis;
      pace = chart("pace", [{ label: "streams", colour: "--own" }, { label: "activity", colour: "--usual" },
                            { label: "usual streams", colour: "--quiet", dash: [4, 4], width: 1 }], columns,
                   { range, shaded: () => attacks, fromZero: false });
      flags = chart("flags", [{ label: "flagged", colour: "--flag", fill: true, stepped: true },
                              { label: "alerts", colour: "--ink", dash: [3, 3], width: 1.5, stepped: true }], bars, { range });
    } else { pace.set(columns); flags.set(bars); }
  }

  const load = async () => update(await (await fetch("/live/data")).json());
  events.on("live", (data) => {
    if (width && data.key !== undefined && data.point_width_s !== width) { load(); return; }
    update(data);
    if (Date.now() - tracksAt > TRACKS_EVERY_MS) {
      tracksAt = Date.now();
      htmx.ajax("GET", "/live", { target: "#tracks", swap: "innerHTML" });
    }
  });
  await load();
});
