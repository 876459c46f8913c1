// Rules: the cursor goes to the mistake; Ctrl+Enter checks; one click sends once.
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
