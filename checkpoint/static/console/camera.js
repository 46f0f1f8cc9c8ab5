// The camera, loaded only when somebody asks for it: reads QR codes with zxing-wasm from our own
// server. Stops by itself when nobody shows anything.

import { prepareZXingModule, readBarcodes } from "../vendor/zxing/reader/index.js";

const WIDTH = 960;
const PAUSE = 60; // ms between two looks
const IDLE = 60_000;
const AGAIN = 3_000; // the same code again within this is the same showing
const OPTIONS = { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 };

prepareZXingModule({
  overrides: { locateFile: () => new URL("../vendor/zxing/zxing_reader.wasm", import.meta.url).href },
});

export class Camera {
  /** `scanned` gets what was read, `stopped` is told when it went off. */
  constructor(video, scanned, stopped) {
    Object.assign(this, { video, scanned, stopped, stream: null, torch: false });
    this.canvas = new OffscreenCanvas(WIDTH, WIDTH);
    this.last = { text: "", at: -AGAIN };
  }

  static async list() {
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter(({ kind }) => kind === "videoinput");
  }

  async start(deviceId = "") {
    this.stop();
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { ...which, width: { ideal: WIDTH } } });
    this.video.srcObject = this.stream;
    await this.video.play();
    this.seen = performance.now();
    this.look(this.stream);
    return this.track.getSettings().deviceId;
  }

  get track() {
    return this.stream.getVideoTracks()[0];
  }

  get hasTorch() {
    return Boolean(this.track.getCapabilities?.().torch);
  }

  /** Some devices turn their lamp off only with the stream. */
  async light(on) {
    this.torch = on;
    if (on) await this.track.applyConstraints({ advanced: [{ torch: true }] });
    else await this.start(this.track.getSettings().deviceId);
  }

  async look(stream) {
    while (this.stream === stream) {
      const text = await this.read();
      const now = performance.now();
      if (text) {
        this.seen = now;
        const again = text === this.last.text && now - this.last.at < AGAIN;
        this.last = { text, at: now };
        if (!again) this.scanned(text);
      } else if (now - this.seen > IDLE) {
        this.stop();
      }
      await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
    }
  }

  async read() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return "";
    const height = Math.round((WIDTH * videoHeight) / videoWidth);
    this.canvas.height = height;
    const drawing = this.canvas.getContext("2d", { willReadFrequently: true });
    drawing.drawImage(this.video, 0, 0, WIDTH, height);
    const [found] = await readBarcodes(drawing.getImageData(0, 0, WIDTH, height), OPTIONS);
    return found?.text ?? "";
  }

  stop() {
    if (!this.stream) return;
    for (const track of this.stream.getTracks()) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.stopped();
  }
}
