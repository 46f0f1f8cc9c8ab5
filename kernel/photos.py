"""Photos as they are kept: drawn anew, so that nothing comes along but what is to be seen."""

import io
from threading import BoundedSemaphore

from PIL import Image, ImageOps, UnidentifiedImageError

from kernel.errors import Unprocessable

LARGEST_FILE = 12 * 1024 * 1024
#: A telephone's camera sends 12 to 50 million of them; a file may promise any number.
MOST_PIXELS = 80_000_000
LONG_SIDE = 1600
QUALITY = 80
KNOWN = ("JPEG", "PNG", "WEBP")
# Each holds a picture in memory; more of them wait for their turn.
_at_once = BoundedSemaphore(2)


def drawn_anew(sent: bytes) -> bytes:
    """A JPEG of at most 1,600 pixels on its long side, upright, without place, time, device or
    anything else that a file carries. Blocks: call it in a thread.

    Raises Unprocessable `photo_unreadable`, `photo_too_large`.
    """
    with _at_once:
        try:
            return _drawn(sent)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise Unprocessable("photo_too_large", most=MOST_PIXELS // 1_000_000) from error
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
            raise Unprocessable("photo_unreadable", known=list(KNOWN)) from error


def _drawn(sent: bytes) -> bytes:
    with Image.open(io.BytesIO(sent), formats=KNOWN) as photo:
        if photo.width * photo.height > MOST_PIXELS:
            raise Unprocessable("photo_too_large", most=MOST_PIXELS // 1_000_000)
        photo.draft("RGB", (LONG_SIDE, LONG_SIDE))  # a large JPEG is read at a fraction
        upright = ImageOps.exif_transpose(photo)
        upright.thumbnail((LONG_SIDE, LONG_SIDE))
        plain = Image.new("RGB", upright.size, "white")
        shown = upright.convert("RGBA")
        plain.paste(shown, mask=shown)
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
