// On every page: one stream of events, counts in the navigation, a line when the server is gone.
"use strict";
const desk = { listeners: {} };
desk.on = (name, handle) => { desk.listeners[name] = handle; };

function connect() {
  const { page, seq } = document.body.dataset;
  const source = new EventSource(`/events?page=${page}&seq=${seq}`);
  const trouble = document.getElementById("trouble");
  const said = trouble.textContent;
  source.addEventListener("open", () => { trouble.textContent = said; trouble.hidden = !said; });
  source.addEventListener("error", () => {
    trouble.textContent = "The server does not answer: what you see may be old. Is playproof desk still running?";
    trouble.hidden = false;
  });
  source.addEventListener("desk", (event) => {
    const { open, new: fresh } = JSON.parse(event.data);
    document.getElementById("open-count").textContent = open.suspected.toLocaleString("en");
    for (const badge of document.querySelectorAll("[data-count]")) {
      badge.textContent = open[badge.dataset.count].toLocaleString("en");
    }
    desk.listeners.fresh?.(fresh);
  });
  for (const name of ["live", "health"]) {
    source.addEventListener(name, (event) => desk.listeners[name]?.(JSON.parse(event.data)));
  }
  addEventListener("pagehide", () => source.close());
}

// what scrolls sideways can be reached, and is named, by keyboard
function openScrollers() {
  for (const place of document.querySelectorAll(".scroll")) {
    if (place.scrollWidth <= place.clientWidth || place.hasAttribute("tabindex")) continue;
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    const title = place.closest("section")?.querySelector("h2")?.textContent ?? "Table";
    place.setAttribute("aria-label", `${title}, scrolls sideways`);
  }
}

addEventListener("DOMContentLoaded", () => { connect(); openScrollers(); });
addEventListener("resize", openScrollers);
addEventListener("toggle", openScrollers, true);
