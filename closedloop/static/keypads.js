// Keypads for touch screens; typing and pasting still work, and a button brings the keyboard back.
(() => {
  const words = document.currentScript.dataset;
  const PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新";
  const SIGNS = "1234567890ABCDEFGHJKLMNPQRSTUVWXYZ";
  const TAILS = "挂学警领使港澳";
  let pad, field, letters;

  const key = (text, act, name) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (name) made.ariaLabel = name;
    if (name) made.className = "word";
    made.onclick = act;
    return made;
  };

  function put(sign) {
    const { selectionStart: from, selectionEnd: to, maxLength, value } = field;
    if (sign && maxLength > 0 && value.length - (to - from) >= maxLength) return;
    field.setRangeText(sign, sign || from < to ? from : Math.max(0, from - 1), to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function signs() {
    if (field.dataset.keypad === "id") return "123456789X0";
    const text = field.value.replace(/[\s·.-]/g, "");
    const own = field.dataset.province || "";
    if (!text && !letters) return own + PROVINCES.replace(own, "") + "使";
    return SIGNS + (text.length > 5 ? TAILS : "");
  }

  function draw() {
    letters &&= !field.value;
    const keys = [...signs()].map((sign) => key(sign, () => put(sign)));
    keys.push(key("⌫", () => put(""), words.delete));
    if (field.dataset.keypad === "plate" && !field.value) {
      const other = letters ? words.provinces : words.letters;
      const turn = () => draw((letters = !letters));
      keys.push(key(letters ? "豫…" : "A1…", turn, other));
    }
    keys.push(key(words.keyboard, () => close(true), words.keyboard));
    keys.push(key(words.done, () => close(), words.done));
    const held = [...pad.children].indexOf(document.activeElement);
    pad.replaceChildren(...keys);
    keys[Math.min(held, keys.length - 1)]?.focus();
  }

  function open(input) {
    if (pad && field !== input) close();
    if (pad || input.dataset.typing) return;
    field = input;
    letters = false;
    field.inputMode = "none";
    pad = document.createElement("div");
    pad.className = `pad pad-${field.dataset.keypad}`;
    pad.role = "group";
    pad.ariaLabel = words.pad;
    pad.onpointerdown = (event) => event.preventDefault();
    field.after(pad);
    draw();
  }

  function close(typing) {
    pad.remove();
    pad = null;
    field.inputMode = field.dataset.mode;
    if (!typing) return;
    field.dataset.typing = "yes";
    field.blur();
    field.focus();
  }

  if (!matchMedia("(any-pointer: coarse)").matches) return;
  for (const input of document.querySelectorAll("input[data-keypad]")) {
    input.dataset.mode = input.inputMode;
    input.addEventListener("input", () => pad && field === input && draw());
    for (const event of ["focus", "click"]) input.addEventListener(event, () => open(input));
  }
})();
