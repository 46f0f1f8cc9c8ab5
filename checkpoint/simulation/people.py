"""Made-up drivers and plates: well formed, and nobody's."""

from collections.abc import Callable
from random import Random

from msgspec import Struct

from registry.people import check_character

#: No district of the country has this number, so no real person has these documents.
NOWHERE = "990000"
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟强磊洋勇军杰涛超明刚平辉鹏华飞鑫波斌宇"
ORIGINS = ("山东省济南市", "河北省邯郸市", "安徽省亳州市", "江苏省徐州市", "湖北省武汉市")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
PROVINCES = "豫鲁冀皖苏鄂晋陕"


class MadeUp(Struct, frozen=True, kw_only=True):
    name: str
    id_number: str
    phone: str
    plate: str
    origin: str


class People:
    """Nobody twice."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._taken: set[str] = set()

    def make(self) -> MadeUp:
        dice = self._random
        name = dice.choice(SURNAMES) + "".join(dice.choices(GIVEN, k=2))
        return MadeUp(
            name=f"示例{name}",
            id_number=self._new(self._id_number),
            phone=f"19900{dice.randrange(10**6):06d}",
            plate=self._new(self._plate),
            origin=f"{dice.choice(ORIGINS)}（示例）",
        )

    def plate(self) -> str:
        return self._new(self._plate)

    def _new(self, draw: Callable[[], str]) -> str:
        while (text := draw()) in self._taken:
            pass
        self._taken.add(text)
        return text

    def _id_number(self) -> str:
        dice = self._random
        born = f"{dice.randint(1962, 2000)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
        digits = f"{NOWHERE}{born}{dice.randrange(1000):03d}"
        return digits + check_character(digits)

    def _plate(self) -> str:
        dice = self._random
        head = dice.choice(PROVINCES) + dice.choice(LETTERS)
        if dice.random() < 0.2:
            return f"{head}{dice.choice('DF')}{dice.randrange(10**5):05d}"
        return head + "".join(dice.choices(LETTERS + "0123456789" * 3, k=5))
