// The queue by keyboard and mouse. The list does not move by itself: a button shows new cases.
"use strict";
let selected = null;
let previewTimer = 0;
let submitted = null; // the case that this page decided last: the answer to its form shows it

const rows = () => [...document.querySelectorAll("#rows .row")];
const isWide = () => matchMedia("(min-width: 900px)").matches;

// Each request names its own source: htmx sends one request at a time for a source, and leaves out what comes in between.
function select(row, { focus = true } = {}) {
  if (!row) return;
  document.querySelector(".row.selected")?.classList.remove("selected");
  row.classList.add("selected");
  selected = row.dataset.case;
  if (focus) row.querySelector("a").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  clearTimeout(previewTimer);
  previewTimer = setTimeout(() => {
    htmx.ajax("GET", row.dataset.panel ?? `/queue/panel/${selected}`, { source: "#panel", target: "#panel", swap: "innerHTML" });
  }, 60);
}

function move(by) {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.case === selected);
  const next = all[at + by];
  if (next) select(next);
  else if (by > 0) document.querySelector("#rows .more button")?.click();
}

function advance() {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.case === selected);
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

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const help = document.getElementById("help");
  if (help.open) return;
  if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
  if (isTyping(event.target)) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") help.showModal();
  else if (event.key === "r") location.reload();
  else if (event.key === "Enter" && event.target.matches("[type=radio]")) location.href = `/cases/${selected}`;
  else if (event.key === "u" ? !pressVerdict("u", document) : !(panelIsOf(selected) && pressVerdict(event.key, document)) && !pressTeam(event.key)) return;
  event.preventDefault();
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
  document.getElementById("help-open").addEventListener("click", () => document.getElementById("help").showModal());
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
