// What the pages do by themselves: keys, selection, theme, refreshing. Without it everything still works, by reloading.
"use strict";

const root = document.documentElement;
const writing = (target) => target instanceof Element && target.closest("input, select, textarea, [contenteditable]");

// -- keys: j k x Enter in a list, / search, ? help, Esc; others belong to buttons and links that say data-key="r"
let row = -1;
const rows = () => [...document.querySelectorAll(".list tbody tr:not(:has(.empty))")];

function go(step) {
  const all = rows();
  if (!all.length) return;
  all[row]?.classList.remove("at");
  row = Math.max(0, Math.min(all.length - 1, row + step));
  all[row].classList.add("at");
  (all[row].querySelector("td.what a, a") ?? all[row]).focus({ preventScroll: true });
  all[row].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (writing(event.target)) event.target.blur();
    document.querySelectorAll("details.menu[open]").forEach((one) => (one.open = false));
    document.querySelectorAll("[data-pick]:checked, [data-pick-all]:checked").forEach((one) => (one.checked = false));
    picked();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "j" || event.key === "k") {
    const other = document.querySelector(`[data-key="${event.key}"]`);
    if (other && !rows().length) other.click();
    else go(event.key === "j" ? 1 : -1);
  } else if (event.key === "x" && row >= 0) {
    const box = rows()[row]?.querySelector("[data-pick]");
    if (box) box.click();
  } else if (event.key === "?") {
    showKeys();
  } else {
    const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!wanted) return;
    if (writing(wanted)) wanted.focus();
    else wanted.click();
  }
  event.preventDefault();
});

// the help lists the page's own keys: those of its buttons and links
function showKeys() {
  const list = document.querySelector("[data-keys-here]");
  if (!list) return;
  list.replaceChildren();
  for (const one of document.querySelectorAll("main [data-key]")) {
    const words = one.cloneNode(true);
    words.querySelectorAll("kbd").forEach((key) => key.remove());
    const text = (one.getAttribute("aria-label") ?? words.textContent).trim();
    if (!text || writing(one)) continue;
    const [key, said] = [document.createElement("kbd"), document.createElement("dd")];
    key.textContent = one.dataset.key;
    said.textContent = text;
    const term = document.createElement("dt");
    term.append(key);
    list.append(term, said);
  }
  document.getElementById("keys")?.showModal();
}

// -- selection: [data-pick] boxes, [data-pick-all], and [data-picked] parts that are shown while something is selected
function picked() {
  const chosen = document.querySelectorAll("[data-pick]:checked");
  document.querySelectorAll("[data-picked]").forEach((one) => (one.hidden = !chosen.length));
  document.querySelectorAll("[data-picked-count]").forEach((one) => (one.textContent = chosen.length));
  document.querySelectorAll("[data-pick]").forEach((one) => one.closest("tr")?.setAttribute("aria-selected", one.checked));
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]"))
    document.querySelectorAll("[data-pick]").forEach((one) => (one.checked = event.target.checked));
  if (event.target.matches("[data-pick], [data-pick-all]")) picked();
  if (event.target.matches("[data-send-on-change]")) event.target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) event.target.closest(".message").remove();
  if (event.target.closest("[data-help]")) showKeys();
  if (event.target.closest("[data-theme-switch]")) turnTheme();
  const select = event.target.closest("[data-select]");
  if (select) select.select();
  const opens = event.target.closest("[data-opens]");
  if (opens) document.getElementById(opens.dataset.opens)?.showModal();
  const closes = event.target.closest("[data-closes]");
  if (closes) closes.closest("dialog")?.close();
});

// -- a button that says data-confirm="what will happen" asks first
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (!button || button.dataset.sure) return;
  event.preventDefault();
  const asked = document.getElementById("sure");
  asked.querySelector("p").textContent = button.dataset.confirm;
  asked.querySelector("[data-yes]").textContent = button.textContent;
  asked.onclose = () => {
    if (asked.returnValue !== "yes") return button.focus();
    button.dataset.sure = "yes";
    button.click();
  };
  asked.returnValue = "";
  asked.showModal();
});

function turnTheme() {
  const dark = root.dataset.theme === "dark" || (root.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  fetch("/theme", { method: "POST", headers: token, body: new URLSearchParams({ theme: root.dataset.theme }) });
}

// -- refreshing: [data-live="20"] fetches its hx-get every 20 s, ten times less often while the tab is hidden, and not
//    while somebody writes in it; an unchanged part (same ETag) is not touched
const due = new WeakMap();

setInterval(() => {
  for (const part of document.querySelectorAll("[data-live]")) {
    const every = Number(part.dataset.live) * 1000 * (document.hidden ? 10 : 1);
    if (!due.has(part)) due.set(part, Date.now());
    if (Date.now() - due.get(part) < every || document.querySelector("dialog[open]") || part.querySelector("details[open]")) continue;
    if (part.contains(document.activeElement) && writing(document.activeElement)) continue;
    due.set(part, Date.now());
    window.htmx?.trigger(part, "refresh");
  }
}, 500);

const shownTag = new Map();

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target, requestConfig } = event.detail;
  const tag = xhr.getResponseHeader("ETag");
  if (!tag || !requestConfig.elt.hasAttribute("data-live")) return;
  if (shownTag.get(target.id) === tag) event.detail.shouldSwap = false;
  shownTag.set(target.id, tag);
});

// what somebody typed, selected or opened inside a part survives its refresh
let kept = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (!part.hasAttribute?.("data-live") || !event.detail.shouldSwap) return;
  const typed = [...part.querySelectorAll("input[name], textarea[name], select[name]")]
    .filter((one) => (one.type === "checkbox" ? one.checked !== one.defaultChecked : one.type !== "hidden" && one.value !== one.defaultValue && one.tagName !== "SELECT"));
  kept = {
    id: part.id,
    focus: part.contains(document.activeElement) ? document.activeElement.id : "",
    typed: typed.map((one) => [one.name, one.type === "checkbox" ? one.value : null, one.type === "checkbox" ? one.checked : one.value]),
  };
});

document.addEventListener("htmx:afterSwap", () => {
  const part = kept && document.getElementById(kept.id);
  if (!part) return;
  for (const [name, value, now] of kept.typed) {
    const same = [...part.querySelectorAll(`[name="${CSS.escape(name)}"]`)].find((one) => value === null || one.value === value);
    if (same && value !== null) same.checked = now;
    else if (same) same.value = now;
  }
  if (kept.focus) document.getElementById(kept.focus)?.focus();
  kept = null;
  row = rows().findIndex((one) => one.classList.contains("at"));
  picked();
});

// -- a page is not left without being asked while something typed in a form has not been sent
const touched = new Set();

function isUnsent(field) {
  if (!field.isConnected || !field.checkVisibility()) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((one) => one.selected !== one.defaultSelected);
  return field.type === "file" ? field.files.length > 0 : field.value !== field.defaultValue;
}

document.addEventListener("input", ({ target }) => {
  if (target.form?.getAttribute("method") !== "post" || target.form.querySelector("[type=password]")) return;
  if (!target.matches("[data-pick], [data-pick-all], [data-send-on-change]")) touched.add(target);
});

document.addEventListener("submit", (event) => {
  for (const field of touched) if (field.form === event.target) touched.delete(field);
});

window.addEventListener("beforeunload", (event) => {
  if ([...touched].some(isUnsent)) event.preventDefault();
});

// -- the browser's time zone goes into forms that ask for it
for (const field of document.querySelectorAll("[data-zone]"))
  if (!field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

picked();
