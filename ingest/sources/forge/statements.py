"""Facts of one repository on a forge, as they are stated.

What never changes (who opened a pull request) is observed at its own moment, so that it is the same statement whenever and however it is
read; what may change is observed when its object says that it was updated last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from graph.clock import DAY, Instant
from graph.model import (
    PUBLIC,
    Alias,
    Assertion,
    Entity,
    EntityRef,
    Fact,
    FactBatch,
    Passage,
    Properties,
    Quarantined,
    Relation,
)
from ingest import names
from ingest.mentions import mentions

MAX_ASSERTIONS = 1_500
"""A batch is closed when it holds as many."""
_NOTHING: Properties = {}
_CLOSES = re.compile(
    r"(?<![\w/-])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]+"
    r"(?:https?://[A-Za-z0-9.-]{1,120}/(?P<linked>[\w.-]{1,100}(?:/[\w.-]{1,100}){1,8}?)(?:/-)?/issues/(?P<link>\d{1,9})"
    r"|(?P<other>[A-Za-z0-9][\w.-]{0,99}(?:/[\w.-]{1,100}){1,8})?#(?P<number>\d{1,9}))(?!\w)",
    re.IGNORECASE,
)
"""https://docs.github.com/articles/closing-issues-using-keywords; GitLab understands the same words."""


def closed_issues(text: str, repository: str) -> list[tuple[str, int]]:
    """(repository, number) of the issues that a text says it closes, in its order, each once."""
    found = [
        (m["linked"] or m["other"] or repository, int(m["link"] or m["number"]))
        for m in _CLOSES.finditer(text[:100_000])
    ]
    return list(dict.fromkeys(found))


class Statements:
    """Collects assertions about one repository. `out` is what its scope says, `parts` what sub-scopes `<scope>#<part>` say.

    A part holds what only some ways of reading tell of an entity (the files of a pull request): on the main timeline a webhook, which
    does not tell them, would take them away again.
    """

    def __init__(self, system: str, repository: str) -> None:
        self.system = system
        self.repository = repository
        self.out: list[Assertion] = []
        self.parts: dict[str, list[Assertion]] = {}

    def state(
        self,
        fact: Fact,
        at: Instant,
        locator: str,
        *,
        observed_at: Instant | None = None,
        url: str | None = None,
        present: bool = True,
        part: str = "",
    ) -> None:
        """State a fact from `at` on; `observed_at` is `at` unless given."""
        out = self.parts.setdefault(part, []) if part else self.out
        observed_at = at if observed_at is None else observed_at
        out.append(Assertion(fact, at, observed_at, locator, None, present, PUBLIC, url))

    def relate(
        self,
        kind: str,
        src: EntityRef,
        dst: EntityRef,
        at: Instant,
        locator: str,
        properties: Properties = _NOTHING,
        *,
        discriminator: str = "",
        observed_at: Instant | None = None,
        url: str | None = None,
        present: bool = True,
    ) -> None:
        """State a relation."""
        fact = Relation(kind, src, dst, properties, discriminator)
        self.state(fact, at, locator, observed_at=observed_at, url=url, present=present)

    def text(
        self,
        ref: EntityRef,
        slot: str,
        text: str,
        at: Instant,
        locator: str,
        *,
        observed_at: Instant | None = None,
        url: str | None = None,
        before: str = "",
    ) -> None:
        """State a text and what it names. `before` is what stood there until `at`: what only that named is named no more."""
        if text or before:
            self.state(Passage(ref, slot, text), at, locator, observed_at=observed_at, url=url, present=bool(text))
        named = {m.ref: m.text for m in mentions(text) if m.ref != ref}
        for other, words in named.items():
            self.relate(
                "MENTIONS",
                ref,
                other,
                at,
                locator,
                {"text": words},
                discriminator=slot,
                observed_at=observed_at,
                url=url,
            )
        for other in {m.ref for m in mentions(before)} - set(named) - {ref}:
            self.relate("MENTIONS", ref, other, at, locator, discriminator=slot, observed_at=observed_at, present=False)

    # -- what events refer to: the same few statements however often they are met, one a day

    def known(self, fact: Fact, at: Instant, locator: str, url: str | None = None) -> None:
        """State something that is not new at `at`: from the beginning of that day on."""
        self.state(fact, at - at % DAY, locator, url=url)

    def account(self, login: str, at: Instant, *, name: str = "", kind: str = "user", url: str = "") -> EntityRef:
        """The account of a login, stated. `kind` is user, bot, organization."""
        this = names.account(self.system, login)
        locator = f"{self.system}:{login}"
        bot = kind == "bot" or login.lower().endswith("[bot]")
        properties = {
            "system": self.system,
            "login": login,
            "name": name or login,
            "type": "bot" if bot else kind,
            "bot": bot,
            "url": url,
        }
        self.known(Entity(this, {k: v for k, v in properties.items() if v != ""}), at, locator, url or None)
        self.known(Alias(this, "login", login), at, locator)
        if name and name != login:
            self.known(Alias(this, "name", name), at, locator)
        return this

    def environment(self, name: str, at: Instant) -> EntityRef:
        """An environment by the name that is kept, stated."""
        this = names.environment(name)
        kept = names.environment_name(name)
        self.known(Entity(this, {"name": kept}), at, self.repository)
        self.known(Alias(this, "name", kept), at, self.repository)
        return this

    def service(self, name: str, at: Instant) -> EntityRef:
        """A service, stated."""
        this = names.service(name)
        self.known(Entity(this, {"name": names.service_name(name)}), at, self.repository)
        self.known(Alias(this, "name", names.service_name(name)), at, self.repository)
        return this

    def commit(self, sha: str, at: Instant, url: str | None = None) -> EntityRef | None:
        """A commit of this repository by its full hash, stated; None when it is no full hash.

        It holds from `at` itself on: unlike an account, a commit is mostly made on the day on which it is first spoken of, and whoever looks
        back at that day's morning must not see it.
        """
        if not names.is_commit_hash(sha):
            return None
        this = names.commit(sha)
        self.state(
            Entity(this, {"repository": self.repository, "short": sha[:7]}), at, f"{self.repository}@{sha}", url=url
        )
        return this

    def issue(self, repository: str, number: int, at: Instant) -> EntityRef:
        """An issue that is referred to, stated."""
        this = names.issue(repository, number)
        locator = f"{repository}#{number}"
        self.known(Entity(this, {"repository": repository, "number": number}), at, locator)
        self.known(Alias(this, "number", locator), at, locator)
        return this

    def extend(self, other: Statements) -> None:
        """Add what another one collected."""
        self.out += other.out
        for part, assertions in other.parts.items():
            self.parts.setdefault(part, []).extend(assertions)

    def __len__(self) -> int:
        return len(self.out) + sum(map(len, self.parts.values()))

    def itself(self, at: Instant) -> EntityRef:
        """The repository, stated."""
        this = names.repository(self.repository)
        self.known(Entity(this, {"name": self.repository}), at, self.repository)
        self.known(Alias(this, "name", self.repository), at, self.repository)
        return this


def batches_of(
    source: str, scope: str, extractor: str, said: Statements, cursor: str | None = None
) -> Iterator[FactBatch]:
    """The statements as batches: those of parts first, the last one with the cursor."""
    for part in sorted(said.parts):
        for chunk in _chunks(said.parts[part]):
            yield batch(source, f"{scope}#{part}", extractor, chunk)
    chunks = list(_chunks(said.out))
    for i, chunk in enumerate(chunks):
        yield batch(source, scope, extractor, chunk, cursor if i == len(chunks) - 1 else None)
    if not chunks and cursor is not None:
        yield batch(source, scope, extractor, (), cursor)


def batch(
    source: str,
    scope: str,
    extractor: str,
    assertions: Sequence[Assertion],
    cursor: str | None = None,
    *,
    fresh_until: Instant | None = None,
    quarantined: Sequence[Quarantined] = (),
) -> FactBatch:
    """A batch whose id is equal exactly when what it says is."""
    head = (source, scope, cursor, fresh_until, tuple(quarantined))
    digest = blake2b(repr(head).encode("utf-8", "surrogatepass"), digest_size=16)
    for assertion in assertions:
        digest.update(repr(assertion).encode("utf-8", "surrogatepass"))
    return FactBatch(
        id=digest.hexdigest(),
        source=source,
        scope=scope,
        extractor=extractor,
        assertions=assertions,
        cursor=cursor,
        fresh_until=fresh_until,
        quarantined=quarantined,
    )


def _chunks(assertions: Sequence[Assertion]) -> Iterator[Sequence[Assertion]]:
    for start in range(0, len(assertions), MAX_ASSERTIONS):
        yield assertions[start : start + MAX_ASSERTIONS]
