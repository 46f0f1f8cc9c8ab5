"""Many who ask at once get one answer; an old one is made anew, and a failure is kept for nobody."""

import asyncio

import pytest

from kernel.lately import Lately


class Maker:
    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> int:
        await asyncio.sleep(0.01)
        self.made += 1
        return self.made


async def test_many_at_once_wait_for_one_maker() -> None:
    lately, make = Lately(60), Maker()
    assert await asyncio.gather(*(lately.get("a", make) for _ in range(50))) == [1] * 50
    assert await lately.get("b", make) == 2


async def test_an_old_answer_is_made_anew() -> None:
    lately, make = Lately(0), Maker()
    assert [await lately.get("a", make), await lately.get("a", make)] == [1, 2]


async def test_what_fails_is_not_kept() -> None:
    lately, make = Lately(60), Maker()

    async def fail() -> int:
        raise OSError(5, "broken")

    with pytest.raises(OSError, match="broken"):
        await lately.get("a", fail)
    assert await lately.get("a", make) == 1
