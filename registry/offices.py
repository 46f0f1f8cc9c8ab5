"""The three offices and the working roles: who may hold what, and of whom a second factor is asked.

Administration is divided (decision 0016): an administrator prepares, a security officer grants, an
auditor reads. One person holds one of the three at most, and none beside daily work.
"""

from collections.abc import Collection

from kernel.errors import Conflict, Malformed
from registry.model import Role

OFFICES = frozenset({Role.ADMIN, Role.SECURITY, Role.AUDITOR})
#: Roles of accounts, in the order in which they are offered. A driver needs no account.
OFFERED = tuple(role for role in Role if role is not Role.DRIVER)
#: Roles that show no personal data beyond what stands before them at a gate or place.
WITHOUT_FACTOR = frozenset({Role.LANE, Role.FIRM, Role.INSPECTOR, Role.RECEIVER})
#: Roles that mean nothing without a place.
AT_A_PLACE = frozenset({Role.LANE, Role.FIRM, Role.RECEIVER})
#: The constraints that say the same in the database.
APART = frozenset({"account_offices_apart", "change_offices_apart"})


def check_roles(roles: Collection[str]) -> None:
    """Raises Malformed `unknown_role`; Conflict `offices_apart`."""
    if not roles or not set(roles) <= set(OFFERED):
        raise Malformed("unknown_role", known=[role.value for role in OFFERED])
    if set(roles) & OFFICES and len(set(roles)) > 1:
        raise Conflict("offices_apart")


def needs_factor(roles: Collection[str], *, demo: bool) -> bool:
    """Whether a password alone is too little. Log-ins of a demo city are excused."""
    return not demo and bool(set(roles) - WITHOUT_FACTOR)
