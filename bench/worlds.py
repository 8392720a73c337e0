"""Organisations with known truth: `python -m bench.worlds SEED DIRECTORY`.

Writes everything that an organisation's systems would export (git, Terraform states, GitHub, Slack, CloudTrail, AWS Config, Kubernetes, deployments,
alerts, catalog, documents, certificates) to DIRECTORY, with `lore.yaml` that names it all, and `truth.json`: what happened, who did it and why.
The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.world.history import tell
from bench.world.incidents import make_incidents
from bench.world.infrastructure import first_values, make_knobs
from bench.world.model import World
from bench.world.organisation import make_organisation
from bench.world.plan import Calendar, make_plan
from bench.world.repositories import write_repositories
from bench.world.talk import make_talk
from bench.world.write import write_files


def write_world(seed: int, directory: Path) -> World:
    """Write the world of this seed into `directory`, which is emptied first, and return its truth."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    random = Random(f"world {seed}")
    organisation = make_organisation(random, seed)
    start = datetime(2025, 1, 6, tzinfo=UTC) + timedelta(weeks=seed % 40)
    days = random.randint(90, 130)
    world = World(seed, organisation, start, start + timedelta(days=days))
    calendar = Calendar(random, start, days)
    knobs = make_knobs(random, organisation)
    plan = make_plan(random, organisation, knobs, first_values(organisation, knobs), calendar)
    story = tell(random, world, plan, calendar)
    troubles = make_incidents(random, story)
    world.deploys.sort(key=lambda d: d.finished_at)
    world.audit.sort(key=lambda a: a.at)
    world.alerts.sort(key=lambda a: a.starts_at)
    talk = make_talk(random, story, troubles.incidents)
    code = write_repositories(random, story, directory / "repos")
    write_files(directory, story, talk, troubles, code)
    return world


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    world = write_world(options.seed, options.directory)
    print(
        f"{world.organisation.name}: {len(world.organisation.people)} people, {len(world.organisation.services)} services, "
        f"{len(world.pulls)} pull requests, {len(world.deploys)} deploys and applies, {len(world.audit)} changing API calls, "
        f"{len(world.threads)} threads, {len(world.incidents)} incidents, {world.start:%Y-%m-%d} to {world.end:%Y-%m-%d}"
    )


if __name__ == "__main__":
    main()
