"""The client that is made from the API's description: as it is committed, and through a truck's day."""

import importlib.util
import sys
from datetime import timedelta
from types import ModuleType
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from checkpoint.describing import description_of
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from scripts.make_client import FILE, made
from tests.checkpoint.camera_ground import a_camera
from tests.city import IDS, City, add_proof
from tests.conftest import NOON


@pytest.fixture(scope="module")
def client_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("checkpoint_client", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["checkpoint_client"] = module
    spec.loader.exec_module(module)
    return module


async def test_the_client_is_what_the_description_makes(app: Litestar) -> None:
    """`python -m scripts.make_client` where it is not."""
    document = description_of(app)
    text = FILE.read_text(encoding="utf-8")
    assert text == made(document)
    del document["paths"]["/api/v1/loops"]["get"]
    assert text != made(document), "a call that went is noticed"


async def test_a_trucks_day_by_the_client(
    app: Litestar, conn: Connection, city: City, clock: SetClock, client_module: ModuleType
) -> None:
    """Reported, seen by a camera, let in, followed by the firm's cursor, confirmed."""
    api: Any = client_module
    transport = httpx.ASGITransport(app=cast("Any", app))

    def caller(token: str | None) -> Any:
        return api.Client("http://test", token, transport=transport, lang="en")

    def new_id() -> UUID:
        return uuid7(clock.now())

    await add_proof(conn, city.office.vault, "test", "negative", NOON - timedelta(hours=5))
    said = api.Report(
        id=new_id(), name="李小龙", id_number=IDS[0], phone="13812345678", plate="豫B12345",
        origin="山东省济南市", entry_place_id=city.north, stops=[city.mill], goods="daily",
        expected_entry_at=NOON + timedelta(hours=1), expected_exit_at=NOON + timedelta(hours=30),
        declared={"symptom": False, "risk_area": False},
    )  # fmt: skip
    async with caller(None) as driver:
        movement = await driver.post_movements(said)
        assert (movement.state, movement.failures) == ("issued", [])
        assert (await driver.post_movements(said)).id == movement.id, "sent again, it is the same"
    clock.at = NOON + timedelta(minutes=5)
    async with caller(await a_camera(conn, city.north)) as camera:
        read = api.CameraRead(id="1", plate="豫B12345", confidence=0.98, taken_at=clock.now())
        seen = await camera.post_camera_reads(api.CameraReads(reads=[read]))
        assert [each.outcome for each in seen.results] == ["matched"]
    async with caller(city.lane_token) as lane:
        scan = api.Scan(id=new_id(), kind="entry", place_id=city.north, occurred_at=clock.now(),
                        pass_number=movement.pass_number, gate="1")  # fmt: skip
        card = (await lane.post_scans(api.Batch(scans=[scan]))).results[0]
        assert (card.status, card.card, card.movement.state) == ("recorded", "green", "released")
        with pytest.raises(api.Refused) as refused:
            await lane.get_alerts()
        assert (refused.value.status, refused.value.code) == (403, "not_your_role")
    async with caller(city.firm_token) as firm:
        page = await firm.get_changes()
        assert [each.state for each in page.changes] == ["issued", "released"]
        clock.at = NOON + timedelta(minutes=50)
        act = api.Act(id=new_id(), kind="confirm")
        done = await firm.post_movements_events(movement.id, act)
        assert done.status == "recorded"
        later = await firm.get_changes(after=page.after)
        assert later.changes[-1].state == done.movement.state
        loops = await firm.get_loops(limit=10)
        assert [each.plate for each in loops.loops] == ["豫B12345"]
