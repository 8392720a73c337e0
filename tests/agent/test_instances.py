"""One Terraform module, two workspaces, `for_each` of three: six instances, each with its own history, from the real sources.

Both workspaces call their databases by the same names in two accounts of the cloud, so that only the whole ARN tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from agent.ask import ask
from agent.model import Answer
from examples.git_writer import GitWriter, Identity
from graph.clock import SECOND, Instant, instant
from graph.model import EntityRef, Value, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from graph.stores import open_store
from ingest import names
from ingest.identity import split, unsplit, why_same
from ingest.source import Source
from ingest.sources.cloudtrail.source import CloudTrailSettings, CloudTrailSource
from ingest.sources.git.source import GitSettings, GitSource
from ingest.sources.terraform_state.settings import TerraformStateSettings
from ingest.sources.terraform_state.source import TerraformStateSource
from ingest.sync import sync
from tests.ingest.cloudtrail import trail
from tests.ingest.terraform_states import instance, put, resource, state

NOW: Instant = instant("2026-06-01T00:00:00Z")
HOUR: Instant = 3_600 * SECOND
KEY = b"0123456789abcdef"
PUBLIC_VIEW = View()
ALL = Limits(rows=1_000)
REPOSITORY = "acme/data"
ENVIRONMENTS = ("prod", "staging")
SHARDS = ("eu", "us", "ap")
ACCOUNTS = {"prod": "111111111111", "staging": "222222222222"}
LINEAGES = {"prod": "3a8e4c0e-0000-4222-8333-00000000000a", "staging": "3a8e4c0e-0000-4222-8333-00000000000b"}
HANDS = {
    ("prod", "eu"): ("ana", "prod.eu.large", "2026-03-02T10:00:00Z"),
    ("prod", "us"): ("ben", "prod.us.large", "2026-03-03T10:00:00Z"),
    ("prod", "ap"): ("cid", "prod.ap.large", "2026-03-04T10:00:00Z"),
    ("staging", "eu"): ("dot", "staging.eu.large", "2026-03-05T10:00:00Z"),
    ("staging", "us"): ("eve", "staging.us.large", "2026-03-06T10:00:00Z"),
    ("staging", "ap"): ("fay", "staging.ap.large", "2026-03-07T10:00:00Z"),
}
"""Who edited which instance by hand, to what, when."""
SIX = tuple(HANDS)
ROOT = 'module "data" {\n  source = "./modules/data"\n}\n'
MODULE = """resource "aws_db_instance" "shard" {
  for_each       = toset(["eu", "us", "ap"])
  identifier     = "shard-${each.key}"
  instance_class = "db.small"
}
"""
ANN = Identity("Ann Archer", "ann@acme.example")


def address(shard: str) -> str:
    return f'module.data.aws_db_instance.shard["{shard}"]'


def arn(environment: str, shard: str) -> str:
    return f"arn:aws:rds:eu-west-1:{ACCOUNTS[environment]}:db:shard-{shard}"


def in_state(environment: str, shard: str) -> EntityRef:
    return ref("Resource", LINEAGES[environment], environment, address(shard))


def in_cloud(environment: str, shard: str) -> EntityRef:
    return names.cloud_resource(arn(environment, shard))


def event_id(environment: str, shard: str) -> str:
    return f"{'0123456789'[SIX.index((environment, shard))] * 8}-0000-4000-8000-000000000000"


def event(environment: str, shard: str) -> EntityRef:
    return names.audit_event("cloudtrail", event_id(environment, shard))


BLOCK = ref("Block", REPOSITORY, "modules/data", "aws_db_instance.shard")


@dataclass(frozen=True, slots=True)
class Organisation:
    """The files of three sources, and the store that they were read into."""

    directory: Path
    store: GraphStore

    def sources(self) -> Sequence[Source]:
        states = TerraformStateSettings(
            str(self.directory / "states"),
            name="data",
            repository=REPOSITORY,
            modules={"module.data": "modules/data"},
        )
        return (
            GitSource(GitSettings(str(self.directory / "git"), name=REPOSITORY)),
            TerraformStateSource(states),
            CloudTrailSource(CloudTrailSettings(str(self.directory / "trail"), name="trail")),
        )

    def sync(self, now: Instant) -> None:
        for source in self.sources():
            report = sync(self.store, source, now, KEY, processes="none")
            assert report.error is None, report
            assert report.quarantined == 0, report

    def history(self, of: EntityRef) -> list[EntityRef]:
        """The audit events in an instance's history."""
        page = self.store.changes(ChangeQuery(targets=[of]), PUBLIC_VIEW, ALL)
        return sorted({c.change for c in page.items if c.change.kind == "AuditEvent"})

    def ask(self, question: str) -> Answer:
        return ask(self.store, question, now=NOW)


def write(directory: Path) -> None:
    git = GitWriter()
    files = {"main.tf": ROOT, "modules/data/main.tf": MODULE}
    git.commit("Add shards", ANN, datetime.fromisoformat("2026-02-01T09:00:00+00:00"), files)
    git.write(directory / "git", "https://git.example/acme/data.git")
    for environment in ENVIRONMENTS:
        shards = [instance(attributes(environment, shard), key=shard) for shard in SHARDS]
        data = state(resource("aws_db_instance.shard", *shards, module="module.data"), lineage=LINEAGES[environment])
        place = directory / "states" / "terraform.tfstate.d" / environment / "terraform.tfstate"
        put(place, data, instant("2026-02-01T12:00:00Z"))
    for environment in ENVIRONMENTS:
        records = [by_hand(e, shard) for e, shard in SIX if e == environment]
        trail.put(directory / "trail", f"{environment}.json", records)


def attributes(environment: str, shard: str) -> Mapping[str, Value]:
    return {
        "id": f"db-{environment}-{shard}",
        "identifier": f"shard-{shard}",
        "arn": arn(environment, shard),
        "instance_class": "db.small",
    }


def by_hand(environment: str, shard: str) -> trail.Json:
    name, size, at = HANDS[environment, shard]
    account = ACCOUNTS[environment]
    who = {**trail.user(name), "arn": f"arn:aws:iam::{account}:user/{name}", "accountId": account}
    return trail.record(
        "rds:ModifyDBInstance",
        {"dBInstanceIdentifier": f"shard-{shard}", "dBInstanceClass": size, "applyImmediately": True},
        {"dBInstanceIdentifier": f"shard-{shard}", "dBInstanceArn": arn(environment, shard)},
        at=at,
        who=who,
        eventID=event_id(environment, shard),
        recipientAccountId=account,
    )


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    """Synced once; tests of it only read."""
    yield from _synced(tmp_path_factory.mktemp("organisation"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Organisation]:
    """Synced for one test, which may change it."""
    yield from _synced(tmp_path)


def _synced(directory: Path) -> Iterator[Organisation]:
    write(directory)
    with open_store("sqlite://:memory:") as store:
        organisation = Organisation(directory, store)
        organisation.sync(NOW)
        yield organisation


@pytest.mark.parametrize(("environment", "shard"), SIX)
def test_each_instance_is_joined_with_its_own_cloud_resource_and_nothing_else(
    read_only: Organisation, environment: str, shard: str
) -> None:
    mine, cloud = in_state(environment, shard), in_cloud(environment, shard)
    found = read_only.store.entity(mine, PUBLIC_VIEW)
    assert found is not None
    assert set(found.refs) == {mine, cloud}
    edges = read_only.store.neighbours([mine], PUBLIC_VIEW, ALL, types=("SAME_AS",)).items
    assert {(e.src, e.dst, e.properties["rule"]) for e in edges} == {(mine, cloud, "state_arn")}


@pytest.mark.parametrize(("environment", "shard"), SIX)
def test_the_history_of_an_instance_holds_its_own_audit_event_and_no_other(
    read_only: Organisation, environment: str, shard: str
) -> None:
    own = [event(environment, shard)]
    assert read_only.history(in_state(environment, shard)) == own
    assert read_only.history(in_cloud(environment, shard)) == own


def test_the_code_declares_all_six_and_is_joined_with_none(read_only: Organisation) -> None:
    edges = read_only.store.neighbours([BLOCK], PUBLIC_VIEW, ALL, types=("DECLARES",), direction="out").items
    assert {e.dst for e in edges} == {in_state(*one) for one in SIX}
    block = read_only.store.entity(BLOCK, PUBLIC_VIEW)
    assert block is not None
    assert block.refs == (BLOCK,)
    assert read_only.history(BLOCK) == []


def told(answer: Answer) -> set[str]:
    """Which manual edits an answer shows anywhere: in its text, its changes, its facts or its citations."""
    shown = answer.to_json()
    return {size for _, size, _ in HANDS.values() if size in shown} | {
        HANDS[one][1] for one in SIX if event_id(*one) in shown
    }


def edits(environment: str, *shards: str) -> set[str]:
    return {HANDS[environment, shard][1] for shard in shards or SHARDS}


@pytest.mark.parametrize(("environment", "shard"), SIX)
@pytest.mark.parametrize(
    "wording",
    [
        "who changed {address} in {environment}?",
        "who changed {arn}?",
        "when was {address} last changed in {environment}?",
    ],
)
def test_who_changed_an_instance_is_who_edited_it_and_never_somebody_of_another(
    read_only: Organisation, environment: str, shard: str, wording: str
) -> None:
    question = wording.format(address=address(shard), environment=environment, arn=arn(environment, shard))
    answer = read_only.ask(question)
    name, size, at = HANDS[environment, shard]
    assert answer.status == "answered", answer.text
    assert answer.changes[0].by.name == name, answer.text
    assert answer.changes[0].at == at
    assert size in [a.after.value for a in answer.changes[0].attributes], answer.changes[0].attributes
    assert answer.changes[0].target is not None
    assert answer.changes[0].target.environment == environment
    assert {r.environment for r in answer.changes[0].reached} == {environment}
    assert told(answer) == {size}, answer.text
    cited = {c.id: c.locator for c in answer.citations}
    assert f"cloudtrail:{event_id(environment, shard)}" in [cited[c] for c in answer.changes[0].citations]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(
    "wording",
    [
        "what was changed by hand in {environment}?",
        "which manual changes were made in {environment}?",
        "what was changed outside of terraform in {environment}?",
    ],
)
def test_what_was_changed_by_hand_in_an_environment_is_all_of_it_and_nothing_of_the_other(
    read_only: Organisation, environment: str, wording: str
) -> None:
    answer = read_only.ask(wording.format(environment=environment))
    assert answer.kind == "by_hand"
    assert told(answer) == edits(environment), answer.text
    assert len(answer.changes) == len(SHARDS)
    assert all(c.outside_code for c in answer.changes)
    assert {c.target.environment for c in answer.changes if c.target} == {environment}
    assert {r.environment for c in answer.changes for r in c.reached} == {environment}


@pytest.mark.parametrize(
    ("environment", "question"),
    [
        ("staging", "what changed in staging in March 2026?"),
        ("prod", "what changed in prod in March 2026?"),
        ("staging", "what went out to staging before 2026-04-01?"),
        ("prod", "what went out to prod before 2026-04-01?"),
        ("staging", "who changed the shards in staging?"),
        ("prod", "who changed the shard in prod?"),
        ("staging", "who changed aws_db_instance.shard in staging?"),
        ("prod", "who changed aws_db_instance.shard in prod?"),
    ],
)
def test_an_edit_in_one_environment_is_never_shown_as_one_of_the_other(
    read_only: Organisation, environment: str, question: str
) -> None:
    answer = read_only.ask(question)
    assert told(answer), answer.text
    assert told(answer) <= edits(environment), answer.text


def test_why_two_refs_are_one_instance_is_told_with_the_rule(read_only: Organisation) -> None:
    for one in SIX:
        why = why_same(read_only.store, in_state(*one), in_cloud(*one), PUBLIC_VIEW)
        assert why.outcome == "joined"
        assert [(link.src, link.dst, link.source, link.rule) for link in why.chain] == [
            (in_state(*one), in_cloud(*one), "terraform_state", "state_arn")
        ]
        assert why.confidence == 1.0


def test_the_same_name_in_another_environment_is_nothing_that_joins(read_only: Organisation) -> None:
    for shard in SHARDS:
        prod, staging = in_state("prod", shard), in_cloud("staging", shard)
        assert why_same(read_only.store, prod, staging, PUBLIC_VIEW).outcome == "nothing_joins"
        assert why_same(read_only.store, prod, BLOCK, PUBLIC_VIEW).outcome == "nothing_joins"


def test_a_split_takes_the_audit_event_out_of_that_history_for_good_until_it_is_taken_back(own: Organisation) -> None:
    apart, cloud = in_state("prod", "eu"), in_cloud("prod", "eu")
    others = [one for one in SIX if one != ("prod", "eu")]
    assert own.history(apart) == [event("prod", "eu")]

    own.store.apply(split(own.store, apart, cloud, "ana", "another database of that name", NOW + 1))
    for later in (0, HOUR):
        if later:
            own.sync(NOW + later)
        assert own.history(apart) == []
        assert own.history(cloud) == [event("prod", "eu")]
        assert all(own.history(in_state(*one)) == [event(*one)] for one in others)
        why = why_same(own.store, apart, cloud, PUBLIC_VIEW)
        assert (why.outcome, [s.by for s in why.splits]) == ("split", ["ana"])
    assert told(own.ask(f"who changed {address('eu')} in prod?")) == set()

    own.store.apply(unsplit(own.store, apart, cloud, NOW + 2 * HOUR))
    assert own.history(apart) == [event("prod", "eu")]
    assert why_same(own.store, apart, cloud, PUBLIC_VIEW).outcome == "joined"
    assert own.ask(f"who changed {address('eu')} in prod?").changes[0].by.name == "ana"


def test_a_split_holds_when_all_sources_are_read_from_the_beginning_again(own: Organisation) -> None:
    own.store.apply(split(own.store, in_state("prod", "us"), in_cloud("prod", "us"), "ana", "", NOW + 1))
    place = own.directory / "states" / "terraform.tfstate.d" / "prod" / "terraform.tfstate"
    shards = [instance({**attributes("prod", s), "port": 5433}, key=s) for s in SHARDS]
    newer = state(resource("aws_db_instance.shard", *shards, module="module.data"), lineage=LINEAGES["prod"], serial=2)
    put(place, newer, instant("2026-04-01T12:00:00Z"))
    own.sync(NOW + HOUR)
    found = own.store.entity(in_state("prod", "us"), PUBLIC_VIEW)
    assert found is not None
    assert "port" in str(found.properties["attributes"])
    assert own.history(in_state("prod", "us")) == []
    assert own.history(in_state("prod", "eu")) == [event("prod", "eu")]
