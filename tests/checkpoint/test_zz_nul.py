import pytest
from datetime import timedelta
from kernel.ids import uuid7
from tests.conftest import NOON
from tests.http import submit
from tests.checkpoint.moves import *
from tests.closedloop.test_pages import filled
from tests.conftest import *

@pytest.mark.parametrize("bad", ["\0", "x"*5000, "\u202e", "💥"])
async def test_gate(logged_in, conn, city, bad):
    n = number_of(city, await reported(conn, city))
    lane = await logged_in("lane", city.north)
    shown = await lane.get("/gate")
    out = {}
    for f in ("gate", "plate_seen", "input", "override"):
        r = await submit(lane, shown, "/gate", {"input": n, f: bad})
        out[f] = r.status_code
    m = await verifying(conn, city, plate="豫B54321", id_number="410221198505052312")
    desk = await logged_in("desk", city.north)
    for w, f in (("release","proof"),("hold","source"),("turn-back","reason")):
        said = {"event_id": str(uuid7(NOON)), f: bad}
        if w == "hold": said["reason"] = "red_code"
        r = await submit(desk, shown, f"/desk/{m}/{w}", said)
        out[w] = r.status_code
    firm = await logged_in("firm", city.mill)
    for f in ("plate", "note"):
        r = await submit(firm, shown, "/firm/discrepancy", {"plate": "豫B12345", "reason": "wrong_person", f: bad})
        out["f"+f] = r.status_code
    r = await submit(firm, shown, "/firm/arrived", {"movement_id": "99999999999999999999999", "event_id": str(uuid7(NOON))}); out["arr"] = r.status_code
    for p in ("/loops/99999999999999999999", "/loops?after=99999999999999999999999", "/loops?after=-1", "/loops?after=x", "/loops?state=%00", "/t/%00", "/d/%00", "/d/new?entry_place_id=%00"):
        r = await (await logged_in("duty")).get(p); out[p]=r.status_code
    for f in ("name","id_number","phone","plate","trailer_plate","goods","origin","id_type","crew_1_name","stop_1","q_symptom","expected_entry_at"):
        fi = filled(city, **{f: bad})
        r = await submit(firm, shown, "/d/new", fi); out["d"+f]=r.status_code
    for f, v in (("expected_entry_at","0001-01-01T00:00"),("expected_entry_at","9999-12-31T23:59"),("expected_exit_at","9999-12-31T23:59"),("expected_exit_at","0001-01-01T00:00")):
        r = await submit(firm, shown, "/d/new", filled(city, **{f: v})); out[f+v]=r.status_code
    print(out)
    assert not [k for k, v in out.items() if v >= 500]
