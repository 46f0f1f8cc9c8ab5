"""Bad input, played through the pages that drivers use: what is wrong is said in both languages
with what to do next, and nothing that was typed is lost.
"""

import re
from html import unescape

import httpx
import pytest

from closedloop import questions
from kernel.db import Connection
from kernel.i18n import t, use_locale
from registry.people import check_character
from tests.city import IDS, City
from tests.closedloop.walk import Walk, answers
from tests.phones import letters

LANGUAGES = ("zh", "en")
PERSON = {"name": "李小龙", "id_type": "resident", "id_number": IDS[0]}


@pytest.fixture
async def walk(client: httpx.AsyncClient, conn: Connection, city: City) -> Walk:
    """Behind the code, at the first question."""
    made = Walk(client, conn, city)
    await made.begins()
    return made


async def movements(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.movement")


def sentence(code: str, lang: str) -> str:
    """The longest part of it that holds no fact."""
    with use_locale(lang):
        return max(re.split(r"\{\w+\}", t(f"error.{code}")), key=len)


async def refused(walk: Walk, field: str, code: str, **said: str) -> None:
    """Beside the field and in the summary, in either language; all is kept on the page."""
    page = walk.at
    for lang in LANGUAGES:
        await walk.client.get("/", params={"lang": lang})
        answer = await walk.says(**said)
        shown = unescape(answer.text)
        assert answer.status_code == 422
        assert walk.at == page
        assert f'href="#f-{field}"' in shown
        assert sentence(code, lang) in shown, (lang, code)
        for value in said.values():
            assert value in shown, value
        again = unescape((await walk.client.get(page)).text)
        for value in said.values():
            assert value in again, value


async def to_page(walk: Walk, name: str) -> None:
    for page, said in answers(walk.city).items():
        if page == name:
            return
        assert (await walk.says(**said)).status_code == 303


async def to_pass(walk: Walk) -> str:
    """From where it stands to the pass; what was answered already is not asked again."""
    for page, said in answers(walk.city).items():
        if walk.at.endswith(f"/{page}"):
            answer = await walk.says(**said)
            assert answer.status_code == 303, answer.text
    assert "/d/r/" not in walk.at
    return walk.at


# ── documents and names ──


@pytest.mark.parametrize(
    ("id_type", "number", "code"),
    [
        ("resident", IDS[0][:-1] + "8", "id_check_digit"),
        ("resident", "410221900101123", "id_15_digits"),
        ("resident", "41022119900230123" + check_character("41022119900230123"), "id_birth_date"),
        ("resident", "E12345678", "id_malformed"),
        ("passport", IDS[0], "document_malformed"),
        ("hk_macau_permit", "A12345678", "document_malformed"),
        ("taiwan_permit", "1234567", "document_malformed"),
    ],
)
async def test_a_document_that_cannot_be_is_told_beside_its_field(
    walk: Walk, conn: Connection, id_type: str, number: str, code: str
) -> None:
    said = PERSON | {"id_type": id_type, "id_number": number}
    await refused(walk, "id_number", code, **said)
    assert (await walk.says(**PERSON)).status_code == 303
    await to_pass(walk)
    assert await movements(conn) == 1


@pytest.mark.parametrize(
    ("id_type", "number"),
    [
        ("resident", "410221 19900101 1239"),
        ("passport", "e 1234-5678"),
        ("hk_macau_permit", "H12345678"),
        ("taiwan_permit", "12345678"),
        ("foreign_permanent", "USA310012345678"),
    ],
)
async def test_any_document_leads_to_a_pass(
    walk: Walk, conn: Connection, id_type: str, number: str
) -> None:
    said = PERSON | {"id_type": id_type, "id_number": number}
    assert (await walk.says(**said)).status_code == 303
    await to_pass(walk)
    assert await movements(conn) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("古丽．热依拉", "古丽·热依拉"),
        ("欧阳𠮷", "欧阳𠮷"),
        ("𬍛𱁬", "𬍛𱁬"),
        ("John O'Neil-Smith", "John O'Neil-Smith"),
    ],
)
async def test_a_name_as_it_stands_in_the_document_leads_to_a_pass(
    walk: Walk, conn: Connection, name: str, kept: str
) -> None:
    assert (await walk.says(**PERSON | {"name": name})).status_code == 303
    assert name in unescape((await walk.client.get(walk.at.replace("/plate", "/person"))).text)
    await to_pass(walk)
    sealed = await conn.fetchval("SELECT name_sealed FROM registry.person")
    assert walk.city.office.vault.open(sealed, field="person_name") == kept


@pytest.mark.parametrize("name", ["李小龙1", "💥", "=cmd()"])
async def test_what_is_no_name_is_told_beside_its_field(walk: Walk, name: str) -> None:
    await refused(walk, "name", "name_malformed", **PERSON | {"name": name})


# ── plates and telephones ──


@pytest.mark.parametrize(
    ("typed", "plate"),
    [
        ("豫a·d12345", "豫AD12345"),
        ("豫A12345d", "豫A12345D"),
        ("224578使", "224578使"),
        ("使224578", "使224578"),
        ("沪A1234领", "沪A1234领"),
        ("VA12345", "VA12345"),
        ("WJ豫12345", "WJ豫12345"),
        ("粤Z1234港", "粤Z1234港"),
    ],
)
async def test_plates_of_every_kind_lead_to_a_pass(
    walk: Walk, conn: Connection, typed: str, plate: str
) -> None:
    await to_page(walk, "plate")
    assert (await walk.says(plate=typed)).status_code == 303
    shown = await walk.client.get(await to_pass(walk))
    assert plate in shown.text.replace("·", "").replace('<span aria-hidden="true"></span>', "")
    assert await conn.fetchval("SELECT plate FROM registry.movement") == plate


@pytest.mark.parametrize("field", ["plate", "trailer_plate"])
@pytest.mark.parametrize("plate", ["豫I12345", "12345", "豫A1234567"])
async def test_what_is_no_plate_is_told_beside_its_field(
    walk: Walk, field: str, plate: str
) -> None:
    await to_page(walk, "plate")
    await refused(walk, field, "plate_malformed", **{"plate": "豫B12345", field: plate})


@pytest.mark.parametrize(
    "phone", ["+86 138 1234 5678", "86-138-1234-5678", "１３８１２３４５６７８"]
)
async def test_a_telephone_is_read_as_people_write_it(
    client: httpx.AsyncClient, conn: Connection, city: City, phone: str
) -> None:
    walk = Walk(client, conn, city)
    await walk.begins(phone=phone)
    assert {each.to for each in await letters(conn, city.office.vault)} == {"+8613812345678"}
    await to_pass(walk)
    assert await movements(conn) == 1


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("1381234567", "phone_malformed"),
        ("+1 202 555 0123", "phone_country"),
        ("400-123-4567", "phone_kind"),
    ],
)
async def test_what_cannot_be_rung_is_told_at_the_first_question(
    client: httpx.AsyncClient, conn: Connection, city: City, phone: str, code: str
) -> None:
    walk = Walk(client, conn, city)
    for lang in LANGUAGES:
        await client.get("/", params={"lang": lang})
        answer = await walk.says(phone=phone)
        assert answer.status_code == 422
        assert f'value="{phone}"' in unescape(answer.text)
        assert sentence(code, lang) in unescape(answer.text)
    assert await letters(conn, city.office.vault) == []


# ── the way and its times ──


@pytest.mark.parametrize("firm", ["999999", "north", "gone"])
async def test_a_firm_that_is_not_registered_says_whom_to_call(
    walk: Walk, conn: Connection, firm: str
) -> None:
    """An id that never was, a place that is no firm, a firm that was closed meanwhile."""
    await to_page(walk, "way")
    if firm == "gone":
        await conn.execute(
            "UPDATE registry.place SET status = 'suspended' WHERE id = $1", walk.city.depot
        )
    number = {"north": str(walk.city.north), "gone": str(walk.city.depot)}.get(firm, firm)
    way = answers(walk.city)["way"] | {"stop_1": number}
    for lang in LANGUAGES:
        await walk.client.get("/", params={"lang": lang})
        answer = await walk.says(**way)
        assert answer.status_code == 422
        assert 'href="#f-stop_1"' in answer.text
        assert sentence("destination_unknown", lang) in unescape(answer.text)
        assert "12328" in sentence("destination_unknown", lang)
        assert "山东省济南市" in answer.text
    await to_pass(walk)
    assert await movements(conn) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_search_that_finds_no_firm_says_whom_to_call(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    """As in a city with more firms than a page can list."""
    await to_page(walk, "way")
    monkeypatch.setattr(questions, "LISTED", 1)
    await walk.client.get("/", params={"lang": lang})
    way = answers(walk.city)["way"] | {"stop_1": ""}
    with use_locale(lang):
        first, nobody = t("ui.ask.found.none"), t("ui.ask.found.nobody")
    assert first in unescape((await walk.client.get(walk.at)).text)
    answer = await walk.says(**way, find_stop_1="不存在的工厂", find="stop_1")
    assert nobody in unescape(answer.text)
    assert "12328" in nobody
    assert "山东省济南市" in answer.text
    found = await walk.says(**way, find_stop_1="面粉", find="stop_1")
    assert "第一面粉厂" in found.text
    assert nobody not in unescape(found.text)


FAR = {"entry_at": "", "entry_day": "2022-04-13", "entry_hour": "8"}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"entry_at": "2022-04-12T03:00"}, "entry_hour", "entry_time_past"),
        (FAR | {"entry_day": "2022-05-20"}, "entry_hour", "entry_time_too_far"),
        (FAR | {"entry_day": "2022-02-30"}, "entry_hour", "entry_time_missing"),
        ({"entry_at": ""}, "entry_at", "entry_time_missing"),
        ({"stay": ""}, "stay", "exit_time_missing"),
        ({"stay": "0"}, "stay", "exit_time_missing"),
        ({"stay": "-4"}, "stay", "exit_time_missing"),
    ],
)
async def test_times_that_cannot_be_are_told_beside_their_field(
    walk: Walk, conn: Connection, changes: dict[str, str], field: str, code: str
) -> None:
    await to_page(walk, "times")
    times = answers(walk.city)["times"] | changes
    for lang in LANGUAGES:
        await walk.client.get("/", params={"lang": lang})
        answer = await walk.says(**times)
        assert answer.status_code == 422
        assert f'href="#f-{field}"' in answer.text
        assert sentence(code, lang) in unescape(answer.text)
        if field != "stay":
            assert re.search(r'name="stay" value="24" required[^>]* checked', answer.text)
    await to_pass(walk)
    assert await movements(conn) == 1
