"""A browser with a profile on disk, and all that it keeps after people have used it."""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from tests.browser.conftest import CHROMIUM, QUIET, Site

#: Everything that scripts may keep, and where this tab has been.
READ = """
async () => {
  const kept = { local: { ...localStorage }, tab: { ...sessionStorage }, cookie: document.cookie };
  kept.been = navigation.entries().map((each) => each.url);
  kept.name = window.name;
  kept.caches = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      kept.caches.push([name, request.url, [...answer.headers], await answer.text()]);
    }
  }
  kept.databases = [];
  for (const { name } of await indexedDB.databases()) {
    const opened = indexedDB.open(name);
    await new Promise((done, failed) => (opened.onsuccess = done, opened.onerror = failed));
    for (const store of opened.result.objectStoreNames) {
      const asked = opened.result.transaction(store).objectStore(store).getAll();
      await new Promise((done, failed) => (asked.onsuccess = done, asked.onerror = failed));
      kept.databases.push([name, store, asked.result]);
    }
    opened.result.close();
  }
  return kept;
}
"""


@asynccontextmanager
async def profile(site: Site, folder: Path, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser as it stands on a desk: what it keeps is on disk, and is written when it ends."""
    context = await site.browser.browser_type.launch_persistent_context(
        folder,
        executable_path=CHROMIUM,
        args=list(QUIET),
        base_url=site.url,
        timezone_id="Asia/Shanghai",
        **options,
    )
    context.set_default_timeout(8_000)
    try:
        yield context
    finally:
        await context.close()


async def kept_by(page: Page) -> str:
    """What this page's site keeps in the browser, as text: cookies that scripts cannot read too."""
    told = await page.evaluate(READ)
    return json.dumps([told, await page.context.cookies()], ensure_ascii=False)


def on_disk(folder: Path) -> dict[str, str]:
    """File of the profile → places visited, or its bytes in the two spellings Chromium has."""
    root = folder / "Default"
    files = {str(each.relative_to(root)): each for each in root.rglob("*") if each.is_file()}
    told = {name: _spelt(file.read_bytes()) for name, file in files.items()}
    return told | {"places visited": "\n".join(_visited(root / "History"))}


def _spelt(raw: bytes) -> str:
    wide = (raw[at:].decode("utf-16-le", "replace") for at in (0, 1))
    return "\n".join([raw.decode("utf-8", "replace"), *wide])


def _visited(file: Path) -> Iterable[str]:
    with closing(sqlite3.connect(file)) as history:
        for url, title in history.execute("SELECT url, title FROM urls"):
            yield f"{url} {title}"
