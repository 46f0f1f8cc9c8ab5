// Sound and vibration: each card has its own, so that an officer need not look twice.

const SOUNDS = {
  green: [[1320, 120]],
  yellow: [[880, 90], [0, 60], [880, 90]],
  white: [[660, 90], [0, 50], [660, 90], [0, 50], [660, 90]],
  red: [[220, 700]],
  duplicate: [[520, 50], [0, 40], [520, 50]],
  wrong_code: [[180, 60]],
};
const SHAKES = {
  green: 60, yellow: [60, 60, 60], white: [60, 60, 60, 60, 60], red: 600, duplicate: [40, 40, 40], wrong_code: 30,
};

let audio;

/** To be called from a tap: browsers give no sound before one. */
export async function unlock() {
  audio ??= new AudioContext();
  await audio.resume();
  return audio.state === "running";
}

export function tell(card) {
  navigator.vibrate?.(SHAKES[card] ?? 30);
  if (audio?.state !== "running") return;
  let at = audio.currentTime;
  for (const [hertz, ms] of SOUNDS[card] ?? []) {
    if (hertz) beep(hertz, at, ms / 1000);
    at += ms / 1000;
  }
}

function beep(hertz, at, seconds) {
  const tone = audio.createOscillator();
  const level = audio.createGain();
  tone.frequency.value = hertz;
  level.gain.setValueAtTime(0.4, at);
  level.gain.setValueAtTime(0, at + seconds);
  tone.connect(level).connect(audio.destination);
  tone.start(at);
  tone.stop(at + seconds);
}
