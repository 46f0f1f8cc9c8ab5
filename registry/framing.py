"""What every page of the registry's staff is given."""

from typing import Any

from kernel.auth import Actor
from kernel.i18n import current_locale, other_locale
from kernel.web import url_with
from registry.model import Role
from registry.wording import navigation

REGISTRARS = (Role.REGISTRAR,)
#: Whoever goes to see where a code is posted.
INSPECTING = (Role.REGISTRAR, Role.INSPECTOR)


def framing(actor: Actor, path: str) -> dict[str, Any]:
    """A refused form is answered under an address that cannot be read: links lead to the page."""
    other = other_locale(current_locale())
    return {
        "nav": navigation(actor),
        "path": path,
        "other_locale_url": url_with(path, lang=other),
    }
