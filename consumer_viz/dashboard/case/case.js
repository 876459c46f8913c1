// Keys of the decision form on a case's own page.
"use strict";
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
  if (isTyping(event.target)) return;
  if (pressVerdict(event.key, document) || pressTeam(event.key)) event.preventDefault();
});
