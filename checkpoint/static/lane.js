// The lane with a scanner that types like a keyboard. Without this file the page is a plain form that works.
// Digits are read from the physical key (event.code): an input method on the device cannot eat them.
const GAP = 80; // ms between keys of one code; a person is slower
const LEAST = 16; // digits that make a code
const FULL = 24; // digits of a pass
const OFFLINE = 210; // digits that an offline pass has at least
const AGAIN = 3000; // ms in which the same code is the same squeeze of the trigger
const IDLE = 30_000; // ms after which names leave the screen

const form = document.querySelector("form[data-scan]");
const input = form?.querySelector("input[data-scan-input]");
let buffer = "";
let last = 0;
let sent = false;
let waiting;

function digitOf(code) {
  const found = /^(?:Digit|Numpad)(\d)$/.exec(code);
  return found ? found[1] : "";
}

// Digits that are no pass may be a person's number, off an identity card: only their count is kept.
function repeated(value, now) {
  const pass = value.length === FULL || value.length >= OFFLINE;
  const mark = pass ? value : `${value.length} digits`;
  const [before, at] = (sessionStorage.getItem("lane.last") ?? "|0").split("|");
  sessionStorage.setItem("lane.last", `${mark}|${now}`);
  return before === mark && now - Number(at) < AGAIN;
}

function submit(value) {
  if (sent) return;
  if (repeated(value, Date.now())) {
    input.value = "";
    return;
  }
  sent = true;
  input.value = value;
  form.requestSubmit();
}

// On a device that is busy keys come late and the buffer may lack the first ones: then what stands
// in the box is the whole, unless an input method has made something else of it.
function longer(keys) {
  const typed = input.value.replace(/\s/g, "");
  return /^\d+$/.test(typed) && typed.length > keys.length ? typed : keys;
}

function onKey(event) {
  const now = event.timeStamp; // when the key was pressed, not when this page found time for it
  if (now - last > GAP) buffer = "";
  last = now;
  if (event.code === "Enter" || event.code === "NumpadEnter") {
    const value = longer(buffer);
    buffer = "";
    if (sent || value.length >= LEAST) event.preventDefault();
    if (value.length >= LEAST) submit(value);
    return;
  }
  buffer += digitOf(event.code);
}

// Some hand-held devices send no event.code: then the visible box is what we have. It is left alone
// until nothing more comes: an offline pass begins like a short one and goes on.
function onText(event) {
  clearTimeout(waiting);
  const value = input.value.replace(/\s/g, "");
  const whole = value.length === FULL || value.length >= OFFLINE;
  if (event.isComposing || !whole || !/^\d+$/.test(value)) return;
  waiting = setTimeout(() => submit(value), 2 * GAP);
}

// On a touch screen focus would raise the soft keyboard over the card; the listener above needs none.
function refocus() {
  const other = document.activeElement?.closest("input, select, textarea, button, a, summary");
  if (!other && matchMedia("(pointer: fine)").matches) input.focus({ preventScroll: true });
}

const TONES = {
  green: { pitch: 1320, beats: [120], shake: [60] },
  yellow: { pitch: 880, beats: [120, 120], shake: [60, 60, 60] },
  white: { pitch: 660, beats: [120, 120, 120], shake: [60, 60, 60, 60, 60] },
  red: { pitch: 220, beats: [700], shake: [600] },
  unknown: { pitch: 330, beats: [160, 160], shake: [60, 60, 60] },
  duplicate: { pitch: 990, beats: [40, 40], shake: [30, 40, 30] },
  wrong_code: { pitch: 440, beats: [40], shake: [30] },
};

function sound({ pitch, beats, shake }) {
  navigator.vibrate?.(shake);
  const audio = new AudioContext();
  let at = audio.currentTime;
  for (const beat of beats) {
    const tone = audio.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(audio.destination);
    tone.start(at);
    tone.stop(at + beat / 1000);
    at += beat / 1000 + 0.08;
  }
}

function start() {
  document.addEventListener("keydown", onKey, true);
  input.addEventListener("input", onText);
  input.addEventListener("compositionend", () => onText({ isComposing: false }));
  input.addEventListener("blur", () => setTimeout(refocus, 200));
  window.addEventListener("focus", refocus);
  window.addEventListener("pageshow", () => { sent = false; refocus(); });
  const card = document.querySelector("[data-card]")?.dataset.card;
  if (card in TONES) sound(TONES[card]);
  setTimeout(() => document.body.classList.add("blanked"), IDLE);
  document.addEventListener("pointerdown", () => document.body.classList.remove("blanked"));
}

if (form && input) start();
