"""What a key may be good for; which call needs which, the root says (checkpoint/scopes.py)."""

SCOPES = (
    "places:read",
    "places:write",
    "rules:read",
    "evidence:write",
    "movements:read",
    "movements:write",
    "loops:read",
    "scans:write",
    "events:write",
    "gate:read",
    "gate:write",
    "holds:read",
    "holds:write",
    "alerts:read",
    "alerts:write",
    "transport:read",
    "transport:write",
)
