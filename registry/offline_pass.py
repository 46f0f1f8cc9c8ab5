"""The pass that is read without a network: a signed payload, written in digits alone.

    version 1 byte · key 1 byte · movement 6 · window from 4, to 4 (Unix seconds) · entry place 4
    · number of stops 1, each 4 · plate: length 1, UTF-8 · trailer's plate: length 1, UTF-8
    · signature 64 (ES256: r and s)

Integers are unsigned, the first byte first. The whole is one large integer, written in decimal:
the version is not zero, so there is exactly one string of digits for the bytes. The signature is
looked at before anything behind the key's number, and of its two mathematical twins only the one
with the low s counts. `static/verify-pass.js` keeps the same rules; `tests/vectors` holds both to
them (docs/decisions/0013).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from kernel.errors import Unprocessable

CURVE = SECP256R1()
PublicKeys = Mapping[int, EllipticCurvePublicKey]
NO_KEYS: PublicKeys = MappingProxyType({})

VERSION = 1
MOST_STOPS = 3
LONGEST_PLATE = 24  # bytes: eight characters of Chinese
#: No pass of ours has fewer or more digits than this.
LEAST_DIGITS, MOST_DIGITS = 210, 400

#: Signed in front of the payload, so that the key's signatures mean this and nothing else.
CONTEXT = b"checkpoint offline pass\0"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SIGNATURE_BYTES = 64
_MOVEMENTS = range(10**12, 10**13)
_DIGITS = re.compile(r"[1-9][0-9]*")


class OfflinePass(Struct, frozen=True, kw_only=True):
    """What a gate may know without asking anybody. Times are whole seconds; 0 is no entry place."""

    movement_id: int
    window_from: datetime
    window_to: datetime
    entry_place_id: int = 0
    stops: tuple[int, ...] = ()
    plate: str
    trailer_plate: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether the window is open, both ends included."""
        return self.window_from <= at <= self.window_to


def written(said: OfflinePass, kid: int, key: EllipticCurvePrivateKey) -> str:
    """The digits of a pass. The same pass under the same key is always the same digits."""
    payload = packed(said, kid)
    return digits_of(payload + signed(payload, key))


def read_offline(digits: str, keys: PublicKeys) -> OfflinePass:
    """Raises Unprocessable.

    `pass_malformed`, `pass_version_unknown`, `pass_key_unknown`, `pass_forged`. Whether the window
    is open is for the caller to say.
    """
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS or not _DIGITS.fullmatch(digits):
        raise Unprocessable("pass_malformed")
    number = int(digits)
    data = number.to_bytes((number.bit_length() + 7) // 8)
    payload, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    if payload[0] != VERSION:
        raise Unprocessable("pass_version_unknown")
    key = keys.get(payload[1])
    if key is None:
        raise Unprocessable("pass_key_unknown")
    if not is_canonical(signature) or not is_signed(payload, signature, key):
        raise Unprocessable("pass_forged")
    return _unpacked(payload)


def digits_of(data: bytes) -> str:
    return str(int.from_bytes(data))


def packed(said: OfflinePass, kid: int) -> bytes:
    """Raises ValueError or OverflowError for what no pass can say."""
    plates = [plate.encode() for plate in (said.plate, said.trailer_plate)]
    if len(said.stops) > MOST_STOPS or max(map(len, plates)) > LONGEST_PLATE:
        message = "too many stops, or too long a plate"
        raise ValueError(message)
    return b"".join(
        (
            bytes((VERSION, kid)),
            said.movement_id.to_bytes(6),
            int(said.window_from.timestamp()).to_bytes(4),
            int(said.window_to.timestamp()).to_bytes(4),
            said.entry_place_id.to_bytes(4),
            bytes((len(said.stops),)),
            *(stop.to_bytes(4) for stop in said.stops),
            *(bytes((len(plate),)) + plate for plate in plates),
        )
    )


def signed(payload: bytes, key: EllipticCurvePrivateKey, context: bytes = CONTEXT) -> bytes:
    """Deterministic (RFC 6979), with the lower of the two values of s."""
    method = ECDSA(SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(key.sign(context + payload, method))
    return r.to_bytes(32) + min(s, ORDER - s).to_bytes(32)


def is_canonical(signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    return 0 < r < ORDER and 0 < s <= ORDER // 2


def is_signed(
    payload: bytes, signature: bytes, key: EllipticCurvePublicKey, context: bytes = CONTEXT
) -> bool:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        key.verify(encode_dss_signature(r, s), context + payload, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


class _Bytes:
    """Reads forward, and never past the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        taken = self.data[self.at : self.at + size]
        if len(taken) != size:
            raise Unprocessable("pass_malformed")
        self.at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def plate(self, *, least: int) -> str:
        size = self.number(1)
        if not least <= size <= LONGEST_PLATE:
            raise Unprocessable("pass_malformed")
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise Unprocessable("pass_malformed") from error


def _unpacked(payload: bytes) -> OfflinePass:
    """What was signed must still be a pass, to the last byte."""
    rest = _Bytes(payload[2:])
    movement_id = rest.number(6)
    window = [datetime.fromtimestamp(rest.number(4), UTC) for _ in range(2)]
    entry_place_id, stops = rest.number(4), rest.number(1)
    if stops > MOST_STOPS:
        raise Unprocessable("pass_malformed")
    read = OfflinePass(
        movement_id=movement_id,
        window_from=window[0],
        window_to=window[1],
        entry_place_id=entry_place_id,
        stops=tuple(rest.number(4) for _ in range(stops)),
        plate=rest.plate(least=1),
        trailer_plate=rest.plate(least=0),
    )
    backwards = any(later < earlier for earlier, later in pairwise(window))
    if rest.at != len(rest.data) or movement_id not in _MOVEMENTS or backwards:
        raise Unprocessable("pass_malformed")
    return read
