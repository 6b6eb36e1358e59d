// What the field of search offers: arrows go through it, Enter opens, Escape closes; a completion goes into the field.
"use strict";

const searchField = document.querySelector('form[role="search"] input[name="q"]');
const offers = document.getElementById("suggest");
let offered = -1;

const options = () => [...offers.querySelectorAll('[role="option"]')];

function openOffers(open) {
  const shown = open && options().length > 0;
  offers.hidden = !shown;
  searchField.setAttribute("aria-expanded", String(shown));
  if (!shown) choose(-1);
}

function choose(place) {
  const all = options();
  offered = all.length ? Math.max(-1, Math.min(all.length - 1, place)) : -1;
  all.forEach((one, number) => one.setAttribute("aria-selected", String(number === offered)));
  if (offered < 0) return searchField.removeAttribute("aria-activedescendant");
  searchField.setAttribute("aria-activedescendant", all[offered].id);
  all[offered].scrollIntoView({ block: "nearest" });
}

function take(option) {
  if (!("fill" in option.dataset)) return false;
  searchField.value = option.dataset.fill;
  searchField.focus();
  window.htmx?.trigger(searchField, "go-on");
  return true;
}

searchField?.addEventListener("keydown", (event) => {
  if (event.isComposing) return; // the input method's own Enter and arrows
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (offers.hidden) openOffers(true);
    choose(offered + (event.key === "ArrowDown" ? 1 : -1));
    event.preventDefault();
  } else if (event.key === "Enter" && offered >= 0 && !offers.hidden) {
    const option = options()[offered];
    if (!take(option)) window.location.assign(option.href);
    event.preventDefault();
  } else if (event.key === "Escape" && !offers.hidden) {
    openOffers(false);
    event.stopPropagation();
    event.preventDefault();
  }
});

searchField?.addEventListener("focus", () => searchField.value && openOffers(true));

offers?.addEventListener("htmx:afterSwap", () => {
  choose(-1);
  openOffers(document.activeElement === searchField && searchField.value.trim() !== "");
});

document.addEventListener("click", (event) => {
  if (!searchField) return;
  const option = event.target.closest("#suggest [data-fill]");
  if (option && take(option)) return event.preventDefault();
  if (!event.target.closest('form[role="search"]')) openOffers(false);
});

searchField?.form.addEventListener("focusout", (event) => {
  if (event.relatedTarget && !searchField.form.contains(event.relatedTarget)) openOffers(false);
});
