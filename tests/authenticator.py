"""A telephone with an authenticator, and the two-step log-in of a test."""

import base64
import re
from datetime import timedelta

import httpx

from kernel.clock import SetClock
from registry.factor import SECONDS, code_at
from tests.http import submit

STEP = timedelta(seconds=SECONDS)
SECRET = re.compile(r'<span class="digits">(.*?)</span></p>', re.DOTALL)
LINK = re.compile(r"/invite/[A-Za-z0-9_-]{43}")


class Authenticator:
    def __init__(self, page: str) -> None:
        """Reads the secret off the page on which it is shown in groups."""
        found = SECRET.search(page)
        assert found, "no secret on this page"
        self.secret = base64.b32decode(re.sub(r"<[^>]*>|\s", "", found[1]))

    def code(self, clock: SetClock, steps: int = 0) -> str:
        return code_at(self.secret, int(clock.now().timestamp()) // SECONDS + steps)


async def enrol(browser: httpx.AsyncClient, clock: SetClock) -> tuple[Authenticator, list[str]]:
    """From the enrolment page to the codes for the paper."""
    shown = await browser.get("/me/factor")
    phone = Authenticator(shown.text)
    answer = await submit(browser, shown, "/me/factor", {"code": phone.code(clock)})
    assert answer.status_code == 200, answer.text
    codes = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", answer.text)
    clock.at = clock.now() + STEP
    return phone, codes


async def give_code(browser: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    shown = await browser.get("/login/code")
    return await submit(browser, shown, "/login/code", {"code": code} | more)
