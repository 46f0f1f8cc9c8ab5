"""What packs say, in both languages."""

from msgspec import Struct


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str
