// A camera's picture is made small before it is sent: seconds instead of minutes on a bad network.
// Where that cannot be done it goes as it is, and the server makes it small.
const LONG_SIDE = 1600;
const SMALL = 400_000;

for (const input of document.querySelectorAll("[data-photo]")) {
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file || file.size < SMALL) return;
    const small = await shrunk(file).catch(() => null);
    if (!small || small.size >= file.size || input.files[0] !== file) return;
    const kept = new DataTransfer();
    kept.items.add(new File([small], "photo.jpg", { type: "image/jpeg" }));
    input.files = kept.files;
  });
}

async function shrunk(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
}
