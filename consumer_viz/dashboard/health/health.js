// The health page: taken anew when the job has reported.
"use strict";
function draw() {
  const data = document.getElementById("batches-data");
  if (!data) return;
  const { x, seconds, behind } = JSON.parse(data.textContent);
  chart("batches", [{ label: "seconds", colour: "--own" }, { label: "behind", colour: "--usual", scale: "right" }],
        [x, seconds, behind], { right: true });
}
addEventListener("DOMContentLoaded", () => {
  draw();
  desk.on("health", async () => {
    await htmx.ajax("GET", "/health", { target: "#health", swap: "innerHTML" });
    draw();
  });
});
