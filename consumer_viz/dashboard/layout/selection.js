// A list of rows of which one is selected: what it is about is loaded beside the list.
"use strict";
let selected = null;
let previewTimer = 0;

// The request names its own source: htmx sends one request at a time for a source, and leaves out what comes in between.
function selectRow(row, target, addressOf, { focus = true } = {}) {
  if (!row) return;
  document.querySelector(".row.selected")?.classList.remove("selected");
  row.classList.add("selected");
  selected = row.dataset.case;
  if (focus) row.querySelector("a").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  clearTimeout(previewTimer);
  previewTimer = setTimeout(() => htmx.ajax("GET", addressOf(row), { source: target, target, swap: "innerHTML" }), 60);
}

const place = (all) => all.findIndex((row) => row.dataset.case === selected);

// The row so many further down; with none selected, the first.
function rowBy(all, by) {
  const at = place(all);
  return all[at < 0 ? 0 : at + by];
}
