"""A console as the tests play it: with a key of its own, over HTTP."""

import base64
import json
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from checkpoint.bundles import CONTEXT as BUNDLE
from registry.consoles import CONTEXT
from registry.offline_pass import CURVE

Json = dict[str, Any]


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwk(key: EllipticCurvePublicKey) -> Json:
    numbers = key.public_numbers()
    x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
    return {"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)}


class Console:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.key: EllipticCurvePrivateKey = generate_private_key(CURVE)
        self.enrolled: Json = {}
        self.token = ""

    async def enrol(self, code: str) -> httpx.Response:
        body = {"code": code, "public_key": jwk(self.key.public_key())}
        answer = await self.client.post("/api/v1/gate/enrol", json=body)
        if answer.status_code == 201:
            self.enrolled = answer.json()
        return answer

    async def nonce(self) -> str:
        asked = {"device": self.enrolled["device"]}
        return (await self.client.post("/api/v1/gate/challenge", json=asked)).json()["nonce"]

    def signed(self, nonce: str, key: EllipticCurvePrivateKey | None = None) -> str:
        der = (key or self.key).sign((CONTEXT + nonce).encode(), ECDSA(SHA256()))
        r, s = decode_dss_signature(der)
        return encode(r.to_bytes(32) + s.to_bytes(32))

    async def open(self, nonce: str = "", signature: str = "") -> httpx.Response:
        nonce = nonce or await self.nonce()
        body = {
            "device": self.enrolled["device"],
            "nonce": nonce,
            "signature": signature or self.signed(nonce),
        }
        answer = await self.client.post("/api/v1/gate/session", json=body)
        if answer.status_code == 200:
            self.token = answer.json()["token"]
        return answer

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", params=query, headers=self.headers)

    async def post(self, path: str, body: Json) -> httpx.Response:
        return await self.client.post(f"/api/v1{path}", json=body, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def bundle(self, since: int | None = None, **said: int) -> Json:
        asked = said if since is None else said | {"since": since}
        answer = await self.get("/gate/bundle", **asked)
        assert answer.status_code == 200, answer.text
        return opened(answer.json(), self.enrolled["keys"])


def opened(said: Json, keys: list[Json]) -> Json:
    """Raises InvalidSignature, as a console refuses."""
    key = next(key for key in keys if key["kid"] == said["kid"])
    point = b"\x04" + decode(key["x"]) + decode(key["y"])
    raw = decode(said["signature"])
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    public.verify(der, BUNDLE + said["signed"].encode(), ECDSA(SHA256()))
    return json.loads(said["signed"])


__all__ = ["Console", "InvalidSignature", "opened"]
