// A lease on what is open: taken when it is opened, renewed while it is looked at, given up when the page is closed.
"use strict";
const RENEW_MS = 60_000;
const team = { page: crypto.randomUUID(), subject: null, isMine: false };
const myName = () => document.body.dataset.me;

function teamBody(values) {
  return new URLSearchParams({ csrf: document.querySelector(".me [name=csrf]").value, page: team.page, ...values });
}

function showLooking(analyst) {
  const looking = document.getElementById("looking");
  if (!looking) return;
  looking.hidden = !analyst || analyst === myName();
  const name = looking.querySelector("b");
  if (name.textContent !== (analyst ?? "")) name.textContent = analyst ?? "";
}

async function look(subject, values = {}) {
  team.subject = subject;
  const answer = await fetch(`/leases/${subject}`, { method: "POST", body: teamBody(values) });
  if (!answer.ok) return;
  const { analyst } = await answer.json();
  if (subject === team.subject) showLooking(analyst);
}

function showLeases(leases) {
  for (const row of document.querySelectorAll(".row[data-case]")) {
    const chip = row.querySelector(".looking");
    const analyst = leases[row.dataset.case];
    if (!chip) continue;
    chip.hidden = !analyst || analyst === myName();
    const words = `${analyst} is looking`;
    if (chip.textContent !== words) chip.textContent = words;
  }
  if (team.subject) showLooking(leases[team.subject]);
  team.leases = leases;
}

// g: it is mine; h: choose the day until which it rests; e: escalate.
function pressTeam(key) {
  const form = document.querySelector(".team-form");
  if (!form || !["g", "h", "e"].includes(key)) return false;
  if (key === "h") {
    form.closest("details").open = true;
    form.elements.until.focus();
    return true;
  }
  if (key === "g") form.elements.assignee.value = myName();
  form.querySelector(`[value=${key === "g" ? "assign" : "escalate"}]`).click();
  return true;
}

const opened = () => document.getElementById("team")?.dataset.subject;

addEventListener("DOMContentLoaded", () => {
  events.on("leases", showLeases);
  document.addEventListener("click", (event) => {
    if (event.target.closest("#take-over")) look(team.subject, { take_over: "1" });
  });
  // the queue's panel shows one case after another: what it shows is what is looked at
  new MutationObserver(() => {
    const subject = opened();
    if (subject && subject !== team.subject) look(subject);
    else if (subject && team.leases) showLooking(team.leases[subject]);
  }).observe(document.querySelector("main"), { childList: true, subtree: true });
  if (opened()) look(opened());
  setInterval(() => { if (team.subject && document.visibilityState === "visible") look(team.subject); }, RENEW_MS);
  document.addEventListener("visibilitychange", () => { if (team.subject && document.visibilityState === "visible") look(team.subject); });
  addEventListener("pagehide", () => navigator.sendBeacon("/leases", teamBody({})));
});
