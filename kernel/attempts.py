"""Wrong guesses, counted for whoever is being guessed at, known here or not."""

from datetime import datetime, timedelta

from kernel.db import Connection
from kernel.errors import TooMany

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


async def check_not_locked(conn: Connection, subject: bytes, now: datetime) -> None:
    """Refuse a subject that is locked.

    Takes the subject's row until the transaction ends, so that guesses sent side by side are
    counted one after the other. Raises TooMany("too_many_attempts", until=…, retry_after=…).
    """
    until = await conn.fetchval(
        """
        INSERT INTO kernel.attempt AS a (subject, failures) VALUES ($1, 0)
        ON CONFLICT (subject) DO UPDATE SET failures = a.failures
        RETURNING locked_until
        """,
        subject,
    )
    if until is not None and until > now:
        seconds = int((until - now).total_seconds()) + 1
        raise TooMany("too_many_attempts", until=until, retry_after=seconds)


async def count_failure(conn: Connection, subject: bytes, now: datetime) -> None:
    """Count a wrong guess; the fifth locks the subject for 15 minutes.

    The transaction must commit: answer the caller with a returned response, not with a raised
    error, which would roll the count back.
    """
    await conn.execute(
        """
        INSERT INTO kernel.attempt AS a (subject, failures) VALUES ($1, 1)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE WHEN a.locked_until <= $2 THEN 1 ELSE a.failures + 1 END,
            locked_until = CASE WHEN a.locked_until <= $2 THEN NULL
                                WHEN a.failures + 1 >= $3 THEN $4 ELSE a.locked_until END
        """,
        subject,
        now,
        MOST_FAILURES,
        now + LOCKED_FOR,
    )


async def forget_failures(conn: Connection, subject: bytes) -> None:
    await conn.execute("DELETE FROM kernel.attempt WHERE subject = $1", subject)
