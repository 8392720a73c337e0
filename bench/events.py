"""Mixed events a minute into a store, embeddings aside: `python -m bench.events [--events 10000] [--profile]`.

    python -m tests.neo4j_server run -- python -m bench.events --neo4j --warm 3000

Events are what happened in generated organisations, git commits left out: pull requests and reviews, messages, audit events, deployments,
pipeline runs, alerts. Measured are the real paths. *Pull*: the files of as many organisations as it takes are read by their sources and
stored (`ingest.sync`, reading in a second process); an event counts once, as the entity that is stored of it, so that read-only API calls
that nobody keeps do not count. *Webhooks*: deliveries are taken down in the inbox one by one (`api.inbox`, each on disk before it would
be acknowledged) and worked off in chunks (`api.deliveries.drain`); a delivery is an event.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.deliveries import drain
from api.inbox import Inbox
from bench.kills import neo4j_place, sqlite_place, world_sources
from bench.repositories import machine
from bench.world_deliveries import Hook, hooks_of, settings_of
from bench.worlds import write_world
from graph.clock import Instant, instant
from graph.store import GraphStore
from ingest.source import Source
from ingest.sync import sync
from tests.neo4j_server import Target

NOW: Instant = instant("2026-06-01T00:00:00Z")
KEY = b"0123456789abcdef"
SOURCES = ("github", "slack", "cloudtrail", "deployments", "alerts")
KINDS = ("PullRequest", "Review", "Deployment", "WorkflowRun", "Release", "Message", "AuditEvent", "Alert", "Incident")


@dataclass(slots=True)
class Measured:
    """Events, the facts they were, and how long it took."""

    events: int = 0
    assertions: int = 0
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict[str, float])

    def line(self, name: str) -> str:
        """A line of the table."""
        told = ", ".join(f"{part} {seconds:.1f}" for part, seconds in sorted(self.parts.items(), key=lambda p: -p[1]))
        return f"| {name} | {self.events} | {self.assertions} | {self.seconds:.1f} | **{60 * self.events / self.seconds:,.0f}** | {told} |"


def pulled(store: GraphStore, worlds: Sequence[Path]) -> Measured:
    """The worlds' files, through their sources."""
    found = Measured()
    for world in worlds:
        for source in event_sources(world):
            started = time.perf_counter()
            report = sync(store, source, NOW, KEY)
            taken = time.perf_counter() - started
            if report.error is not None:
                raise SystemExit(f"{source.name} {source.scope}: {report.error}")
            found.assertions += report.assertions
            found.seconds += taken
            found.parts[source.name] = found.parts.get(source.name, 0.0) + taken
    entities = store.status().entities
    found.events = sum(entities.get(kind, 0) for kind in KINDS)
    return found


def event_sources(world: Path) -> Iterator[Source]:
    """The sources of a world that tell events."""
    return (source for _, source in world_sources(world) if source.name in SOURCES)


def delivered(
    store: GraphStore, told: Sequence[tuple[list[Hook], dict[str, dict[str, object]]]], inbox_path: Path
) -> Measured:
    """Deliveries with the settings for them, through the inbox."""
    found = Measured()
    inbox = Inbox(inbox_path)
    for hooks, settings in told:
        started = time.perf_counter()
        for hook in hooks:
            inbox.put(hook.sender, hook.delivery)
        put = time.perf_counter()
        while drain(inbox, store, settings, KEY):
            pass
        drained = time.perf_counter()
        found.events += len(hooks)
        found.seconds += drained - started
        found.parts["inbox"] = found.parts.get("inbox", 0.0) + put - started
        found.parts["work off"] = found.parts.get("work off", 0.0) + drained - put
    if failed := inbox.counts().get("failed"):
        raise SystemExit(f"{failed} deliveries could not be read")
    inbox.close()
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--neo4j", action="store_true", help="into the server of NEO4J_URI instead of SQLite")
    parser.add_argument(
        "--warm", type=int, default=0, help="so many other events before, not counted, for a server that just started"
    )
    parser.add_argument("--profile", action="store_true", help="where the time of the storing process goes")
    options = parser.parse_args()
    environ = os.environ  # noqa: TID251
    with tempfile.TemporaryDirectory(prefix="events-") as scratch:
        directory = Path(scratch)
        if options.neo4j:
            place = neo4j_place(Target(environ["NEO4J_URI"], environ["NEO4J_USERNAME"], environ["NEO4J_PASSWORD"]))
        else:
            place = sqlite_place(directory)
        print(f"{machine()}; {'Neo4j' if options.neo4j else 'SQLite'}\n\n| way | events | assertions | s | events/min | s of which |\n|---|---|---|---|---|---|")  # fmt: skip
        worlds, told = _made(directory, options.events)
        profile = cProfile.Profile()
        if (
            options.warm
        ):  # a server that just started compiles its plans and itself: that is not the speed it has for years
            early, early_told = _made(directory / "warm", options.warm, 500)
            place.empty()
            with place.open() as store:
                pulled(store, early)
                delivered(store, early_told, directory / "warm.db")
        for way in ("pull", "webhooks"):
            place.empty()
            with place.open() as store:
                if options.profile:
                    profile.enable()
                if way == "pull":
                    found = pulled(store, worlds)
                else:
                    found = delivered(store, told, directory / "inbox.db")
                    found.assertions = sum(1 for line in store.dump() if '"line":"fact"' in line)
                profile.disable()
            print(found.line(way if way == "pull" else "webhooks (facts stored, not assertions)"), flush=True)
        if options.profile:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def _made(
    directory: Path, events: int, seed: int = 0
) -> tuple[list[Path], list[tuple[list[Hook], dict[str, dict[str, object]]]]]:
    """Worlds with about so many events, and so many deliveries."""
    worlds: list[Path] = []
    told: list[tuple[list[Hook], dict[str, dict[str, object]]]] = []
    pulls = deliveries = 0
    while pulls < events or deliveries < events:
        path = directory / f"world-{seed}"
        world = write_world(seed, path)
        hooks = hooks_of(path, NOW)
        if pulls < events:
            worlds.append(path)
            pulls += len(world.pulls) + len(world.runs) + len(world.deploys) + len(world.audit) + sum(1 for h in hooks if h.sender == "slack") // 2  # fmt: skip
        if deliveries < events:
            told.append((hooks, settings_of(world.organisation)))
            deliveries += len(hooks)
        seed += 1
    return worlds, told


if __name__ == "__main__":
    main()
