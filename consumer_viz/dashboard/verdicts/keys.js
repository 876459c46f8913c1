// Keys of the queue, a case and a ring: the help, and those of the decision form.
"use strict";
const isTyping = (target) => target.matches("textarea, input:not([type=radio], [type=checkbox]), select");

// c, d, n choose a verdict; a digit chooses a reason and saves the decision; m goes to the note; u is undo.
function pressVerdict(key, root) {
  const choice = root.querySelector(`#decide [data-key="${CSS.escape(key)}"]`);
  if (choice) { choice.checked = true; choice.focus(); return true; }
  if (/^[1-9]$/.test(key)) {
    const verdict = root.querySelector("#decide [name=verdict]:checked");
    const reason = verdict && root.querySelector(`.for-${verdict.value} [data-digit="${key}"]`);
    if (!reason) return false;
    reason.checked = true;
    root.querySelector("#decide").requestSubmit();
    return true;
  }
  if (key === "m") { root.querySelector("#decide textarea, .decide textarea")?.focus(); return true; }
  if (key === "u") { (root.querySelector("#undo button") ?? root.querySelector("#verdict [value=undo]"))?.click(); return true; }
  return false;
}

// `press` gets each key where nobody types, and returns whether it used it.
function onKeys(press) {
  addEventListener("keydown", (event) => {
    const help = document.getElementById("help");
    if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
    if (isTyping(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
    if (event.key === "?" && help) help.showModal();
    else if (!press(event.key, event.target)) return;
    event.preventDefault();
  });
}

addEventListener("DOMContentLoaded", () => {
  document.getElementById("help-open")?.addEventListener("click", () => document.getElementById("help").showModal());
});
