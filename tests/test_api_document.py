"""docs/api.md has a row for every call of the API, and no other; its examples call what is there."""

import re
from collections import Counter
from pathlib import Path

from litestar import Litestar

from tests.authz import routes

DOCUMENT = (Path(__file__).parents[1] / "docs/api.md").read_text(encoding="utf-8")
API = "/api/v1"
ROW = re.compile(r"^\| `([A-Z]+) (/[^`]*)` \|", re.MULTILINE)
EXAMPLE = re.compile(r"\$B(/[^\s\"?`]*)")


def plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def told(document: str) -> list[str]:
    return [f"{method} {plain(path)}" for method, path in ROW.findall(document)]


def served(app: Litestar) -> set[str]:
    calls = (route for route in routes(app) if route.path.startswith(f"{API}/"))
    return {f"{route.method} {plain(route.path.removeprefix(API))}" for route in calls}


def strangers(document: str, app: Litestar) -> list[str]:
    """Addresses of examples that lead nowhere."""
    known = {call.partition(" ")[2] for call in served(app)}
    shapes = [re.compile(re.escape(path).replace(r"\{\}", "[^/]+")) for path in known]
    called = EXAMPLE.findall(document)
    return [path for path in called if not any(shape.fullmatch(path) for shape in shapes)]


async def test_every_call_has_one_row_and_no_row_is_made_up(app: Litestar) -> None:
    rows = Counter(told(DOCUMENT))
    assert set(rows) == served(app)
    assert [call for call, count in rows.items() if count > 1] == []


async def test_every_example_calls_what_is_there(app: Litestar) -> None:
    assert EXAMPLE.findall(DOCUMENT) != []
    assert strangers(DOCUMENT, app) == []


async def test_a_row_that_is_missing_and_an_example_that_is_made_up_are_found(
    app: Litestar,
) -> None:
    shorter = DOCUMENT.replace("| `GET /feed` |", "|")
    assert served(app) - set(told(shorter)) == {"GET /feed"}
    assert strangers(f'{DOCUMENT} curl "$B/holds/7"', app) == ["/holds/7"]
