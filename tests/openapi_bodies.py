"""What is sent to be written down as an example, where the matrix of who may sends nothing."""

import base64
from datetime import timedelta
from typing import Any

from kernel.ids import uuid7
from tests.authz_bodies import Stage
from tests.kernel.test_photos import picture


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


def _photo(_: dict[str, str], ground: Stage) -> dict[str, Any]:
    return {"json": {"id": _id(ground), "image": base64.b64encode(picture()).decode()}}


def _asked(category: str, words: str, **more: str):
    def fill(_: dict[str, str], ground: Stage) -> dict[str, Any]:
        return {"json": {"id": _id(ground), "category": category, "words": words} | more}

    return fill


def _ledger(_: dict[str, str], __: Stage) -> dict[str, Any]:
    text = "名称,辖区,镇办,行业主管部门,地址\n利民药店,杞县,城关镇,卫健委,南大街3号\n"
    return {"content": text, "headers": {"content-type": "text/csv"}}


MORE: dict[str, Any] = {
    "POST /api/v1/movements": _report,
    "POST /api/v1/evidence/{kind:str}": _csv,
    "POST /api/v1/places/applications/import": _places,
    "POST /api/v1/extensions": _extension,
    "POST /api/v1/transport-passes": _transport,
    "POST /api/v1/gate/notices": _notice,
    "POST /api/v1/movements/{movement_id:int}/photos": _photo,
    "POST /api/v1/complaints": _asked("turned_back", "证件齐全，仍被劝返"),
    "POST /api/v1/help-requests": _asked("fuel", "还剩一格油，车在服务区"),
    "POST /api/v1/tickets": _asked("turned_back", "证件齐全，仍被劝返", kind="complaint"),
    "POST /api/v1/coverage/import": _ledger,
}
QUERIES: dict[str, dict[str, str]] = {
    "POST /coverage/import": {
        "source": "市场主体台账",
        "of_office": "市场监督管理局",
        "as_of": "2022-05-01",
        "dry_run": "true",
    },
    "POST /evidence/{kind}": {"source": "lab", "dry_run": "true"},
}
