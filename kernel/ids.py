"""Ids that sort by the time they were made (UUIDv7, RFC 9562); Python has them from 3.14 on."""

import secrets
from datetime import datetime
from uuid import UUID


def uuid7(now: datetime) -> UUID:
    """48 bits of Unix time in ms, version 7, 12 and 62 random bits around the variant."""
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))
