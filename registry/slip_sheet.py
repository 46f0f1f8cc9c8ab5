"""The slip of a truck that was turned back: a strip of 80 mm, as long as what there is to mend."""

from datetime import datetime

from registry.drawing import Code, Drawing, Mark, Rule, fitted, line, paragraph, qr_svg
from registry.passes import group
from registry.sheets import CHINA, HOTLINE, Mend, Slip

WIDTH, EDGE = 80, 4
INNER = WIDTH - 2 * EDGE
MIDDLE = WIDTH / 2
_LARGE, _SMALL = 4.2, 3.2
_TALLEST = 40


def slip_drawing(slip: Slip) -> Drawing:
    marks: list[Mark] = [
        *line("补齐后凭此返回", x=MIDDLE, y=12, size=7, width=INNER),
        *line("Mend this and come back", x=MIDDLE, y=18, size=4, width=INNER),
        Rule(x=EDGE, y=21, to_x=WIDTH - EDGE, to_y=21),
        *line(slip.plate, x=MIDDLE, y=32, size=9, width=INNER),
    ]
    y = 36.0
    for number, mend in enumerate(slip.mends, 1):
        more, y = _mend(number, mend, y)
        marks += more
    if slip.number:
        side = 44
        marks.append(
            Code(
                x=MIDDLE - side / 2, y=y, side=side, svg=qr_svg(slip.number, error="q"), alt="Pass"
            )
        )
        marks += line(group(slip.number), x=MIDDLE, y=y + side + 4, size=3.6, width=INNER)
        y += side + 7
    foot = (
        *((f"有效至 Valid until {_time(slip.until)}",) if slip.until else ()),
        f"{slip.place} {_time(slip.at)}",
        f"规则 Rules {slip.rules_version} · 12328" if slip.rules_version else HOTLINE,
    )
    marks.append(Rule(x=EDGE, y=y, to_x=WIDTH - EDGE, to_y=y))
    for text in foot:
        y += 5
        marks += line(text, x=MIDDLE, y=y, size=3, width=INNER)
    return Drawing(
        width=WIDTH, height=y + 6, title=f"{slip.plate} {_time(slip.at)}", marks=tuple(marks)
    )


def _mend(number: int, mend: Mend, y: float) -> tuple[list[Mark], float]:
    """What is wrong, and below it what to do and where, in both languages."""
    marks: list[Mark] = []
    for text, size in (
        (f"{number}. {mend.sentence}", _LARGE),
        (mend.sentence_en, _SMALL),
        (f"→ {mend.mend}", _LARGE),
        (mend.mend_en, _SMALL),
    ):
        lines, fitting = fitted(text, width=INNER, height=_TALLEST, size=size)
        height = len(lines) * fitting * 1.35
        marks += paragraph(text, x=EDGE, y=y, width=INNER, height=height, size=size, anchor="start")
        y += height + 1
    marks.append(Rule(x=EDGE, y=y + 1, to_x=WIDTH - EDGE, to_y=y + 1, dashed=True))
    return marks, y + 3


def _time(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
