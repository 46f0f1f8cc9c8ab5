// Bytes, as they are sent and signed: base64url without padding.

export const bytes = (text) => new TextEncoder().encode(text);

export const encode = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw)))
  .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

export const decode = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
