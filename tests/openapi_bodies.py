"""What is sent to be written down as an example, where the matrix of who may sends nothing."""

from datetime import timedelta
from typing import Any

from kernel.ids import uuid7
from tests.authz_bodies import Stage


def _id(ground: Stage) -> str:
    return str(uuid7(ground.clock.now()))


def _alert(**said: Any):
    return lambda _, ground: {"json": {"id": _id(ground)} | said}


def _csv(_: dict[str, str], __: Stage) -> dict[str, Any]:
    text = "id_number,value,taken_at\n410221199001011239,negative,2022-05-01T08:00:00+08:00\n"
    return {"content": text, "headers": {"content-type": "text/csv"}}


def _places(_: dict[str, str], __: Stage) -> dict[str, Any]:
    text = (
        "type,name,category,district,address,gates,contact_name,contact_phone\n"
        "destination,康利冷库,冷库,410221,杞县康利路3号,东门,王小明,13812345678\n"
    )
    return {"content": text, "headers": {"content-type": "text/csv"}}


def _report(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    now = ground.clock.now()
    return {
        "json": {
            "id": _id(ground),
            "name": "李小龙",
            "id_number": "410221197912126548",
            "phone": "13812345678",
            "plate": "豫B67890",
            "origin": "山东省济南市",
            "entry_place_id": ground.city.north,
            "stops": [ground.city.mill],
            "goods": "daily",
            "expected_entry_at": (now + timedelta(hours=1)).isoformat(),
            "expected_exit_at": (now + timedelta(hours=30)).isoformat(),
            "declared": {"symptom": False, "risk_area": False},
        }
    }


def _extension(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    return {
        "json": {"id": _id(ground), "place_id": ground.city.depot, "side": "to", "minutes": 30,
                 "reason": "道路封闭"}
    }  # fmt: skip


def _transport(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    return {"json": {"id": _id(ground), "region": "410221", "plate": "豫B77777", "goods": "daily"}}


def _notice(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    return {"json": {"id": _id(ground), "kind": "wait", "minutes": 20}}


MORE: dict[str, Any] = {
    "POST /api/v1/movements": _report,
    "POST /api/v1/evidence/{kind:str}": _csv,
    "POST /api/v1/places/applications/import": _places,
    "POST /api/v1/extensions": _extension,
    "POST /api/v1/transport-passes": _transport,
    "POST /api/v1/gate/notices": _notice,
}
QUERIES: dict[str, dict[str, str]] = {
    "POST /evidence/{kind}": {"source": "lab", "dry_run": "true"},
}
