// A reader of identity cards types like a keyboard and ends with Enter. In a long form that leads to
// the next field; the form is sent by its button.

for (const form of document.querySelectorAll("form[data-reader]")) {
  form.addEventListener("keydown", (event) => {
    const here = event.target;
    if (event.key !== "Enter" || here.tagName !== "INPUT" || here.type === "radio") return;
    event.preventDefault();
    const fields = [...form.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
      .filter((field) => field.offsetParent);
    fields[fields.indexOf(here) + 1]?.focus();
  });
}
