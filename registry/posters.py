"""Place codes, and what is printed as plain SVG for the screen; `printing` makes the PDF."""

import secrets

from registry.drawing import QUIET_ZONE, qr_svg, to_svg
from registry.pass_sheet import pass_drawing
from registry.poster_sheet import poster_drawing
from registry.sheets import PassSheet, PassSize, Poster, PosterSize, short_number

__all__ = [
    "QUIET_ZONE",
    "PassSheet",
    "Poster",
    "new_code",
    "pass_svg",
    "place_url",
    "poster_svg",
    "qr_svg",
    "short_number",
]

# Crockford's base 32: no I, L, O, U, so that a code can be read aloud.
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10


def new_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def place_url(public_url: str, code: str) -> str:
    return f"{public_url.rstrip('/')}/t/{code}"


def poster_svg(poster: Poster, size: PosterSize = "a4") -> str:
    return to_svg(poster_drawing(poster, size))


def pass_svg(sheet: PassSheet, size: PassSize = "a6") -> str:
    return to_svg(pass_drawing(sheet, size))
