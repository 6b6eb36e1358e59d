// The exception queue: a decision key acts on the row one is on, dialogs that were refused open again, Ctrl Enter sends.
"use strict";

// in a list, a decision key without a selection means the row one is on
document.addEventListener("keydown", (event) => {
  const bulk = document.getElementById("bulk");
  if (!bulk || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target instanceof Element && event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  if (!bulk.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) return;
  if (document.querySelector("[data-pick]:checked")) return;
  const box = document.querySelector(".list tr.at [data-pick]");
  if (box) box.click();
  else event.stopImmediatePropagation();
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target instanceof Element ? event.target.closest("form") : null;
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector(".btn.main"));
});

for (const dialog of document.querySelectorAll("dialog[data-reopen]")) {
  dialog.close();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const named = event.target.closest?.("[data-mention]");
  if (!named) return;
  const field = document.getElementById(named.dataset.into);
  field.setRangeText(named.dataset.mention, field.selectionStart, field.selectionEnd, "end");
  field.focus();
});

// the trace viewer is fetched when somebody opens it
document.addEventListener("toggle", (event) => {
  const frame = event.target.open && event.target.querySelector?.("iframe[data-src]");
  if (!frame) return;
  frame.src = frame.dataset.src;
  frame.removeAttribute("data-src");
}, true);

// one decision, one click
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 3000) event.preventDefault();
  else form.dataset.sent = Date.now();
});
