"""One gate's poster, as a picture and as PDF."""

from contextlib import asynccontextmanager
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from kernel.auth import requires
from kernel.db import Connection, provide_tx
from kernel.settings import Settings
from registry.accounts import known_actor
from registry.model import Role
from registry.poster_queries import poster_of
from registry.posters import poster_svg
from registry.printing import pdf_headers, poster_pdf, printed
from registry.sheets import PosterSize

AnyRequest = Request[Any, Any, Any]
PlaceId = Annotated[int, PathParameter(description="The place's number.", ge=1, le=2**63 - 1)]
Gate = Annotated[str | None, QueryParameter(description="A gate; else the first.")]
Size = Annotated[PosterSize, QueryParameter(description="The sheet.")]

SVG, PDF = "image/svg+xml", "application/pdf"
SEEN_BY = (Role.REGISTRAR, Role.FIRM, Role.LANE)

#: For what is drawn after the reading: a connection is not held while a press is at work.
reading = asynccontextmanager(provide_tx)


@get(
    "/places/{place_id:int}/poster.svg",
    guards=[requires(*SEEN_BY)],
    media_type=SVG,
    tags=["places"],
)
async def poster(
    request: AnyRequest,
    place_id: PlaceId,
    tx: NamedDependency[Connection],
    settings: NamedDependency[Settings],
    gate: Gate = None,
    size: Size = "a4",
) -> Response[str]:
    """The poster of one gate. Looking at it never changes the code."""
    actor = known_actor(request)
    found = await poster_of(tx, actor, place_id, gate, public_url=settings.public_url)
    return Response(poster_svg(found, size), media_type=SVG)


@get(
    "/places/{place_id:int}/poster.pdf",
    guards=[requires(*SEEN_BY)],
    media_type=PDF,
    tags=["places"],
)
async def poster_to_print(
    request: AnyRequest,
    place_id: PlaceId,
    state: State,
    settings: NamedDependency[Settings],
    gate: Gate = None,
    size: Size = "a4",
) -> Response[bytes]:
    """The poster of one gate as PDF, with its fonts inside. Printing never changes the code."""
    actor = known_actor(request)
    async with reading(state) as conn:
        found = await poster_of(conn, actor, place_id, gate, public_url=settings.public_url)
    drawn = await printed(poster_pdf, [found], size)
    return Response(drawn, media_type=PDF, headers=pdf_headers(f"poster-{found.code}-{size}"))


HANDLERS: list[Any] = [poster, poster_to_print]
