// The health page: loaded again when the job has reported.
"use strict";
function drawBatches() {
  const data = document.getElementById("batches-data");
  if (!data) return;
  const { x, seconds, behind } = JSON.parse(data.textContent);
  chart("batches", [{ label: "seconds", colour: "--own" }, { label: "behind", colour: "--usual", scale: "right" }],
        [x, seconds, behind], { right: true });
}
addEventListener("DOMContentLoaded", () => {
  drawBatches();
  events.on("health", async () => {
    await htmx.ajax("GET", "/health", { target: "#health", swap: "innerHTML" });
    drawBatches();
  });
});
