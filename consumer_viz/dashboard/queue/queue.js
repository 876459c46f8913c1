// The queue by keyboard and mouse. The list does not move by itself: a button shows new cases.
"use strict";
let submitted = null; // the case that this page decided last: the answer to its form shows it

const rows = () => [...document.querySelectorAll("#rows .row")];
const isWide = () => matchMedia("(min-width: 900px)").matches;

const panelOf = (row) => row.dataset.panel ?? `/queue/panel/${row.dataset.case}`;
const select = (row, options) => selectRow(row, "#panel", panelOf, options);

function move(by) {
  const next = rowBy(rows(), by);
  if (next) select(next);
  else if (by > 0) document.querySelector("#rows .more button")?.click();
}

function advance() {
  const all = rows();
  const at = place(all);
  const isFree = (row) => !row.hasAttribute("data-decided") && row.querySelector(".looking")?.hidden !== false;
  select(all.slice(at + 1).find(isFree) ?? all.slice(at + 1).find((row) => !row.hasAttribute("data-decided")) ?? all[at]);
}

// Somebody decided or assigned it: its row and its panel show that, but the list does not move.
async function refresh(subject) {
  const row = document.getElementById(`row-${subject}`);
  if (!row) return;
  const isFocused = row.contains(document.activeElement);
  await htmx.ajax("GET", `/queue/rows/${subject}`, { source: `#row-${subject}`, target: `#row-${subject}`, swap: "outerHTML" });
  const changed = document.getElementById(`row-${subject}`);
  if (subject === selected && changed) {
    changed.classList.add("selected");
    if (isFocused) changed.querySelector("a").focus({ preventScroll: true });
    const isBusy = subject === submitted || document.querySelector("#panel #decide :checked, #panel details[open]");
    if (!isBusy) select(changed, { focus: false });
  }
  if (team.leases) showLeases(team.leases);
}

const panelIsOf = (caseId) => document.querySelector("#panel #decide")?.action.includes(caseId);

onKeys((key, target) => {
  if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "r") location.reload();
  else if (key === "Enter" && target.matches("[type=radio]")) location.href = `/cases/${selected}`;
  else if (key === "u") return pressVerdict("u", document);
  else return (panelIsOf(selected) && pressVerdict(key, document)) || pressTeam(key);
  return true;
});

// The introduction is shown until this browser has closed it once.
const TOUR = "playproof-tour-closed";

function isTourClosed() {
  try { return localStorage.getItem(TOUR) === "1"; } catch { return true; }
}

function closeTour() {
  document.getElementById("tour").hidden = true;
  try { localStorage.setItem(TOUR, "1"); } catch { /* a browser that keeps nothing shows it again */ }
}

function offerTour() {
  const tour = document.getElementById("tour");
  tour.hidden = isTourClosed() || tour.dataset.tab !== "suspected";
  document.getElementById("tour-close").addEventListener("click", closeTour);
  document.getElementById("tour-open").addEventListener("click", () => { tour.hidden = false; });
}

addEventListener("DOMContentLoaded", () => {
  offerTour();
  document.getElementById("rows").addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row || !isWide() || event.ctrlKey || event.metaKey || event.detail === 0) return;
    event.preventDefault();
    select(row);
  });
  events.on("rows", (subjects) => { for (const subject of subjects) refresh(subject); });
  document.addEventListener("submit", (event) => { if (event.target.matches("#decide")) submitted = selected; }, true);
  const pill = document.getElementById("pill");
  pill.addEventListener("click", () => location.reload());
  events.on("counts", ({ new: count, decisions }) => {
    pill.hidden = !count;
    pill.textContent = `${count.toLocaleString("en")} new`;
    if (document.getElementById("sums").dataset.decisions !== String(decisions)) {
      htmx.ajax("GET", "/queue/sums", { source: "#sums", target: "#sums", swap: "outerHTML" });
    }
  });
  // The answer to a decision replaces the toast: go to the next case after a decision, back after an undo.
  new MutationObserver(() => {
    const last = document.getElementById("last");
    if (!last.dataset.case || last.dataset.isHandled) return;
    last.dataset.isHandled = "1";
    const row = document.getElementById(`row-${last.dataset.case}`);
    if (last.dataset.step === "decide") { selected = last.dataset.case; advance(); } else select(row);
  }).observe(document.querySelector("main"), { childList: true });
  if (isWide()) select(rows()[0], { focus: false });
});
