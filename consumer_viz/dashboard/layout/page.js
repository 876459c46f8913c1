// On every page: the event stream, counts in the navigation, a message when the server does not answer.
"use strict";
const SILENCE_MS = 5000; // the server ends each stream after a while, and has the page ask again 2 s later (`retry`)
const events = { listeners: {} };
events.on = (name, handle) => { events.listeners[name] = handle; };

function connect() {
  const { page, seq } = document.body.dataset;
  const source = new EventSource(`/events?page=${page}&seq=${seq}`);
  const trouble = document.getElementById("trouble");
  const message = trouble.textContent;
  let silence = 0;
  source.addEventListener("open", () => {
    clearTimeout(silence);
    silence = 0;
    trouble.textContent = message;
    trouble.hidden = !message;
  });
  source.addEventListener("error", () => {
    silence ||= setTimeout(() => {
      trouble.textContent = "The server does not answer: what you see may be old. Is playproof desk still running?";
      trouble.hidden = false;
    }, SILENCE_MS);
  });
  source.addEventListener("counts", (event) => {
    const counts = JSON.parse(event.data);
    document.getElementById("open-count").textContent = counts.lists.suspected.toLocaleString("en");
    for (const badge of document.querySelectorAll("[data-count]")) {
      badge.textContent = counts.lists[badge.dataset.count].toLocaleString("en");
    }
    events.listeners.counts?.(counts);
  });
  for (const name of ["live", "health", "leases", "rows"]) {
    source.addEventListener(name, (event) => events.listeners[name]?.(JSON.parse(event.data)));
  }
  addEventListener("pagehide", () => source.close());
}

// Where the server refuses a form (a new start of the desk, a sign-in that ended), has a fault or is away, the form stays with
// what was written in it (`noSwap` in base.html), and the page says why.
const SWAPPED = [409, 422]; // the form comes back with a message of its own
function showRefusal(reason) {
  const refused = document.getElementById("refused");
  refused.textContent = `${reason} Nothing was saved; what you wrote is still here.`;
  refused.hidden = false;
}
addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (SWAPPED.includes(ctx.response.status)) return;
  const answer = new DOMParser().parseFromString(ctx.text, "text/html");
  showRefusal(answer.querySelector("main p")?.textContent ?? answer.body.textContent);
});
addEventListener("htmx:error", () => showRefusal("The server does not answer. Is playproof desk still running?"));
addEventListener("htmx:after:swap", () => { document.getElementById("refused").hidden = true; });

// What scrolls sideways can be reached by keyboard and has a name for screen readers.
function labelScrollers() {
  for (const scroller of document.querySelectorAll(".scroll")) {
    if (scroller.scrollWidth <= scroller.clientWidth || scroller.hasAttribute("tabindex")) continue;
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "group");
    const title = scroller.closest("section")?.querySelector("h2")?.textContent ?? "Table";
    scroller.setAttribute("aria-label", `${title}, scrolls sideways`);
  }
}

// From everywhere: / goes to the search.
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, input:not([type=radio], [type=checkbox]), select")) return;
  document.getElementById("find").focus();
  event.preventDefault();
});

addEventListener("DOMContentLoaded", () => { connect(); labelScrollers(); });
addEventListener("resize", labelScrollers);
addEventListener("toggle", labelScrollers, true);
