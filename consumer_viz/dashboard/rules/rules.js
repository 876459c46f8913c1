// Rules: the cursor goes to the mistake; Ctrl+Enter checks; j and k move through the list; one click sends once.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const text = document.getElementById("rule-text");
  if (!text) return;
  if (text.dataset.line) {
    const before = text.value.split("\n").slice(0, text.dataset.line - 1).join("\n").length;
    const place = before + (text.dataset.line > 1 ? 1 : 0) + Number(text.dataset.column) - 1;
    text.focus();
    text.setSelectionRange(place, place);
  }
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    text.form.requestSubmit(text.form.querySelector("[value=check]"));
  });
});
addEventListener("submit", (event) => {
  const button = event.submitter;
  // after the form was sent: a disabled button's value would be left out of it
  setTimeout(() => { if (button) button.disabled = true; });
});
addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((button) => { button.disabled = false; }));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const by = { j: 1, k: -1 }[event.key];
  if (!by) return;
  const hits = [...document.querySelectorAll("a.hit")];
  const at = hits.indexOf(document.activeElement);
  hits[at < 0 ? 0 : Math.min(Math.max(at + by, 0), hits.length - 1)]?.focus();
  event.preventDefault();
});
