// Keys for whoever reviews many: a approves, r opens the rejection, of the application in focus or else the first.
// Nothing is sent by a key alone while somebody types, and a rejection still needs its reason.
const TYPING = "input, select, textarea, [contenteditable]";
const items = [...document.querySelectorAll("[data-review]")];
for (const hint of document.querySelectorAll("[data-keys]")) hint.hidden = items.length === 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches(TYPING)) return;
  const item = items.find((one) => one.contains(document.activeElement)) ?? items[0];
  if (!item) return;
  if (event.key === "a") item.querySelector("[data-approve]").focus();
  else if (event.key === "r") {
    const box = item.querySelector("[data-reject]");
    box.open = true;
    box.querySelector("select").focus();
  } else return;
  event.preventDefault();
});
