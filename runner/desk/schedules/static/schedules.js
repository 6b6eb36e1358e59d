// Schedules: a button that opens a dialog for one due time fills it in; a refused dialog opens again.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  if (!button) return;
  const dialog = document.getElementById(button.dataset.opens);
  dialog.querySelector(`[name="${CSS.escape(button.dataset.fill)}"]`).value = button.dataset.value;
  dialog.querySelector("[data-shown]").textContent = button.dataset.shown;
});

for (const dialog of document.querySelectorAll("dialog[data-reopen]")) dialog.showModal();
