"""Organisations with labelled outages: `write_outages(seed, directory)`. The same seed gives the same bytes.

Six to ten outages a world. Each has a cause of some kind (config, deploy, manual, expiry, quota, external), a lag between its effect and its detection,
up to three steps of dependency between them, and at least three changes on the same path that are newer than the cause and did not do it. In more
than half of the worlds a source or more is missing. What came after an outage (repair, post-mortem) is dated after its detection.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.world.outage_files import missing_parts, write_all
from bench.world.outage_org import make_topology
from bench.world.outage_run import Ran, run
from bench.world.outage_story import tell


@dataclass(frozen=True, slots=True)
class OutageWorld:
    """A written world: what it was made from, what it lacks and the labels of its outages, as in `outages.json`."""

    seed: int
    ran: Ran
    missing: frozenset[str]
    labels: list[dict[str, object]]


def write_outages(seed: int, directory: Path) -> OutageWorld:
    """Write the world of this seed into `directory`, which is emptied first."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    random = Random(f"outages {seed}")
    topology = make_topology(random, seed)
    start = datetime(2025, 2, 3, tzinfo=UTC) + timedelta(days=5 * (seed % 50))
    missing = missing_parts(random)
    tale = tell(random, topology, start, missing)
    ran = run(random, tale, directory / "repos")
    labels = write_all(random, directory, ran, missing)
    world = {"seed": seed, "shape": topology.shape, "services": len(topology.calls), "missing": sorted(missing)}
    (directory / "world.json").write_text(json.dumps(world) + "\n", encoding="utf-8")
    return OutageWorld(seed, ran, missing, labels)
