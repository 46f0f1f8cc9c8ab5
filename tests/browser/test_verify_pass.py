"""The gate's reader of offline passes, in the browser that a gate has."""

import json
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.forgeries import stock
from closedloop.printouts import offline_digits
from closedloop.reporting import situation_of
from kernel.db import open_pool
from registry.offline_pass import read_offline
from registry.signing_keys import SigningKey, published
from tests.browser.conftest import PHONE, Site
from tests.browser.passes import codes_on, reported
from tests.conftest import NOON
from tests.vectors.make_offline_pass import FILE, told

pytestmark = pytest.mark.browser

READER = """
async ({keys, cases, sabotage}) => {
  const { importKeys, verifyPass } = await import("/static/verify-pass.js");
  if (sabotage) crypto.subtle.verify = async () => true;
  const known = await importKeys(keys);
  const read = (digits) => verifyPass(digits, known).catch((refused) => refused.message);
  return Promise.all(cases.map(read));
}
"""


async def read_in_chromium(
    site: Site, keys: list[Any], cases: list[str], *, sabotage: bool = False
) -> list[Any]:
    page = await site.page()
    said = {"keys": keys, "cases": cases, "sabotage": sabotage}
    return await page.evaluate(READER, said)


async def test_both_ends_of_the_window_belong_to_it(site: Site) -> None:
    page = await site.page()
    covered = await page.evaluate(
        """() => import("/static/verify-pass.js").then(({ covers }) => [9, 10, 20, 21].map(
            (at) => covers({ window_from: 10, window_to: 20 }, at)))"""
    )
    assert covered == [False, True, True, False]


async def test_chromium_reads_the_vectors_as_they_are_to_be_read(site: Site) -> None:
    vectors = json.loads(FILE.read_text("utf-8"))
    cases = [*vectors["accepted"], *vectors["refused"]]
    read = await read_in_chromium(site, vectors["keys"], [case["digits"] for case in cases])
    wanted = [case.get("pass") or case["code"] for case in cases]
    assert dict(enumerate(read)) == dict(enumerate(wanted))
    careless = await read_in_chromium(
        site, vectors["keys"], [case["digits"] for case in cases], sabotage=True
    )
    assert sum(isinstance(one, dict) for one in careless) > len(vectors["accepted"])


BLUNTED = """
async ({keys, digits, without}) => {
  const source = await fetch("/static/verify-pass.js").then((answer) => answer.text());
  const blunt = source.replace(without, "true");
  if (blunt === source) throw Error("nothing was taken out");
  const file = URL.createObjectURL(new Blob([blunt], { type: "text/javascript" }));
  const { importKeys, verifyPass } = await import(file);
  return verifyPass(digits, await importKeys(keys)).then(() => "read", (no) => no.message);
}
"""


@pytest.mark.parametrize(
    ("without", "name"),
    [
        ("s <= ORDER / 2n", "the high s"),
        ("/^[1-9][0-9]*$/.test(digits)", "a zero in front"),
        ("await isSigned(payload, signature, key)", "another plate"),
    ],
)
async def test_a_reader_in_chromium_that_leaves_a_rule_out_is_found(
    site: Site, without: str, name: str
) -> None:
    vectors = json.loads(FILE.read_text("utf-8"))
    (digits,) = [case["digits"] for case in vectors["refused"] if case["name"] == name]
    page = await site.page(bypass_csp=True)
    said = {"keys": vectors["keys"], "digits": digits, "without": without}
    assert await page.evaluate(BLUNTED, said) == "read"


async def test_a_thousand_fresh_passes_are_read_in_chromium_as_in_python(site: Site) -> None:
    genuine = stock(Random(5), 1000)
    listed = [msgspec.to_builtins(published(a_key(*each))) for each in genuine.keys.items()]
    in_chromium = await read_in_chromium(site, listed, genuine.digits)
    in_python = [told(read_offline(digits, genuine.keys)) for digits in genuine.digits]
    assert in_chromium == in_python
    assert in_python == [told(said) for said in genuine.said]


def a_key(kid: int, key: EllipticCurvePublicKey) -> SigningKey:
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return SigningKey(
        kid=kid, public_key=point, private_sealed=b"", created_at=NOON, signs_from=NOON
    )


async def test_a_gate_reads_the_code_on_a_pass_with_the_published_keys(
    site: Site, tmp_path: Any
) -> None:
    address = await reported(site)
    page = await site.page(viewport=PHONE, java_script_enabled=False)
    await page.goto(f"{address}/full?code=offline")
    (digits,) = await codes_on(page, "offline", tmp_path)
    gate = await site.page()
    keys = await gate.evaluate("fetch('/api/v1/passes/keys').then((all) => all.json())")
    (read,) = await read_in_chromium(site, keys["keys"], [digits])
    assert read["plate"] == "豫B12345"
    assert read["movement_id"] == int(address[3:16])


@pytest.mark.parametrize("how", ["keys", "text"])
async def test_a_lanes_scanner_sends_the_whole_of_the_offline_code(site: Site, how: str) -> None:
    address = await reported(site)
    number = await signed_digits(site, address)
    site.clock.at = NOON + timedelta(minutes=50)
    lane = await site.log_in("lane", site.city.north, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    box = lane.locator("input[name=input]")
    if how == "keys":
        await box.press_sequentially(number, delay=1)
        await lane.keyboard.press("Enter")
    else:  # a hand-held device that puts text in, a part at a time, and has no Enter
        for end in (24, 100, len(number)):
            await box.evaluate("(box, text) => { box.value = text }", number[:end])
            await box.dispatch_event("input")
    await lane.wait_for_selector("[data-card=green]")


async def signed_digits(site: Site, address: str) -> str:
    pool = await open_pool(site.dsn, size=1)
    async with pool.acquire() as conn, conn.transaction():
        situation = await situation_of(conn, int(address[3:16]))
        world = await site.city.office.cache.now(conn)
        now = site.clock.now()
        made = await offline_digits(conn, site.city.office, situation.movement, world, now)
    await pool.close()
    return made
