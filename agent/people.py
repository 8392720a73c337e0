"""People and accounts in words: a name, a part of one, a mail address, a login."""

from __future__ import annotations

from collections.abc import Sequence

from agent.lineage import commits_of
from graph.lexicon import Thing, things
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, View
from graph.text import name_tokens

_KINDS = ("Account", "Person", "Team")
_MOST = 20
_ROWS = 50_000


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


def made_by(
    store: GraphStore, people: Sequence[Thing], changes: Sequence[ChangeView], view: View
) -> tuple[ChangeView, ...]:
    """Those of these changes that these people made: themselves, or with a commit inside a merge of somebody else's."""
    by = [p.ref for p in people]
    asked = ChangeQuery(by=by, changes=list(dict.fromkeys(c.change for c in changes)))
    theirs = {c.change for c in store.changes(asked, view, Limits(rows=_ROWS)).items} if changes else set[EntityRef]()
    inside = list(dict.fromkeys(commit for c in changes for commit in commits_of(c)))
    if inside:
        edges = store.neighbours(inside, view, Limits(rows=_ROWS), types=("AUTHORED_BY",), direction="out").items
        wrote = {end for p in store.entities(by, view) for end in (p.ref, *p.refs)}
        theirs |= {e.src for e in edges if e.dst in wrote}
    return tuple(c for c in changes if c.change in theirs or not theirs.isdisjoint(commits_of(c)))


def _holding(store: GraphStore, words: tuple[str, ...], view: View) -> list[EntityRef]:
    page = store.search_names(sorted(set(words)), view, Limits(rows=_MOST), kinds=_KINDS)
    return [a.ref for a in page.items]
