// The pop-ups and the endless script, when the page was told to have them.
"use strict";

const { popup, endless } = document.body.dataset;

if (popup === "modal") {
  document.getElementById("survey").showModal();
}
if (popup === "confirm") {
  document.getElementById("order")?.addEventListener("submit", (event) => {
    if (!window.confirm("Do you really want to post this order?")) event.preventDefault();
  });
}
window.addEventListener("load", () => {
  if (popup === "alert") {
    setTimeout(() => window.alert("The portal will be closed for maintenance tonight."), 0);
  }
  if (endless !== undefined) {
    setTimeout(() => { while (true) { /* a page that never gives the browser back */ } }, 50);
  }
});
