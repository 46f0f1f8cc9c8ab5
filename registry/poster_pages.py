"""Posters in bulk, and the scan hood: what a registrar sends to the printer."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from kernel.auth import requires
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from kernel.i18n import t
from kernel.settings import Settings
from kernel.web import Page, page, url_with
from registry.accounts import known_actor
from registry.model import PlaceKind, Role
from registry.poster_api import PDF, reading
from registry.poster_queries import (
    MOST_CHUNK,
    USUAL_CHUNK,
    count_posters,
    districts_of,
    posters,
    wanted,
)
from registry.printing import hood_pdf, pdf_headers, poster_pdf, printed
from registry.sheets import PosterSize
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
Chunk = Annotated[int, QueryParameter(name="per", ge=1, le=MOST_CHUNK)]
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=10**6)]

SIZES: tuple[PosterSize, ...] = ("a4", "a3")
CHUNKS = (USUAL_CHUNK, 100, MOST_CHUNK)
#: Links to files on one page.
MOST_FILES = 60
PRINTERS = (Role.REGISTRAR,)


@get("/reg/posters", guards=[requires(*PRINTERS)])
async def posters_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    district: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    size: FromQuery[str] = "a4",
    per: Chunk = USUAL_CHUNK,
    number: PageNumber = 1,
) -> Page:
    """Choose a district, a kind and a sheet, see how many posters there are, and take the files."""
    actor = known_actor(request)
    choice = {"district": district, "kind": kind, "size": size, "per": per}
    faults: list[dict[str, str]] = []
    count = 0
    try:
        count = await count_posters(tx, await wanted(tx, actor, district, kind))
        _check_size(size)
    except Unprocessable as refused:
        count = 0
        faults = [error(FIELDS[refused.code], refused)]
    return page(
        "posters.html",
        http_status=422 if faults else 200,
        values=choice,
        errors=faults,
        count=count,
        districts=[{"value": code, "label": name} for code, name in await districts_of(tx, actor)],
        kinds=[{"value": each.value, "label": t(f"ui.kind.{each.value}")} for each in PlaceKind],
        sizes=[{"value": each, "label": t(f"ui.posters.size.{each}")} for each in SIZES],
        chunks=[{"value": each, "label": t("ui.posters.per.n", n=each)} for each in CHUNKS],
        nav=navigation(actor),
        **_files(choice, count, per, number),
    )


FIELDS = {
    "district_unknown": "district",
    "place_kind_unknown": "kind",
    "poster_size_unknown": "size",
}


def _check_size(size: str) -> None:
    if size not in SIZES:
        raise Unprocessable("poster_size_unknown")


def _files(choice: dict[str, Any], count: int, per: int, number: int) -> dict[str, object]:
    """The files of one page of links, and where the next and the former ones are."""
    chunks = -(-count // per)
    first = (number - 1) * MOST_FILES + 1
    last = min(chunks, first + MOST_FILES - 1)
    return {
        "files": [
            {
                "url": url_with("/reg/posters.pdf", choice, page=chunk),
                "first": (chunk - 1) * per + 1,
                "last": min(count, chunk * per),
            }
            for chunk in range(first, last + 1)
        ],
        "next_url": url_with("/reg/posters", choice, page=number + 1) if last < chunks else None,
        "former_url": url_with("/reg/posters", choice, page=number - 1) if number > 1 else None,
    }


@get("/reg/posters.pdf", guards=[requires(*PRINTERS)], media_type=PDF)
async def posters_to_print(
    request: AnyRequest,
    state: State,
    settings: NamedDependency[Settings],
    district: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    size: FromQuery[str] = "a4",
    per: Chunk = USUAL_CHUNK,
    number: PageNumber = 1,
) -> Response[bytes]:
    """One file of posters, a page each. Raises NotFound `no_posters` beyond the last."""
    actor = known_actor(request)
    _check_size(size)
    sheet: PosterSize = "a3" if size == "a3" else "a4"
    async with reading(state) as conn:
        asked = await wanted(conn, actor, district, kind)
        found = await posters(conn, asked, page=number, per=per, public_url=settings.public_url)
    if not found:
        raise NotFound("no_posters")
    drawn = await printed(poster_pdf, found, sheet)
    name = "-".join(part for part in ("posters", asked.area, kind, sheet, str(number)) if part)
    return Response(drawn, media_type=PDF, headers=pdf_headers(name))


@get("/reg/hood.pdf", guards=[requires(*PRINTERS)], media_type=PDF)
async def hood_to_print() -> Response[bytes]:
    """The scan hood, to be folded from one A4 sheet."""
    return Response(await printed(hood_pdf), media_type=PDF, headers=pdf_headers("scan-hood"))


HANDLERS: list[Any] = [posters_page, posters_to_print, hood_to_print]
