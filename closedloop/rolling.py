"""The six digits that turn on a firm's screen (mission §5, level B).

Who types them has seen the screen within the last two minutes; a photograph of the poster has
not. Made as RFC 6238 makes them, with SHA-256 and steps of a minute.
"""

import hashlib
import hmac
from datetime import UTC, datetime

STEP_SECONDS = 60
#: Steps of twelve hours, and the one that has begun.
SHIFT = 12 * 60 + 1
DIGITS = 6


def rolling_code(secret: bytes, at: datetime) -> tuple[str, datetime]:
    """The digits shown at a time, and until when they are shown."""
    step = _step(at)
    until = datetime.fromtimestamp((step + 1) * STEP_SECONDS, UTC)
    return _digits(secret, step), until


def codes_of_shift(secret: bytes, at: datetime) -> list[str]:
    """The digits from this minute on, for a device that may keep them but not what makes them."""
    return [_digits(secret, _step(at) + later) for later in range(SHIFT)]


def fits(secret: bytes, code: str, at: datetime) -> bool:
    """Whether these are the digits of this minute or of the one before."""
    said = "".join(code.split())
    shown = [_digits(secret, _step(at) - back) for back in (0, 1)]
    matches = [hmac.compare_digest(said.encode(), digits.encode()) for digits in shown]
    return any(matches)


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def _digits(secret: bytes, step: int) -> str:
    """RFC 4226 §5.3: four bytes at an offset which the last four bits name."""
    mac = hmac.new(secret, step.to_bytes(8), hashlib.sha256).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"
