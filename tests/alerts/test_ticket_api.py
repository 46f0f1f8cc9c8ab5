"""Work items by call: asked for, listed, claimed, answered once, read whole."""

import httpx
import pytest

from kernel.ids import uuid7
from tests.alerts.desk import PHONE, RULES
from tests.conftest import NOON


@pytest.mark.usefixtures("city")
async def test_by_call_too(client: httpx.AsyncClient, logged_in) -> None:
    said = {"id": str(uuid7(NOON)), "category": "medicine", "words": "胰岛素用完", "phone": PHONE}
    first = await client.post("/api/v1/help-requests", json=said)
    assert first.status_code == 202
    again = await client.post("/api/v1/help-requests", json=said)
    assert again.json() == first.json() | {"repeated": True}
    said = {"id": str(uuid7(NOON)), "category": "rude", "words": "态度恶劣"}
    assert (await client.post("/api/v1/complaints", json=said)).status_code == 202
    desk = await logged_in("duty")
    token = {"x-csrftoken": desk.cookies["csrftoken"]}
    listed = (await desk.get("/api/v1/tickets?kind=help")).json()
    assert [each["urgency"] for each in listed["tickets"]] == [1]
    ticket_id = listed["tickets"][0]["ticket"]["id"]
    assert PHONE not in str(listed)
    claimed = await desk.post(f"/api/v1/tickets/{ticket_id}/claim", json={}, headers=token)
    assert claimed.status_code == 200
    act = {"id": str(uuid7(NOON)), "act": "answer", "words": "已送达", "version": 1}
    done = await desk.post(f"/api/v1/tickets/{ticket_id}/acts", json=act, headers=token)
    assert done.json()["ticket"]["state"] == "answered"
    late = act | {"id": str(uuid7(NOON))}
    refused = await desk.post(f"/api/v1/tickets/{ticket_id}/acts", json=late, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_changed")
    whole = (await desk.get(f"/api/v1/tickets/{ticket_id}")).json()
    assert [step["act"] for step in whole["steps"]] == ["receive", "answer"]
    assert "胰岛素用完" in whole["said"].values()
    new = {"id": str(uuid7(NOON)), "kind": "screening", "category": "assist", "words": "协查"}
    made = await desk.post("/api/v1/tickets", json=new, headers=token)
    assert made.status_code == 201
    assert RULES.category("screening", "assist") is not None
