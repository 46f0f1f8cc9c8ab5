"""The trajectory report on A4, and the same as rows for a spreadsheet program."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from closedloop.tracing_views import named
from kernel.i18n import local_time, t
from registry.drawing import Drawing, Mark, Rule, line

WIDTH, HEIGHT, EDGE = 210.0, 297.0, 15.0
_ROW, _SIZE, _HEAD = 6.2, 3.4, 4.4
#: Where the columns begin, and how wide they are.
_SEEN = ((15.0, 30.0), (46.0, 62.0), (109.0, 36.0), (146.0, 48.0))
_NOTE = ((15.0, 30.0), (46.0, 149.0))
_MET = ((15.0, 34.0), (50.0, 30.0), (81.0, 32.0), (114.0, 30.0), (145.0, 50.0))
_PAIR = ((15.0, 48.0), (64.0, 130.0))


class _Row(NamedTuple):
    cells: tuple[str, ...]
    columns: tuple[tuple[float, float], ...]
    size: float = _SIZE
    ruled: bool = False


def report_drawing(told: dict[str, Any]) -> list[Drawing]:
    """`told` as `report_shown` gives it; as many pages as it needs, each with its number."""
    rows = [*_facts(told), *_clock(told)]
    for part in told["parts"]:
        rows += _part(part)
    fits = int((HEIGHT - 2 * EDGE - 14) // _ROW)
    pages = [rows[n : n + fits] for n in range(0, len(rows), fits)]
    title = f"{t('trace.report.title')} {told['case']['number']}"
    return [_page(title, each, n, len(pages)) for n, each in enumerate(pages, 1)]


def _heading(text: str) -> list[_Row]:
    whole = ((EDGE, WIDTH - 2 * EDGE),)
    return [_Row(("",), whole), _Row((text,), whole, _HEAD, ruled=True)]


def facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    case = told["case"]
    return [
        (t("trace.field.number"), case["number"]),
        (t("trace.field.reason"), case["reason"]),
        (t("trace.field.window"), f"{local_time(case['since'])} – {local_time(case['until'])}"),
        (t("trace.field.opened"), f"{case['opener']} {local_time(case['opened_at'])}"),
        (t("trace.field.made"), local_time(told["made_at"])),
        *((each["label"], str(each["n"])) for each in told["counts"]),
    ]


def _facts(told: dict[str, Any]) -> list[_Row]:
    return [_Row(pair, _PAIR) for pair in facts(told)]


def _clock(told: dict[str, Any]) -> Iterator[_Row]:
    if told["marks"]:
        yield from _heading(t("trace.clock"))
    for mark in told["marks"]:
        who = f"{mark['name']} {local_time(mark['done_at'])}".strip()
        yield _Row((mark["label"], f"{mark['said']} {who}".strip()), _PAIR)
    if told["tasks"]:
        yield from _heading(t("trace.tasks"))
    for task in told["tasks"]:
        yield _Row((task["team"], f"{task['what']} · {task['said']}"), _PAIR)


def _part(part: dict[str, Any]) -> Iterator[_Row]:
    yield from _heading(f"{t('trace.trajectory')}: {named(part['subject'])}")
    for seen in part["sightings"]:
        yield from _seen(seen)
    if not part["sightings"]:
        yield _Row((t("trace.nothing"),), _SEEN)
    yield from _heading(f"{t('trace.contacts')}: {named(part['subject'])}")
    for met in part["contacts"]:
        yield _Row(_met(met), _MET)
    if not part["contacts"]:
        yield _Row((t("trace.nobody"),), _SEEN)
    if part["unlisted"]:
        yield _Row((t("trace.unlisted"),), ((EDGE, WIDTH - 2 * EDGE),))


def _where(told: dict[str, Any]) -> str:
    gate = t("trace.gate", gate=told["gate"]) if told["gate"] else ""
    return f"{told['place']} {gate}".strip()


def _seen(seen: dict[str, Any]) -> Iterator[_Row]:
    """A line, and one below it for what must not be overlooked."""
    how = seen["how"] if seen["counted"] else f"○ {seen['how']}"
    when = f"{local_time(seen['at'])} {seen['doubt']}".strip()
    yield _Row((when, _where(seen), how, seen["plate"]), _SEEN)
    notes = [] if seen["counted"] else [t("trace.uncounted")]
    notes += [f"■ {t('trace.risky', n=seen['risky'])}"] if seen["risky"] else []
    if notes:
        yield _Row(("", " · ".join(notes)), _NOTE)


def _met(met: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{met['shape']} {met['label']} · {met['certainty']}",
        f"{met['masked_name']} {met['plate']}".strip(),
        f"{local_time(met['at'])} {met['doubt']}".strip(),
        met["rule"],
        _where(met),
    )


def _page(title: str, rows: list[_Row], number: int, of: int) -> Drawing:
    y = EDGE + 6
    marks: list[Mark] = [
        *line(title, x=EDGE, y=y, size=6, width=WIDTH - 2 * EDGE - 30, anchor="start"),
        *line(f"{number} / {of}", x=WIDTH - EDGE, y=y, size=_SIZE, width=28, anchor="end"),
        Rule(x=EDGE, y=y + 3, to_x=WIDTH - EDGE, to_y=y + 3),
    ]
    y += 10
    for row in rows:
        for (x, width), text in zip(row.columns, row.cells, strict=False):
            marks += line(text, x=x, y=y, size=row.size, width=width, anchor="start")
        if row.ruled:
            marks.append(Rule(x=EDGE, y=y + 1.8, to_x=WIDTH - EDGE, to_y=y + 1.8, thick=0.2))
        y += _ROW
    return Drawing(width=WIDTH, height=HEIGHT, title=title, marks=tuple(marks))


COLUMNS = (
    "subject", "what", "time", "doubt", "place", "gate", "how", "class", "certainty", "name",
    "plate", "times",
)  # fmt: skip


def report_rows(told: dict[str, Any]) -> Iterator[list[str]]:
    """The case's facts, then a line for each sighting and each contact."""
    yield from ([label, value] for label, value in facts(told))
    for mark in told["marks"]:
        yield [mark["label"], mark["said"], mark["name"], local_time(mark["done_at"])]
    yield []
    yield [t(f"trace.column.{name}") for name in COLUMNS]
    for part in told["parts"]:
        subject = named(part["subject"])
        for seen in part["sightings"]:
            how = seen["how"] if seen["counted"] else f"{seen['how']} · {t('trace.uncounted')}"
            yield [
                subject, t("trace.trajectory"), local_time(seen["at"]), seen["doubt"],
                seen["place"], seen["gate"], how, "", "", "", seen["plate"], "",
            ]  # fmt: skip
        for met in part["contacts"]:
            yield [
                subject, t("trace.contacts"), local_time(met["at"]), met["doubt"], met["place"],
                met["gate"], met["rule"], met["label"], met["certainty"], met["masked_name"],
                met["plate"], str(met["times"]),
            ]  # fmt: skip
