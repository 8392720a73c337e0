"""People and accounts in words: a name, a part of one, a mail address, a login."""

from __future__ import annotations

from graph.lexicon import Thing, things
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View
from graph.text import name_tokens

_KINDS = ("Account", "Person", "Team")
_MOST = 20


def find_people(store: GraphStore, text: str, view: View) -> list[Thing]:
    """Accounts and persons that these words name: by an exact name or address, else by all words, else by a near spelling."""
    words = name_tokens(text)
    if not words:
        return []
    exact = store.resolve_alias(text.strip().lstrip("@"), view, Limits(rows=_MOST), kinds=_KINDS).items
    refs = [a.ref for a in exact] or _holding(store, words, view)
    if not refs:
        from graph.spelling import corrected

        right, _ = corrected(words, store.name_vocabulary(view, kinds=_KINDS), types=False)
        refs = _holding(store, right, view) if right != words else []
    return things(store, list(dict.fromkeys(refs)), view)


def _holding(store: GraphStore, words: tuple[str, ...], view: View) -> list[EntityRef]:
    page = store.search_names(sorted(set(words)), view, Limits(rows=_MOST), kinds=_KINDS)
    return [a.ref for a in page.items]
