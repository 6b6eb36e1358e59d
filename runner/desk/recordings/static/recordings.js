// Binding a recording: a choice that is made while the desk still answers an earlier one stays. The answer to the earlier one is
// not shown then; the question for the later one waits in the queue and follows.
"use strict";

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const asked = requestConfig?.formData;
  if (target.id !== "columns" || !asked) return;
  const chosen = (one) => (one.type === "checkbox" ? one.checked !== asked.has(one.name) : one.type === "radio" ? one.checked && asked.get(one.name) !== one.value : asked.get(one.name) !== one.value);
  if ([...target.querySelectorAll("select[name], input[name]")].some(chosen)) event.detail.shouldSwap = false;
});
