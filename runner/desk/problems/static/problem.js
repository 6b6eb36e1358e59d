// The page of a problem: rows of the 5 Whys are emptied and added, and a button can put words into a field.
"use strict";

document.addEventListener("click", (event) => {
  const put = event.target.closest?.("[data-puts]");
  if (put) {
    const field = document.getElementById(put.dataset.into);
    field.value = put.dataset.puts;
    field.focus();
  }
  const empty = event.target.closest?.("[data-empties]");
  if (empty) {
    const row = empty.closest("li");
    row.querySelectorAll("textarea, input").forEach((one) => (one.value = ""));
    const next = row.nextElementSibling?.querySelector("textarea") ?? row.querySelector("textarea");
    row.parentElement.append(row); // an emptied row goes to the end, the others move up
    number(row.parentElement);
    next.focus();
  }
  const adds = event.target.closest?.("[data-adds-row]");
  if (adds) addRow(adds);
});

function addRow(button) {
  const list = button.closest("form").querySelector(".why-rows");
  const row = list.lastElementChild.cloneNode(true);
  row.querySelectorAll("textarea, input").forEach((one) => (one.value = ""));
  list.append(row);
  number(list);
  row.querySelector("textarea").focus();
  button.hidden = list.children.length >= Number(list.dataset.rows);
}

// ids and labels follow the place of a row; the first label alone asks for the event itself
function number(list) {
  const words = [...list.querySelectorAll("li > .field:first-child label")].map((one) => one.textContent);
  const first = words.find((text) => !/\d/.test(text));
  const later = words.find((text) => /\d/.test(text)) ?? first;
  [...list.children].forEach((row, at) => {
    for (const [name, field] of [["why", row.querySelector("textarea")], ["evidence", row.querySelector("input")]]) {
      field.id = `${name}-${at + 1}`;
      field.closest(".field").querySelector("label").htmlFor = field.id;
    }
    row.querySelector("label").textContent = at ? later.replace(/\d+/, at + 1) : first;
    const remove = row.querySelector("[data-empties]");
    remove.setAttribute("aria-label", remove.getAttribute("aria-label").replace(/\d+/, at + 1));
  });
}

for (const button of document.querySelectorAll("[data-adds-row]")) {
  const list = button.closest("form").querySelector(".why-rows");
  button.hidden = list.children.length >= Number(list.dataset.rows);
}
