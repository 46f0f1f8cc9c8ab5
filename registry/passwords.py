"""Which passwords are taken, and the links with which people set their own."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from kernel.auth import hash_password, new_token, token_hash, verify_password
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from registry.sessions import end_all

SHORTEST, LONGEST = 12, 200
LINK_LASTS = timedelta(hours=72)
#: Long enough for the rule, and among the first that anybody tries.
_COMMON = frozenset({
    "123456789012", "1234567890123", "12345678901234", "012345678910", "123123123123",
    "111111111111", "000000000000", "888888888888", "666666666666", "112233445566",
    "123456123456", "123456abcdef", "abcdefghijkl", "qwertyuiop12", "qwertyuiop123",
    "1qaz2wsx3edc", "1q2w3e4r5t6y", "qazwsxedcrfv", "passwordpassword", "password1234",
    "password12345", "password123456", "admin1234567", "adminadmin12", "administrator",
    "administrator1", "administrator123", "iloveyou1234", "woaini1314520", "woaini520520",
    "5201314520131", "520131452013", "changeme1234", "welcome12345", "letmein12345",
    "correct horse", "checkpoint12", "checkpoint123", "checkpoint1234",
})  # fmt: skip


class Invited(Struct, frozen=True, kw_only=True):
    account_id: UUID
    login: str
    name: str


def password_fault(password: str, again: str, login: str) -> Refused | None:
    """Length alone makes a password good (NIST SP 800-63B); a few are known to everyone."""
    if len(password) < SHORTEST:
        return Unprocessable("password_too_short", least=SHORTEST)
    if len(password) > LONGEST:
        return Unprocessable("password_too_long", most=LONGEST)
    folded = password.casefold()
    if folded in _COMMON or folded == login.casefold():
        return Unprocessable("password_too_common")
    if password != again:
        return Unprocessable("passwords_differ")
    return None


async def issue_link(conn: Connection, account_id: UUID, *, by: UUID | None, now: datetime) -> str:
    """The secret part of a link that works once within 72 hours. It is shown once, only its hash
    is kept, and it takes the place of any link from before.
    """
    token = new_token()
    await conn.execute(
        "DELETE FROM registry.account_link WHERE account_id = $1 AND used_at IS NULL", account_id
    )
    await conn.execute(
        """
        INSERT INTO registry.account_link
               (token_hash, account_id, issued_by, issued_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        token_hash(token),
        account_id,
        by,
        now,
        now + LINK_LASTS,
    )
    return token


async def open_link(conn: Connection, token: str, now: datetime) -> Invited:
    """Raises NotFound `link_over`: unknown, used, too old, or of an account without power."""
    row = await conn.fetchrow(
        """
        SELECT a.id, a.login, a.name FROM registry.account_link k
          JOIN registry.account a ON a.id = k.account_id
         WHERE k.token_hash = $1 AND k.used_at IS NULL AND k.expires_at > $2
           AND a.disabled_at IS NULL AND cardinality(a.roles) > 0
        """,
        token_hash(token),
        now,
    )
    if row is None:
        raise NotFound("link_over")
    return Invited(account_id=row["id"], login=row["login"], name=row["name"])


async def take_link(conn: Connection, token: str, password: str, now: datetime) -> Invited:
    """Sets the password; the link is used up, and every log-in of before has ended."""
    invited = await open_link(conn, token, now)
    taken = await conn.fetchval(
        """
        UPDATE registry.account_link SET used_at = $2
         WHERE token_hash = $1 AND used_at IS NULL RETURNING true
        """,
        token_hash(token),
        now,
    )
    if not taken:
        raise NotFound("link_over")
    await set_password(conn, invited.account_id, password, now)
    return invited


async def set_password(conn: Connection, account_id: UUID, password: str, now: datetime) -> None:
    """Every log-in of the account ends."""
    await conn.execute(
        "UPDATE registry.account SET password_hash = $2 WHERE id = $1",
        account_id,
        await hash_password(password),
    )
    await end_all(conn, account_id, by=account_id, now=now)


async def password_fits(conn: Connection, account_id: UUID, password: str) -> bool:
    known = await conn.fetchval(
        "SELECT password_hash FROM registry.account WHERE id = $1", account_id
    )
    return await verify_password(known, password)
