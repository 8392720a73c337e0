"""A small infrastructure as facts, for tests of questions: every test adds what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha1

from graph.clock import DAY, Instant, instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Value, ref
from graph.store import GraphStore

REPOSITORY = "acme/infra"
NOW = instant("2024-06-15T12:00:00")
START = instant("2024-01-01T09:00:00")

State = Mapping[str, Value]


def value(of: Value) -> State:
    """An attribute's side that holds a value."""
    return {"state": "value", "value": of}


ABSENT: State = {"state": "absent"}
REDACTED: State = {"state": "redacted"}


class World:
    """Collects facts of one repository and applies them. Each commit is a day after the one before."""

    def __init__(self, repository: str = REPOSITORY) -> None:
        self.repository = repository
        self.facts: list[Assertion] = []
        self.at: Instant = START
        self._commits = 0
        self._blocks: dict[tuple[str, str], dict[str, Value]] = {}
        self.say(Entity(ref("Repository", repository), {"name": repository}), f"{repository}@0")

    def say(
        self, fact: Fact, locator: str, *, at: Instant | None = None, present: bool = True, label: str = "public"
    ) -> None:
        """State a fact from `at` (now in this world) on."""
        when = self.at if at is None else at
        self.facts.append(Assertion(fact, when, NOW, locator, present=present, label=label))

    def commit(
        self,
        title: str = "Change things",
        by: str = "Ann Archer",
        *,
        body: str = "",
        request: int | None = None,
        at: str | None = None,
        label: str = "public",
    ) -> EntityRef:
        """A commit on the mainline; the next facts hold from its time on."""
        self._commits += 1
        self.at = instant(at) if at else START + self._commits * DAY
        sha = sha1(f"{self.repository} {self._commits}".encode()).hexdigest()
        this = EntityRef(f"Commit:{sha}")
        locator = f"{self.repository}@{sha}"
        self.say(Entity(this, {"repository": self.repository, "short": sha[:7], "title": title}), locator, label=label)
        self.say(Passage(this, "message", f"{title}\n\n{body}" if body else title), locator, label=label)
        email = by.casefold().replace(" ", ".") + "@acme.example"
        account = ref("Account", "git", email)
        self.say(Entity(account, {"system": "git", "email": email, "name": by}), locator)
        self.say(Alias(account, "email", email), locator)
        self.say(Alias(account, "name", by), locator)
        self.say(Relation("AUTHORED_BY", this, account, {}), locator, label=label)
        if request is not None:
            pull = ref("PullRequest", self.repository, str(request))
            url = f"https://git.example/{self.repository}/pull/{request}"
            properties = {"repository": self.repository, "number": request, "title": title, "url": url}
            self.say(Entity(pull, properties), locator)
            self.say(Relation("PART_OF", this, pull, {}), locator)
        return this

    def block(
        self,
        commit: EntityRef,
        address: str,
        directory: str = "terraform/shop",
        *,
        effect: str = "created",
        attributes: Mapping[str, Value] | None = None,
        changed: Mapping[str, tuple[State, State]] | None = None,
        moved_from: tuple[str, str] | None = None,
        file: str = "main.tf",
        label: str = "public",
    ) -> EntityRef:
        """What a commit did to a Terraform block. `moved_from` is its earlier (directory, address)."""
        this = ref("Block", self.repository, directory, address)
        path = f"{directory}/{file}" if directory else file
        locator = f"{self.repository}@{commit.id}:{path}#L1-L9"
        block_type, type_, name = _parts(address)
        properties = self._blocks.setdefault((directory, address), {}) if moved_from is None else {}
        if attributes is not None or "attributes" not in properties:
            properties["attributes"] = dict(attributes or {})
        properties |= {
            "repository": self.repository, "directory": directory, "path": path, "language": "hcl",
            "block_type": block_type, "type": type_, "name": name, "address": address,
        }  # fmt: skip
        self._blocks[directory, address] = properties
        for kind, name in (("Module", directory), ("File", path)):
            place = ref(kind, self.repository, name)
            self.say(Entity(place, {"repository": self.repository, "path": name, "directory": directory}), locator)
            self.say(Alias(place, "path", name), locator)
        alive = effect != "deleted"
        if effect != "format_only":
            self.say(Entity(this, dict(properties)), locator, present=alive, label=label)
        if effect in ("created", "deleted", "moved") or moved_from:
            self.say(Alias(this, "address", address), locator, present=alive, label=label)
        change: dict[str, Value] = {
            "effect": effect,
            "path": path,
            "attributes": [{"path": p, "before": b, "after": a} for p, (b, a) in (changed or {}).items()],
        }
        if moved_from:
            old_directory, old_address = moved_from
            old = ref("Block", self.repository, old_directory, old_address)
            change["moved_from"] = {
                "directory": old_directory,
                "address": old_address,
                "path": f"{old_directory}/main.tf",
            }
            if old != this:
                self.say(Entity(old, {}), locator, present=False)
                self.say(Alias(old, "address", old_address), locator, present=False)
                self.say(Relation("MOVED_FROM", this, old, {"score": 1.0, "rule": "same_body"}), locator)
        self.say(Relation("CHANGED", commit, this, change), locator, label=label)
        return this

    def depends(self, src: EntityRef, dst: EntityRef) -> None:
        """State that one block refers to another."""
        self.say(Relation("DEPENDS_ON", src, dst, {"via": ["id"]}), f"{self.repository}@x:main.tf#L1-L2")

    def owners(self, lines: Sequence[tuple[str, Sequence[str]]]) -> None:
        """A CODEOWNERS file of (pattern, owners)."""
        for number, (pattern, owners) in enumerate(lines, 1):
            properties = {"repository": self.repository, "pattern": pattern, "line": number, "owners": list(owners)}
            rule = Entity(ref("OwnershipRule", self.repository, str(number)), properties)
            self.say(rule, f"{self.repository}@x:CODEOWNERS#L{number}")

    def into(self, store: GraphStore) -> GraphStore:
        """Apply everything to a store, which is returned."""
        store.apply(
            FactBatch(
                f"{self.repository}-{len(self.facts)}",
                "git",
                self.repository,
                "test/1",
                tuple(self.facts),
                fresh_until=NOW,
            )
        )
        self.facts = []
        return store


def _parts(address: str) -> tuple[str, str, str]:
    first, _, rest = address.partition(".")
    if first in ("module", "output", "provider"):
        return first, "", rest
    if first == "var":
        return "variable", "", rest
    if first == "data":
        type_, _, name = rest.partition(".")
        return "data", type_, name
    return "resource", first, rest
