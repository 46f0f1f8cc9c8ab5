"""Files of evidence as they come: each row is judged alone, a file without its heading not at all."""

import httpx
import pytest

from tests.checkpoint.told import problem
from tests.city import IDS
from tests.journeys.day import Day, Headers

CSV = {"content-type": "text/csv"}
HEADER = "证件号,结果,采样时间\n"
ROW = f"{IDS[0]},negative,2022-05-01 08:00\n"


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROW).encode("gbk"),
        (HEADER + ROW).encode("utf-8-sig"),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
    ],
    ids=["gbk", "utf-8 with its mark", "lines of Windows"],
)
async def test_a_file_as_office_programs_write_it_is_read(
    day: Day, registrar: Headers, content: bytes
):
    answer = await import_file(day, registrar, content)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["refused"]) == (1, 0)
    day.after(1)
    assert (await day.report(tested=False))["failures"] == []


FILES = (
    (ROW.encode(), "header_missing"),
    (b"", "header_missing"),
    (b"\n\n", "header_missing"),
    (b"PK\x03\x04 a spreadsheet", "header_missing"),
    ("证件号,结果\n".encode(), "column_missing"),
    ("证件号,结果,采样时间,身高\n".encode(), "unknown_column"),
    ("证件号,证件号,结果,采样时间\n".encode(), "column_twice"),
)


@pytest.mark.parametrize(("content", "code"), FILES)
async def test_a_file_without_its_heading_is_refused_as_a_whole(
    day: Day, registrar: Headers, content: bytes, code: str
):
    problem(await import_file(day, registrar, content), 400, code)


async def test_a_bad_row_never_spoils_the_others(day: Day, registrar: Headers):
    rows = (
        ROW,
        f"{IDS[0][:-1]}1,negative,2022-05-01 08:00\n",
        f"{IDS[1]},purple,2022-05-01 08:00\n",
        f"{IDS[1]},negative,2023-05-01 08:00\n",
        f"{IDS[1]},negative,soon\n",
        f"{IDS[1]},negative,9999-12-31 23:59\n",
        f"{IDS[1]},negative,0001-01-01 00:00\n",
        f'{IDS[1]},"negative,2022-05-01 08:00\n',
        f"{IDS[2]},negative,2022-05-01 09:00\n",
    )
    answer = await import_file(day, registrar, (HEADER + "".join(rows)).encode())
    assert answer.status_code == 200, answer.text
    told = {row["line"]: (row["status"], row["code"]) for row in answer.json()["rows"]}
    assert (told[2], told[10]) == (("accepted", ""), ("accepted", ""))
    assert [told[line][1] for line in (3, 4, 5, 6, 7, 8, 9)] == [
        "id_check_digit",
        "value_unknown",
        "taken_at_future",
        "taken_at_malformed",
        "taken_at_future",
        "taken_at_malformed",
        "line_quotation",
    ]


async def import_file(day: Day, registrar: Headers, content: bytes) -> httpx.Response:
    return await day.client.post(
        "/api/v1/evidence/test",
        params={"source": "县医院"},
        content=content,
        headers=registrar | CSV,
    )
