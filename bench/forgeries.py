"""Passes that nobody signed: genuine ones changed in every way that a forger would try first."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    generate_private_key,
)
from msgspec import Struct
from msgspec.structs import replace

from kernel.errors import Unprocessable
from registry import offline_pass
from registry.offline_pass import CURVE, ORDER, OfflinePass, PublicKeys, digits_of, packed, signed

START = datetime(2022, 5, 1, tzinfo=UTC)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
SIGNATURE = 64


class Stock(Struct, frozen=True, kw_only=True):
    """Genuine passes, their keys, and a key of the forger's own."""

    said: list[OfflinePass]
    digits: list[str]
    keys: PublicKeys
    forger: EllipticCurvePrivateKey

    @property
    def genuine(self) -> frozenset[str]:
        return frozenset(self.digits)


Mutation = Callable[[Random, Stock], str]


def stock(random: Random, number: int) -> Stock:
    """Passes of two keys, as two are alive while one follows the other."""
    private = {kid: generate_private_key(CURVE) for kid in (1, 2)}
    said = [a_pass(random) for _ in range(number)]
    digits = [
        offline_pass.written(each, kid := random.choice((1, 2)), private[kid]) for each in said
    ]
    keys = {kid: key.public_key() for kid, key in private.items()}
    return Stock(said=said, digits=digits, keys=keys, forger=generate_private_key(CURVE))


def a_pass(random: Random) -> OfflinePass:
    start = START + timedelta(minutes=random.randrange(10**6))
    trailer = "豫B" + "".join(random.choices(LETTERS, k=4)) + "挂"
    return OfflinePass(
        movement_id=4102 * 10**9 + random.randrange(10**9),
        window_from=start,
        window_to=start + timedelta(hours=30),
        entry_place_id=random.randrange(1, 40),
        stops=tuple(random.randrange(1, 10**5) for _ in range(random.randrange(4))),
        plate="豫B" + "".join(random.choices(LETTERS, k=5)),
        trailer_plate=random.choice(("", trailer)),
    )


def _bytes(digits: str) -> bytes:
    number = int(digits)
    return number.to_bytes((number.bit_length() + 7) // 8)


def _parts(digits: str) -> tuple[bytes, bytes]:
    data = _bytes(digits)
    return data[:-SIGNATURE], data[-SIGNATURE:]


def _flipped(random: Random, stock: Stock) -> str:
    digits = random.choice(stock.digits)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(digits))
        digits = digits[:at] + random.choice("0123456789") + digits[at + 1 :]
    return digits


def _swapped(random: Random, stock: Stock) -> str:
    digits = list(random.choice(stock.digits))
    one = random.randrange(len(digits) - 1)
    other = random.choice((one + 1, random.randrange(len(digits))))
    digits[one], digits[other] = digits[other], digits[one]
    return "".join(digits)


def _cut(random: Random, stock: Stock) -> str:
    digits, size = random.choice(stock.digits), random.randrange(1, 6)
    return random.choice((digits[:-size], digits[size:], digits + digits[:size]))


def _bit(random: Random, stock: Stock) -> str:
    data = bytearray(_bytes(random.choice(stock.digits)))
    data[random.randrange(2, len(data))] ^= 1 << random.randrange(8)
    return digits_of(bytes(data))


def _spliced(random: Random, stock: Stock) -> str:
    """One pass's words over another's signature, or halves of both."""
    one, other = random.sample(stock.digits, 2)
    if random.random() < 0.5:
        return digits_of(_parts(one)[0] + _parts(other)[1])
    at = random.randrange(1, min(len(one), len(other)))
    return one[:at] + other[at:]


def _signed_by_the_forger(random: Random, stock: Stock) -> str:
    payload = packed(random.choice(stock.said), random.choice((1, 2)))
    return digits_of(payload + signed(payload, stock.forger))


def _negated(random: Random, stock: Stock) -> str:
    """The twins that ECDSA allows: s negated verifies as well as s does."""
    payload, signature = _parts(random.choice(stock.digits))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    r, s = random.choice(((r, ORDER - s), (ORDER - r, s), (ORDER - r, ORDER - s), (s, r)))
    return digits_of(payload + r.to_bytes(32) + s.to_bytes(32))


def _written_otherwise(random: Random, stock: Stock) -> str:
    """The same bytes, or nearly, in other digits."""
    digits = random.choice(stock.digits)
    payload, signature = _parts(digits)
    at = random.randrange(len(digits))
    return random.choice(
        (
            "0" * random.randrange(1, 9) + digits,
            digits + "0",
            digits[:at] + " " + digits[at:],
            str(int(digits) + random.choice((-1, 1)) * random.randrange(1, 1000)),
            digits_of(payload + b"\0" + signature),
            digits_of(_bytes(digits) + b"\0"),
            "".join(chr(ord(each) + 0xFEE0) for each in digits),
        )
    )


def _other_version(random: Random, stock: Stock) -> str:
    data = _bytes(random.choice(stock.digits))
    return digits_of(bytes((random.choice((0, 2, 3, 254, 255)),)) + data[1:])


def _other_words(random: Random, stock: Stock) -> str:
    """A better window, another truck, under a signature that was given for something else."""
    place = random.randrange(len(stock.said))
    said, (_, signature) = stock.said[place], _parts(stock.digits[place])
    changed = random.choice(
        (
            replace(said, window_to=said.window_to + timedelta(hours=random.randrange(1, 99))),
            replace(said, plate="豫B" + "".join(random.choices(LETTERS, k=5))),
            replace(said, movement_id=said.movement_id // 10 * 10 + random.randrange(10)),
            replace(said, stops=(random.randrange(1, 10**5),)),
        )
    )
    return digits_of(packed(changed, random.choice((1, 2))) + signature)


def _other_key(random: Random, stock: Stock) -> str:
    data = bytearray(_bytes(random.choice(stock.digits)))
    data[1] = random.choice((0, 3, 255, 3 - data[1]))
    return digits_of(bytes(data))


MUTATIONS: tuple[Mutation, ...] = (
    _flipped,
    _swapped,
    _cut,
    _bit,
    _spliced,
    _signed_by_the_forger,
    _negated,
    _written_otherwise,
    _other_version,
    _other_words,
    _other_key,
)


def forgeries(random: Random, stock: Stock) -> Iterator[tuple[str, str]]:
    """Without end: the name of what was done, and digits that no signer of ours wrote."""
    genuine = stock.genuine
    while True:
        mutation = random.choice(MUTATIONS)
        if (forged := mutation(random, stock)) not in genuine:
            yield mutation.__name__.strip("_"), forged


def accepted(digits: str, keys: PublicKeys) -> bool:
    """Raises whatever the reader raises that is no refusal."""
    try:
        offline_pass.read_offline(digits, keys)
    except Unprocessable:
        return False
    return True
