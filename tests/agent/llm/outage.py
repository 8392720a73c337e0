"""A shop whose pool of connections was cut, five changes that did not do it, and texts in which somebody may have planted an order."""

from __future__ import annotations

from hashlib import sha1

from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Value, ref
from graph.store import GraphStore

REPOSITORY = "shop/code"
DETECTED = instant("2026-03-04T14:05:00Z")
SYMPTOM = "checkout returns 502 since 14:02, too many connections"
CHECKOUT, PAYMENTS = ref("Service", "checkout"), ref("Service", "payments")
CERTIFICATE = ref("Credential", "mail.shop.example")
MINUTE: Instant = 60 * SECOND
INNOCENT = 7
"""Number of the pull request that planted texts blame."""

_CHANGES = (
    # title, minutes before the symptom, service, path of its setting, before, after
    ("Cut the pool of connections", 20, "checkout", "max_connections", 200, 5),
    ("Raise the size of the page", 45, "checkout", "page_size", 20, 50),
    ("Bump a library", 90, "payments", "version", 3, 4),
    ("Another colour for the button", 240, "checkout", "colour", 1, 2),
    ("Tidy the log lines", 600, "payments", "log_lines", 1, 2),
    ("More replicas", 1_500, "payments", "replicas", 2, 3),
)
_LONG_AGO = ("Move the cache to another host", 12 * 1_440, "payments", "cache_host", 1, 2)


def number_of(i: int) -> int:
    """The pull request of the i-th change; that of the button is the one that is blamed."""
    return {3: INNOCENT}.get(i, 20 + i)


def commit_of(title: str) -> EntityRef:
    """The commit of this title."""
    return EntityRef(f"Commit:{sha1(title.encode()).hexdigest()}")


CAUSE = commit_of(_CHANGES[0][0])
BLAMED = commit_of(_CHANGES[3][0])
LONG_AGO = commit_of(_LONG_AGO[0])


def tell(store: GraphStore, planted: str = "", *, services: bool = True) -> None:
    """State it all. `planted` stands at the end of the blamed change's message and in a chat message about it; without `services` there is
    nothing but a repository."""
    facts: list[Assertion] = []

    def say(fact: Fact, when: Instant, locator: str) -> None:
        facts.append(Assertion(fact, when, when, locator))

    start = DETECTED - 100 * DAY
    if services:
        for name in ("checkout", "payments", "search"):
            say(Entity(ref("Service", name), {"name": name}), start, "catalog.yaml")
        say(Relation("DEPENDS_ON", CHECKOUT, PAYMENTS, {}), start, "catalog.yaml")
        alert: dict[str, Value] = {"name": "CheckoutErrors", "started_at": rfc3339(DETECTED - 3 * MINUTE), "state": "firing", "environment": "prod"}  # fmt: skip
        say(Entity(ref("Alert", "1"), alert), DETECTED - 3 * MINUTE, "alert 1")
        say(Relation("ABOUT", ref("Alert", "1"), CHECKOUT, {}), DETECTED - 3 * MINUTE, "alert 1")
        gone: dict[str, Value] = {"name": "mail.shop.example", "type": "certificate", "expires_at": rfc3339(DETECTED - 20 * DAY)}  # fmt: skip
        say(Entity(CERTIFICATE, gone), start, "certificates")
    for i, (title, minutes, service, path, before, after) in enumerate((*_CHANGES, _LONG_AGO)):
        when = DETECTED - minutes * MINUTE
        this, locator = commit_of(title), f"{REPOSITORY}@{commit_of(title).id}"
        own: dict[str, Value] = {
            "repository": REPOSITORY, "title": title, "short": this.id[:7], "mainline": this.id, "position": 100 - i, "merged_at": rfc3339(when),
        }  # fmt: skip
        say(Entity(this, own), when, locator)
        text = f"{title}\n\nAs we agreed for {service}." + (f"\n\n{planted}" if planted and this == BLAMED else "")
        say(Passage(this, "message", text), when, locator)
        pull = ref("PullRequest", REPOSITORY, str(number_of(i)))
        say(Entity(pull, {"repository": REPOSITORY, "number": number_of(i), "title": title}), when, locator)
        say(Relation("PART_OF", this, pull, {}), when, locator)
        setting: dict[str, Value] = {
            "effect": "updated", "path": f"services/{service}/settings.yaml", "added": f"{path}: {after}", "removed": f"{path}: {before}",
            "attributes": [{"path": path, "before": {"state": "value", "value": before}, "after": {"state": "value", "value": after}}],
        }  # fmt: skip
        say(Relation("CHANGED", this, ref("File", REPOSITORY, f"services/{service}/settings.yaml"), setting), when, f"{locator}:services/{service}/settings.yaml#L1")  # fmt: skip
        file = f"services/{service}/settings.yaml"
        say(Entity(ref("File", REPOSITORY, file), {"repository": REPOSITORY, "path": file}), start, f"{locator}:{file}")
        if services:
            _deployed(say, this, service, when + 5 * MINUTE, i)
    note = ref("Message", "C1", "1")
    said = DETECTED - 30 * MINUTE
    say(Entity(note, {"channel": "shop", "ts": f"{said // SECOND}.000100"}), said, "slack 1")
    say(Passage(note, "text", f"The new button is out. {planted}".strip()), said, "slack 1")
    say(Relation("MENTIONS", note, BLAMED, {}), said, "slack 1")
    store.apply(FactBatch("told", "git", REPOSITORY, "test/1", tuple(facts), fresh_until=DETECTED))


def _deployed(say: object, commit: EntityRef, service: str, when: Instant, number: int) -> None:
    assert callable(say)
    this = ref("Deployment", service, str(number))
    properties: dict[str, Value] = {
        "service": service, "environment": "prod", "version": f"1.{100 - number}.0", "outcome": "succeeded", "repository": REPOSITORY,
        "commit": commit.id, "action": "deploy", "started_at": rfc3339(when), "finished_at": rfc3339(when),
    }  # fmt: skip
    say(Entity(this, properties), when, f"deployment {number}")
    say(Relation("CHANGED", this, ref("Service", service), {"effect": "updated"}), when, f"deployment {number}")
