"""The same answer for many who ask within seconds: a picture of the whole city is drawn once, and
shows its age.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

#: Keys are few: a district and a language.
MOST_KEYS = 500


class Lately:
    """Keeps what was made for some seconds, by key; whoever asks meanwhile waits for one maker."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._made: dict[Hashable, tuple[float, Any]] = {}
        self._turns: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401
        """What fails is not kept."""
        async with self._turns[key]:
            known = self._made.get(key)
            if known is not None and time.monotonic() - known[0] < self._seconds:
                return known[1]
            made = await make()
            if len(self._made) >= MOST_KEYS:
                self._made.clear()
            self._made[key] = (time.monotonic(), made)
            return made
