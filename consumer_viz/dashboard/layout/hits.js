// A list of links by keyboard: j and k move through it, Enter opens.
"use strict";
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const by = { j: 1, k: -1 }[event.key];
  if (!by) return;
  const hits = [...document.querySelectorAll("a.hit")];
  const at = hits.indexOf(document.activeElement);
  hits[at < 0 ? 0 : Math.min(Math.max(at + by, 0), hits.length - 1)]?.focus();
  event.preventDefault();
});
