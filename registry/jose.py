"""Bytes and signatures as JSON Web Keys and WebCrypto write them (RFC 7515, 7518)."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

_COORDINATE = 32


def encode(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Whatever is no base64url is no bytes: it fits nothing."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def sign(key: EllipticCurvePrivateKey, data: bytes) -> str:
    """ES256: r and s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(data, ECDSA(SHA256())))
    return encode(r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE))


def fits(key: EllipticCurvePublicKey, signature: str, data: bytes) -> bool:
    raw = decode(signature)
    r, s = int.from_bytes(raw[:_COORDINATE]), int.from_bytes(raw[_COORDINATE:])
    try:
        key.verify(encode_dss_signature(r, s), data, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
