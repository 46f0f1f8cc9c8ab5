"""The daily report on A4: the day's figures, then a line for each checkpoint and each firm."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from registry.drawing import Drawing, Mark, Rule, line

WIDTH, HEIGHT, EDGE = 210.0, 297.0, 15.0
INNER = WIDTH - 2 * EDGE
BOTTOM = HEIGHT - EDGE
_ROW, _SIZE, _PLACE = 6.5, 3.6, 60.0

Part = tuple[str, Sequence[Sequence[str]]]


class _Row(NamedTuple):
    """One line of the sheet: cells with the places where they begin, or a heading."""

    cells: tuple[tuple[float, str], ...]
    size: float = _SIZE
    ruled: bool = False


def daily_drawing(
    title: str,
    figures: Sequence[tuple[str, str]],
    head: Sequence[str],
    parts: Sequence[Part],
    heads: Mapping[str, Sequence[str]] | None = None,
) -> list[Drawing]:
    """As many pages as there are lines to print; each has the title and its number. `heads`: the
    headings of parts, by name, that have others than `head`.
    """
    rows = [*_figures(figures)]
    for name, lines in parts:
        rows += [_Row(cells=((EDGE, ""),)), _Row(cells=((EDGE, name),), size=4.6)]
        rows.append(_Row(cells=_columns((heads or {}).get(name, head)), ruled=True))
        rows += [_Row(cells=_columns(cells)) for cells in lines]
    fits = int((BOTTOM - EDGE - 16) // _ROW)
    pages = [rows[n : n + fits] for n in range(0, len(rows), fits)] or [[]]
    return [_page(title, each, n, len(pages)) for n, each in enumerate(pages, 1)]


def _figures(figures: Sequence[tuple[str, str]]) -> list[_Row]:
    """Two beside each other."""
    half = INNER / 2
    rows: list[_Row] = []
    for n in range(0, len(figures), 2):
        cells: list[tuple[float, str]] = []
        for side, (label, value) in enumerate(figures[n : n + 2]):
            x = EDGE + side * half
            cells += [(x, label), (x + half - 26, value)]
        rows.append(_Row(cells=tuple(cells)))
    return rows


def _columns(cells: Sequence[str]) -> tuple[tuple[float, str], ...]:
    step = (INNER - _PLACE) / max(len(cells) - 1, 1)
    return tuple(
        (EDGE if n == 0 else EDGE + _PLACE + (n - 1) * step, cell) for n, cell in enumerate(cells)
    )


def _page(title: str, rows: Sequence[_Row], number: int, of: int) -> Drawing:
    y = EDGE + 6
    marks: list[Mark] = [
        *line(title, x=EDGE, y=y, size=6, width=INNER - 30, anchor="start"),
        *line(f"{number} / {of}", x=WIDTH - EDGE, y=y, size=_SIZE, width=28, anchor="end"),
        Rule(x=EDGE, y=y + 3, to_x=WIDTH - EDGE, to_y=y + 3),
    ]
    y += 10
    for row in rows:
        for x, text in row.cells:
            room = _PLACE - 2 if x == EDGE else 40
            marks += line(text, x=x, y=y, size=row.size, width=room, anchor="start")
        if row.ruled:
            marks.append(Rule(x=EDGE, y=y + 1.8, to_x=WIDTH - EDGE, to_y=y + 1.8))
        y += _ROW
    return Drawing(width=WIDTH, height=HEIGHT, title=title, marks=tuple(marks))
