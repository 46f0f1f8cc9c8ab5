"""Pictures of the board as plain SVG: grey by default, a mark where something is out of the
ordinary, and never colour alone. Each has a title; the same figures stand in a table beside it.
"""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup
from msgspec import Struct


class Bar(Struct, frozen=True, kw_only=True):
    """`second` of them are hatched."""

    label: str
    value: int
    share: float
    second: int = 0


def bars(title: str, rows: Sequence[Bar], *, width: int = 400) -> Markup:
    """Horizontal bars on one scale; `second` is a hatched part of each."""
    most = max((row.value for row in rows), default=0) or 1
    left, room, step = 136, width - 136 - 64, 34
    parts: list[str] = []
    for number, row in enumerate(rows):
        y = number * step
        long, part = row.value / most * room, row.second / most * room
        parts.append(
            f'<text x="{left - 10}" y="{y + 21}" text-anchor="end">{escape(row.label)}</text>'
            f'<rect x="{left}" y="{y + 6}" width="{long:.1f}" height="20" class="bar"/>'
            + (
                f'<rect x="{left}" y="{y + 6}" width="{part:.1f}" height="20" class="hatch"/>'
                if row.second
                else ""
            )
            + f'<text x="{left + long + 8:.1f}" y="{y + 21}" class="num">'
            f"{row.value}</text>"
        )
    return _svg(title, width, max(len(rows), 1) * step, [HATCH, *parts])


def strip(title: str, cells: Sequence[int], *, still: bool) -> Markup:
    """A lane's day, one cell an hour: the taller the busier; a ring at its end where it stands."""
    most = max([*cells, 1])
    parts = ['<rect x="0" y="39" width="240" height="1" class="axis"/>']
    for hour, n in enumerate(cells):
        tall = n / most * 36
        at = f'x="{hour * 10 + 1}" y="{39 - tall:.1f}"'
        parts.append(f'<rect {at} width="8" height="{tall:.1f}" class="bar"/>')
    if still:
        parts.append(f'<circle cx="{len(cells) * 10 - 5}" cy="30" r="4" class="now"/>')
    return _svg(title, 240, 40, parts)


def queue(title: str, waits: Sequence[int], shut: Sequence[bool], limit: int) -> Markup:
    """A gate's day as it was told, one cell an hour: the longest wait, with a triangle above the
    limit, which is the broken line; a crossed box where it was closed.
    """
    most = max([*waits, 2 * limit])
    line = 39 - limit / most * 36
    parts = ['<rect x="0" y="39" width="240" height="1" class="axis"/>']
    for hour, (wait, closed) in enumerate(zip(waits, shut, strict=True)):
        x, tall = hour * 10 + 1, wait / most * 36
        if wait:
            parts.append(f'<rect x="{x}" y="{39 - tall:.1f}" width="8" height="{tall:.1f}" '
                         'class="bar"/>')  # fmt: skip
        if wait > limit:
            top = max(39 - tall - 7, 0)
            parts.append(f'<path d="M{x} {top + 6:.1f}h8l-4-6z" class="over"/>')
        if closed:
            parts.append(f'<path d="M{x} 3h8v36h-8zl8 36m0-36l-8 36" class="shut"/>')
    parts.append(f'<path d="M0 {line:.1f}H240" class="limit"/>')
    return _svg(title, 240, 40, parts)


#: From the bottom of worries to the top; the table beside it has the figures.
CARDS = ("green", "yellow", "white", "red", "duplicate")


def mix(title: str, hours: Sequence[dict[str, int]], *, width: int = 480) -> Markup:
    """Cards of each hour, stacked to the whole."""
    cell = width / max(len(hours), 1)
    parts: list[str] = []
    for number, counts in enumerate(hours):
        total, y = sum(counts.values()), 0.0
        for card in CARDS:
            share = counts.get(card, 0) / total * 120 if total else 0
            if share:
                parts.append(
                    f'<rect x="{number * cell + 1:.1f}" y="{y:.1f}" width="{cell - 2:.1f}" '
                    f'height="{share:.1f}" class="card-{card}"/>'
                )
            y += share
    parts.append(f'<rect x="0" y="120" width="{width}" height="1" class="axis"/>')
    return _svg(title, width, 121, parts)


class Line(Struct, frozen=True, kw_only=True):
    """So many trucks from the left node to the right one, so many of them late."""

    left: int
    right: int
    n: int
    late: int


def schematic(
    title: str, left: Sequence[str], right: Sequence[str], lines: Sequence[Line]
) -> Markup:
    """Checkpoints on the left, firms on the right, and what is on its way between."""
    step, width = 40, 720
    tall = max(len(left), len(right), 1) * step
    most = max((line.n for line in lines), default=1)
    parts = [
        f'<path d="M 220 {line.left * step + 20} C 360 {line.left * step + 20} 360 '
        f'{line.right * step + 20} 500 {line.right * step + 20}" '
        f'class="{"way late" if line.late else "way"}" stroke-width="{1 + line.n / most * 7:.1f}"/>'
        for line in lines
    ]
    for number, name in enumerate(left):
        parts.append(_node(210, number * step, name, "end"))
    for number, name in enumerate(right):
        parts.append(_node(510, number * step, name, "start"))
    return _svg(title, width, tall, parts)


def _node(x: int, y: int, name: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y + 26}" text-anchor="{anchor}">{escape(name)}</text>'


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> Markup:
    body = "".join(parts)
    said = escape(title)
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{said}">'
        f"<title>{said}</title>{body}</svg>"
    )


HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="3" height="6" class="ink"/></pattern></defs>'
)
