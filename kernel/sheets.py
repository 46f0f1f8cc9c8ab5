"""Rows for a spreadsheet program: UTF-8 with its mark, and nothing that would be a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from litestar import Response

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def neutral(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def as_csv(name: str, rows: Iterable[Sequence[str]]) -> Response[bytes]:
    """A file to take along."""
    out = io.StringIO()
    csv.writer(out).writerows([neutral(cell) for cell in row] for row in rows)
    return Response(
        ("\ufeff" + out.getvalue()).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
