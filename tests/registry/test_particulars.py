import msgspec
import pytest

from registry.particulars import Application, check_application

MILL = Application(
    kind="destination",
    category="面粉厂",
    name="祥云面粉厂",
    district="410221",
    address="杞县金城大道18号",
    gates=("东门", "西门"),
    contact_name="王小明",
    contact_phone="13812345678",
)


def _with(**changes: object) -> Application:
    return msgspec.structs.replace(MILL, **changes)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": "面粉厂"}, "name", "name_vague"),
        ({"name": "物流公司"}, "name", "name_vague"),
        ({"name": "Warehouse"}, "name", "name_vague"),
        ({"address": "东大街"}, "address", "address_vague"),
        ({"category": " "}, "category", "category_missing"),
        ({"gates": ("", " ")}, "gates", "gates_missing"),
        ({"gates": ("东门", "东门 ")}, "gates", "gate_twice"),
        ({"gates": tuple(map(str, range(65)))}, "gates", "too_many_gates"),
        ({"gates": ("门" * 41,)}, "gates", "gate_too_long"),
        ({"kind": "castle"}, "kind", "kind_not_offered"),
        ({"contact_name": "王3"}, "contact_name", "name_malformed"),
        ({"contact_phone": "123"}, "contact_phone", "phone_malformed"),
    ],
)
def test_vague_particulars_are_refused_with_a_code_of_their_own(
    changes: dict[str, object], field: str, code: str
):
    _, faults = check_application(_with(**changes))
    assert [(fault.field, fault.refused.code) for fault in faults] == [(field, code)]


def test_everything_that_is_wrong_is_told_at_once():
    _, faults = check_application(Application())
    assert [fault.field for fault in faults] == [
        "kind", "category", "name", "address", "gates", "contact_name", "contact_phone",
    ]  # fmt: skip


def test_sound_particulars_pass_and_are_put_in_order():
    checked, faults = check_application(_with(name=" 祥云  面粉厂\0", gates=(" 东门 ", "", "西门")))
    assert faults == []
    assert (checked.name, checked.gates) == ("祥云 面粉厂", ("东门", "西门"))
    assert checked.contact_phone == "+8613812345678"
