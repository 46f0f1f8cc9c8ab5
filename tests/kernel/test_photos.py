"""A photo is drawn anew: upright, small, and with nothing beside what is to be seen."""

import io
import struct
import zlib

import pytest
from PIL import Image

from kernel.errors import Refused
from kernel.photos import LONG_SIDE, MOST_PIXELS, drawn_anew

SPOT = (200, 30, 30)
GPS, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (640, 480), *, turned: bool = False
) -> bytes:
    """Red in its upper left corner; `turned`, as a camera that was held upright writes it."""
    image = Image.new("RGB", size, "white")
    image.paste(SPOT, (0, 0, size[0] // 4, size[1] // 4))
    exif = Image.Exif()
    if turned:
        exif[ORIENTATION] = 6
        exif[MAKE] = "Telephone"
        exif.get_ifd(GPS).update({1: "N", 2: (34.0, 33.0, 0.0), 3: "E", 4: (114.0, 46.0, 0.0)})
    out = io.BytesIO()
    image.save(out, kind, exif=exif)
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says that it is a picture of 60,000 by 60,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_kind_of_picture_becomes_a_small_jpeg(kind: str) -> None:
    drawn = Image.open(io.BytesIO(drawn_anew(picture(kind, (3200, 2400)))))
    assert drawn.format == "JPEG"
    assert max(drawn.size) == LONG_SIDE


def test_nothing_comes_along_but_the_picture_which_stands_upright() -> None:
    sent = picture(turned=True)
    assert dict(Image.open(io.BytesIO(sent)).getexif().get_ifd(GPS)) != {}
    drawn = Image.open(io.BytesIO(drawn_anew(sent)))
    assert dict(drawn.getexif()) == {}
    assert b"Telephone" not in drawn_anew(sent)
    assert drawn.size == (480, 640)
    corner = drawn.getpixel((470, 10))
    assert isinstance(corner, tuple)
    assert corner[0] > 150 > corner[1]


def test_what_is_see_through_is_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    assert Image.open(io.BytesIO(drawn_anew(out.getvalue()))).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"no picture",
        picture()[:300],
        b"GIF89a" + bytes(40),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_what_is_no_photo_is_refused_and_no_accident(sent: bytes) -> None:
    with pytest.raises(Refused) as refused:
        drawn_anew(sent)
    assert refused.value.code == "photo_unreadable"


def test_a_file_that_promises_too_many_pixels_is_not_unpacked() -> None:
    with pytest.raises(Refused) as refused:
        drawn_anew(bomb())
    assert refused.value.code == "photo_too_large"
    assert refused.value.facts == {"most": MOST_PIXELS // 1_000_000}
