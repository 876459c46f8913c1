// The live page: whole lines once, then the newest points with each tick.
"use strict";
addEventListener("DOMContentLoaded", async () => {
  const points = new Map();      // slot -> [x, streams, activity, usual]
  const windows = new Map();     // begin of a slide -> flagged
  let step = 0, axis = [0, 1], pace = null, flags = null, tracksAt = 0;
  const put = (id, text) => { document.getElementById(id).textContent = text; };
  const sorted = (map) => [...map.entries()].sort((a, b) => a[0] - b[0]);

  function showIfAny(id, n) {
    document.getElementById(id).hidden = n === 0;
    document.getElementById(`${id}-none`).hidden = n > 0;
  }

  function take(said) {
    put("headline", said.trouble || said.headline || "");
    document.getElementById("headline").classList.toggle("warn", Boolean(said.trouble || said.is_alarm));
    put("lag", said.lag === null || said.lag === undefined ? "–" : said.lag.toLocaleString("en"));
    put("batch", said.batch_s ? `${said.batch_s} s` : "–");
    if (said.key === undefined) return;
    if (said.step !== step) { points.clear(); step = said.step; }
    said.key.forEach((key, i) => points.set(key, [said.x[i], said.streams[i], said.activity[i], said.usual[i]]));
    said.flag_x.forEach((x, i) => windows.set(x, said.flagged[i]));
    axis = [said.start, said.end];
    for (const [key, [x]] of points) if (x < axis[0]) points.delete(key);
    for (const x of windows.keys()) if (x < axis[0]) windows.delete(x);
    put("plays", said.plays_per_s.toLocaleString("en", { maximumFractionDigits: 0 }));
    put("flagged", said.flagged_now.toLocaleString("en"));
    const columns = [0, 1, 2, 3].map((n) => sorted(points).map(([, values]) => values[n]));
    const bars = [sorted(windows).map(([x]) => x), sorted(windows).map(([, y]) => y)];
    showIfAny("pace", columns[0].length);
    showIfAny("flags", bars[0].length);
    if (!pace) {
      const range = () => axis;
      pace = chart("pace", [{ label: "streams", colour: "--own" }, { label: "activity", colour: "--usual" },
                            { label: "usual streams", colour: "--quiet", dash: [4, 4], width: 1 }], columns, { range });
      flags = chart("flags", [{ label: "flagged", colour: "--flag", fill: true, stepped: true }], bars, { range });
    } else { pace.set(columns); flags.set(bars); }
  }

  desk.on("live", (said) => {
    if (step && said.key !== undefined && said.step !== step) { load(); return; }
    take(said);
    if (Date.now() - tracksAt > 15000) {
      tracksAt = Date.now();
      htmx.ajax("GET", "/live", { target: "#tracks", swap: "innerHTML" });
    }
  });
  const load = async () => take(await (await fetch("/live/data")).json());
  tracksAt = Date.now();
  await load();
});
