"""Who is who: accounts of all systems joined to people, by rules that are named and can be taken back."""

from __future__ import annotations

from ingest.identity.people import resolve_people
from ingest.identity.splits import Link, Split, Why, split, unsplit, why_same
from ingest.identity.verified import Verified, VerifiedPerson, read_verified

__all__ = [
    "Link",
    "Split",
    "Verified",
    "VerifiedPerson",
    "Why",
    "read_verified",
    "resolve_people",
    "split",
    "unsplit",
    "why_same",
]
