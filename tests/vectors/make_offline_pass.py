"""Writes offline-pass.json: passes that must be read alike by every reader, and what must be
refused, each for its own reason. `python -m tests.vectors.make_offline_pass` makes it anew; the
keys are made from small numbers and sign nothing real.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key
from msgspec.structs import replace

from registry.offline_pass import CURVE, ORDER, OfflinePass, digits_of, packed, signed, written
from registry.signing_keys import SigningKey, point_of, published

FILE = Path(__file__).parent / "offline-pass.json"
NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
KEYS = {kid: derive_private_key(10**9 + kid, CURVE) for kid in (1, 2, 3)}
#: The third one is in no list: withdrawn, or never ours.
LISTED = (1, 2)
PLAIN = OfflinePass(
    movement_id=4102000000017,
    window_from=NOON,
    window_to=NOON + timedelta(hours=30),
    entry_place_id=1,
    stops=(24,),
    plate="豫B12345",
)
Case = dict[str, Any]


def told(said: OfflinePass) -> dict[str, Any]:
    """As both readers are compared: times in Unix seconds."""
    return {
        "movement_id": said.movement_id,
        "window_from": int(said.window_from.timestamp()),
        "window_to": int(said.window_to.timestamp()),
        "entry_place_id": said.entry_place_id,
        "stops": list(said.stops),
        "plate": said.plate,
        "trailer_plate": said.trailer_plate,
    }


def accepted() -> Iterator[Case]:
    end = datetime.fromtimestamp(2**32 - 1, UTC)
    variants = {
        "one stop": PLAIN,
        "with a trailer": replace(PLAIN, trailer_plate="豫B1234挂"),
        "three stops": replace(PLAIN, stops=(24, 25, 26)),
        "no stop": replace(PLAIN, stops=()),
        "no entry place": replace(PLAIN, entry_place_id=0),
        "a new energy vehicle": replace(PLAIN, plate="豫AD12345"),
        "an emergency plate": replace(PLAIN, plate="豫A1234应急", trailer_plate="豫A5678挂"),
        "an embassy's plate": replace(PLAIN, plate="使123456"),
        "a plate without Chinese": replace(PLAIN, plate="WJ12345"),
        "a character outside the BMP": replace(PLAIN, plate="𠮷A12345"),
        "a plate that begins with U+FEFF": replace(PLAIN, plate="\ufeff豫B12345"),
        "the shortest": replace(PLAIN, plate="A", stops=(), entry_place_id=0),
        "the longest": replace(
            PLAIN, plate="豫" * 8, trailer_plate="挂" * 8, stops=(2**32 - 1,) * 3
        ),
        "the least movement": replace(PLAIN, movement_id=10**12),
        "the greatest movement": replace(PLAIN, movement_id=10**13 - 1),
        "the first second": replace(PLAIN, window_from=datetime.fromtimestamp(0, UTC)),
        "the last second": replace(PLAIN, window_from=end, window_to=end),
    }
    for name, said in variants.items():
        yield {"name": name, "digits": written(said, 1, KEYS[1]), "pass": told(said)}
    yield {"name": "the other key", "digits": written(PLAIN, 2, KEYS[2]), "pass": told(PLAIN)}


def refused() -> Iterator[Case]:
    for code, cases in (
        ("pass_malformed", dict(_no_digits())),
        ("pass_version_unknown", dict(_other_versions())),
        ("pass_key_unknown", dict(_other_keys())),
        ("pass_forged", dict(_forged())),
        # Signed, and all the same no pass: no signer of ours makes them.
        ("pass_malformed", {name: sealed(payload) for name, payload in _odd_payloads()}),
    ):
        for name, digits in cases.items():
            yield {"name": name, "digits": digits, "code": code}


def sealed(payload: bytes) -> str:
    return digits_of(payload + signed(payload, KEYS[1]))


def _no_digits() -> Iterator[tuple[str, str]]:
    good = written(PLAIN, 1, KEYS[1])
    yield "nothing", ""
    yield "twenty-four digits", "410200000001700000000000"
    yield "a zero in front", "0" + good
    yield "a space in the middle", good[:100] + " " + good[100:]
    yield "a line's end behind", good + "\n"
    yield "a letter", good[:-1] + "A"
    yield "digits of another script", good[:-1] + "٣"
    yield "full-width digits", "".join(chr(ord(each) + 0xFEE0) for each in good)
    yield "a sign", "+" + good
    yield "a fraction", good + ".0"
    yield "too long", good + "0" * 200
    yield "cut to less than a pass", good[:209]


def _other_versions() -> Iterator[tuple[str, str]]:
    payload = packed(PLAIN, 1)
    for version in (2, 255):
        other = bytes((version,)) + payload[1:]
        yield f"version {version}", digits_of(other + signed(other, KEYS[1]))
    yield "a digit cut off the end", written(PLAIN, 1, KEYS[1])[:-1]


def _other_keys() -> Iterator[tuple[str, str]]:
    yield "a key in no list", written(PLAIN, 3, KEYS[3])
    yield "key 0", written(PLAIN, 0, KEYS[1])


def _forged() -> Iterator[tuple[str, str]]:
    payload = packed(PLAIN, 1)
    signature = signed(payload, KEYS[1])
    r, s = signature[:32], signature[32:]
    high = (ORDER - int.from_bytes(s)).to_bytes(32)
    zero, order, half = bytes(32), ORDER.to_bytes(32), (ORDER // 2 + 1).to_bytes(32)
    yield "signed by the other key", digits_of(payload + signed(payload, KEYS[2]))
    yield "the other key's number", digits_of(packed(PLAIN, 2) + signature)
    yield "the high s", digits_of(payload + r + high)
    yield "r of zero", digits_of(payload + zero + s)
    yield "s of zero", digits_of(payload + r + zero)
    yield "r and s of zero", digits_of(payload + zero + zero)
    yield "r of the order", digits_of(payload + order + s)
    yield "s of the order", digits_of(payload + r + order)
    yield "the least high s", digits_of(payload + r + half)
    yield "r negated", digits_of(payload + (ORDER - int.from_bytes(r)).to_bytes(32) + s)
    yield "r and s changed places", digits_of(payload + s + r)
    yield "another plate", digits_of(packed(replace(PLAIN, plate="豫B12346"), 1) + signature)
    later = replace(PLAIN, window_to=PLAIN.window_to + timedelta(days=1))
    yield "a longer window", digits_of(packed(later, 1) + signature)
    other = replace(PLAIN, movement_id=PLAIN.movement_id + 1)
    yield "another movement", digits_of(packed(other, 1) + signature)
    yield "a byte between", digits_of(payload + b"\0" + signature)
    yield "a byte behind", digits_of(payload + signature + b"\0")
    yield "one more", str(int(written(PLAIN, 1, KEYS[1])) + 1)


def _odd_payloads() -> Iterator[tuple[str, bytes]]:
    payload = packed(PLAIN, 1)
    stops_at = 2 + 6 + 8 + 4
    plate_at = stops_at + 1 + 4
    size = payload[plate_at]
    before = payload[:plate_at]
    yield "a byte too many", payload + b"\0"
    yield "a plate that is not there", before + bytes((size,)) + b"B12345"
    yield "no plate", before + b"\0" + b"\0" * 12
    yield "a plate too long", before + b"\x19" + b"A" * 25 + b"\0"
    yield "a plate that is no UTF-8", before + b"\x07" + b"\xe8\xb1B1234" + b"\0"
    yield "a plate in overlong UTF-8", before + b"\x07" + b"\xc1\x8112345" + b"\0"
    yield "half a surrogate pair", before + b"\x08" + b"\xed\xa0\x8012345" + b"\0"
    yield "four stops", payload[:stops_at] + b"\4" + bytes(16) + payload[plate_at:]
    yield "a stop cut short", payload[:stops_at] + b"\3" + bytes(10)
    yield (
        "a window that ends before it begins",
        (payload[:8] + payload[12:16] + payload[8:12] + payload[16:]),
    )
    for name, number in (("twelve", 10**12 - 1), ("fourteen", 10**13), ("no", 0)):
        yield f"a movement of {name} digits", payload[:2] + number.to_bytes(6) + payload[8:]


def made() -> str:
    listed = [
        SigningKey(
            kid=kid,
            public_key=point_of(KEYS[kid]),
            private_sealed=b"",
            created_at=NOON,
            signs_from=NOON,
        )
        for kid in LISTED
    ]
    keys = [{"kid": key.kid, "x": key.x, "y": key.y} for key in map(published, listed)]
    vectors = {"keys": keys, "accepted": list(accepted()), "refused": list(refused())}
    return json.dumps(vectors, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(made(), "utf-8")
