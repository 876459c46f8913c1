// A ring by keyboard: move through its accounts, tick them, decide all ticked ones at once.
"use strict";

const members = () => [...document.querySelectorAll(".members .row")];
const box = (row) => row.querySelector("[type=checkbox]");
const countTicked = () => {
  document.getElementById("ticked").textContent = document.querySelectorAll(".members :checked").length.toLocaleString("en");
};

const memberOf = (row) => `/rings/${document.getElementById("ring").dataset.ring}/members/${row.dataset.case}`;
const show = (row, options) => selectRow(row, "#member", memberOf, options);

function tickAll() {
  const open = [...document.querySelectorAll(".members [data-waiting]")];
  // once the ring is decided, those left out are what there is to tick
  const waiting = open.length ? open : [...document.querySelectorAll(".members [name=case]:not(:disabled, [data-own])")];
  const isAll = waiting.every((one) => one.checked);
  for (const one of waiting) one.checked = !isAll;
  countTicked();
}

function tickCurrent() {
  const row = members()[place(members())];
  if (!row || box(row).disabled) return;
  box(row).checked = !box(row).checked;
  countTicked();
}

onKeys((key) => {
  if (key === "j") show(rowBy(members(), 1));
  else if (key === "k") show(rowBy(members(), -1));
  else if (key === "x") tickCurrent();
  else if (key === "a") tickAll();
  else if (key === "q") location.href = "/queue";
  else return pressVerdict(key, document) || pressTeam(key);
  return true;
});

addEventListener("DOMContentLoaded", () => {
  document.addEventListener("click", (event) => { if (event.target.closest("#tick-all")) tickAll(); });
  document.addEventListener("change", (event) => { if (event.target.name === "case") countTicked(); });
  countTicked();
  // After a decision the page's content is new: stay at the account where the analyst was.
  new MutationObserver(() => {
    countTicked();
    const row = members()[place(members())];
    if (row && !row.classList.contains("selected")) show(row, { focus: false });
  }).observe(document.querySelector("main"), { childList: true });
});
