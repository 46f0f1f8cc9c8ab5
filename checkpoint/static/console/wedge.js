// A scanner that types like a keyboard. Digits come from the physical key (event.code), so that an
// input method on the device cannot eat them; `key` may well be "Process".

const GAP = 80; // ms between keys of one code; a person is slower
const LEAST = 16; // digits that make a code

/** `scanned` gets what was read; what a person types into a field is left alone. */
export function listen(scanned, now = () => performance.now()) {
  let buffer = "";
  let last = -Infinity;
  document.addEventListener("keydown", (event) => {
    const at = now();
    if (at - last > GAP) buffer = "";
    last = at;
    if (event.code === "Enter" || event.code === "NumpadEnter") {
      const read = buffer;
      buffer = "";
      if (read.length < LEAST) return;
      event.preventDefault();
      event.stopPropagation();
      if (document.activeElement?.matches("input")) document.activeElement.value = "";
      scanned(read);
      return;
    }
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit) buffer += digit[1];
    else if (event.code) buffer = "";
  }, true);
}
