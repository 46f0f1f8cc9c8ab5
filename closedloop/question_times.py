"""When a driver comes and how long the truck stays: a tap for each, or a day and an hour. Pure.

The record keeps two moments; the page asks for what a driver knows, the hour at the checkpoint
and the length of the stay. A stay cannot end before it has begun.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from closedloop.report_form import TIME, Choice, Typed
from kernel.i18n import t
from registry.submission import LOCAL

FIELDS = ("entry_at", "entry_day", "entry_hour", "stay")
#: The next full hours, each a tap away; nearly every driver reports on the way.
NEAR = 6
#: Hours from which a driver chooses.
STAYS = (4, 8, 12, 24, 48, 72, 120, 168)
HOUR = timedelta(hours=1)
LONGEST = timedelta(days=90)


def moments(typed: Typed) -> Typed:
    """The two moments of the record, from what was chosen; empty where something lacks."""
    entry = _read(typed.get("entry_at", "")) or _at(typed)
    stay = typed.get("stay", "")
    hours = timedelta(hours=int(stay)) if stay.isdecimal() and len(stay) < 5 else None
    leaves = entry + hours if entry and hours else None
    return typed | {"expected_entry_at": _typed(entry), "expected_exit_at": _typed(leaves)}


def chosen(typed: Typed) -> Typed:
    """What the fields of the page hold, from the moments where the record has them."""
    entry = _read(typed.get("expected_entry_at", ""))
    leaves = _read(typed.get("expected_exit_at", ""))
    if entry is None:
        return typed
    held = {
        "entry_at": _typed(entry),
        "entry_day": entry.date().isoformat(),
        "entry_hour": str(entry.hour),
    }
    if leaves is not None and entry < leaves < entry + LONGEST:
        held["stay"] = str(max(round((leaves - entry) / HOUR), 1))
    return typed | held


def _read(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME)  # noqa: DTZ007 - local, as typed
    except ValueError:
        return None


def _at(typed: Typed) -> datetime | None:
    hour = typed.get("entry_hour", "")
    return _read(f"{typed.get('entry_day', '')}T{hour:0>2}:00") if hour.isdecimal() else None


def _typed(at: datetime | None) -> str:
    return at.strftime(TIME) if at else ""


def offered(held: Typed, said: Mapping[str, str], now: datetime, ahead_days: int) -> dict[str, Any]:
    """The choices of the page. `exact` asks for day and hour: on a tap, and where the chosen hour
    is none of the near ones.
    """
    near = _near(now)
    entry = held.get("entry_at", "")
    asked = "exact" in said or (bool(said.get("entry_day")) and "near" not in said)
    other = bool(entry) and all(choice.value != entry for choice in near) and "near" not in said
    return {
        "near": near,
        "exact": asked or other,
        "days": _days(now, ahead_days),
        "hours": [Choice(value=str(hour), label=f"{hour:02d}:00") for hour in range(24)],
        "stays": _stays(held.get("stay", "")),
    }


def placed(errors: Iterable[dict[str, str]], *, exact: bool) -> list[dict[str, str]]:
    """What is wrong with the hour is told where the page asks for it."""
    at = {"entry_at": "entry_hour"} if exact else {}
    return [error | {"field": at.get(error["field"], error["field"])} for error in errors]


def _near(now: datetime) -> list[Choice]:
    today = now.astimezone(LOCAL).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    hours = [today + n * HOUR for n in range(1, NEAR + 1)]
    return [Choice(value=_typed(at), label=_hour(at, today.date())) for at in hours]


def _hour(at: datetime, today: date) -> str:
    shown = f"{at:%H:%M}"
    if at.date() == today:
        return shown
    return t("ui.ask.near.next", day=at.day, month=at.month, hour=shown)


def _days(now: datetime, ahead: int) -> list[Choice]:
    today = now.astimezone(LOCAL).date()
    days = [(n, today + timedelta(days=n)) for n in range(ahead + 1)]
    return [Choice(value=day.isoformat(), label=_day(day, n)) for n, day in days]


def _day(day: date, ahead: int) -> str:
    shown = t("ui.ask.day", month=day.month, day=day.day)
    return f"{t(f'ui.ask.day.{ahead}')} {shown}" if ahead < 3 else shown


def _stays(held: str) -> list[Choice]:
    """A stay that somebody else has typed, and that is none of ours, stands among ours."""
    own = {int(held)} if held.isdecimal() and len(held) < 5 and int(held) else set[int]()
    return [Choice(value=str(hours), label=_long(hours)) for hours in sorted({*STAYS} | own)]


def _long(hours: int) -> str:
    days, rest = divmod(hours, 24)
    if rest:
        return t("ui.ask.stay.hours", n=hours)
    return t("ui.ask.stay.day") if days == 1 else t("ui.ask.stay.days", n=days)
