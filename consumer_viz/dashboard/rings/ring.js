// A ring by keyboard: move through its accounts, tick them, decide all ticked ones at once.
"use strict";
let current = null;
let previewTimer = 0;

const members = () => [...document.querySelectorAll(".members .row")];
const box = (row) => row.querySelector("[type=checkbox]");
const countTicked = () => {
  document.getElementById("ticked").textContent = document.querySelectorAll(".members :checked").length.toLocaleString("en");
};

function show(row, { focus = true } = {}) {
  if (!row) return;
  document.querySelector(".row.selected")?.classList.remove("selected");
  row.classList.add("selected");
  current = row.dataset.case;
  if (focus) row.querySelector("a").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  clearTimeout(previewTimer);
  previewTimer = setTimeout(() => {
    const { ring } = document.getElementById("ring").dataset;
    htmx.ajax("GET", `/rings/${ring}/members/${current}`, { target: "#member", swap: "innerHTML" });
  }, 60);
}

function step(by) {
  const all = members();
  const at = all.findIndex((row) => row.dataset.case === current);
  show(all[at < 0 ? 0 : at + by]);
}

function tickAll() {
  const open = [...document.querySelectorAll(".members [data-waiting]")];
  // once the ring is decided, those left out are what there is to tick
  const waiting = open.length ? open : [...document.querySelectorAll(".members [name=case]:not(:disabled)")];
  const isAll = waiting.every((one) => one.checked);
  for (const one of waiting) one.checked = !isAll;
  countTicked();
}

function tickCurrent() {
  const row = members().find((one) => one.dataset.case === current);
  if (!row || box(row).disabled) return;
  box(row).checked = !box(row).checked;
  countTicked();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const help = document.getElementById("help");
  if (help.open) return;
  if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
  if (isTyping(event.target)) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "x") tickCurrent();
  else if (event.key === "a") tickAll();
  else if (event.key === "q") location.href = "/queue";
  else if (event.key === "?") help.showModal();
  else if (!pressVerdict(event.key, document) && !pressTeam(event.key)) return;
  event.preventDefault();
});

addEventListener("DOMContentLoaded", () => {
  document.getElementById("help-open").addEventListener("click", () => document.getElementById("help").showModal());
  document.addEventListener("click", (event) => { if (event.target.closest("#tick-all")) tickAll(); });
  document.addEventListener("change", (event) => { if (event.target.name === "case") countTicked(); });
  countTicked();
  // After a decision the page's content is new: stay at the account where the analyst was.
  new MutationObserver(() => {
    countTicked();
    const row = members().find((one) => one.dataset.case === current);
    if (row && !row.classList.contains("selected")) show(row, { focus: false });
  }).observe(document.querySelector("main"), { childList: true });
});
