"""When a change reached an environment: by what was deployed or applied, by the paths it touched, else by the state that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha1

import pytest

from agent.reach import Carried, Reach
from agent.shipments import Shipment, shipments
from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Value, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from graph.stores import open_store
from ingest import names

REPOSITORY = "acme/shop"
HOUR: Instant = 3_600 * SECOND
START: Instant = instant("2026-03-02T00:00:00Z")
NOW: Instant = START + 60 * DAY
PUBLIC_VIEW = View()


def hours(n: float) -> Instant:
    """So many hours after the story begins."""
    return START + int(n * HOUR)


def sha(name: str) -> str:
    """The hash of the commit that a test calls so."""
    return sha1(name.encode()).hexdigest()


class Estate:
    """States facts of several sources straight into a store, each as that source would. Times are hours of the story."""

    def __init__(self, store: GraphStore) -> None:
        self.store = store
        self.label = "public"
        """Who may read what is stated next."""
        self._batches = 0

    def say(
        self,
        source: str,
        scope: str,
        at: float,
        locator: str,
        *facts: Fact,
    ) -> None:
        """These facts hold from `at` on."""
        when = hours(at)
        self._batches += 1
        said = tuple(Assertion(f, when, when, locator, label=self.label) for f in facts)
        self.store.apply(FactBatch(f"batch {self._batches}", source, scope, "test/1", said, fresh_until=NOW))

    def account(self, name: str, *, system: str = "git", bot: bool = False, at: float = 0) -> EntityRef:
        """An account of somebody called so."""
        login = name.casefold().replace(" ", ".")
        this = names.account(system, login)
        said: dict[str, Value] = {"system": system, "login": login, "name": name, **({"bot": True} if bot else {})}
        self.say(system, "accounts", at, f"{system}:{login}", Entity(this, said), Alias(this, "login", login))
        self.say(system, "accounts", at, f"{system}:{login}", Alias(this, "name", name))
        return this

    def commit(
        self,
        name: str,
        position: int | None,
        at: float,
        *paths: str,
        repository: str = REPOSITORY,
        by: str = "Ann Archer",
        blocks: Mapping[str, str] | None = None,
        attributes: Sequence[tuple[str, Value, Value]] = (),
    ) -> EntityRef:
        """A commit that touched these files and blocks (address -> path), on the mainline where it has a position."""
        this = names.commit(sha(name))
        said: dict[str, Value] = {"repository": repository, "short": sha(name)[:7], "title": name}
        said["authored_at"] = rfc3339(hours(at))
        if position is not None:
            said |= {"position": position, "mainline": sha(name)}
        author = self.account(by)
        facts: list[Fact] = [
            Entity(this, said),
            Passage(this, "message", name),
            Relation("AUTHORED_BY", this, author, {}),
        ]
        told: dict[str, Value] = {"effect": "updated", "attributes": sides(attributes)}
        for path in paths:
            file = names.file(repository, path)
            facts += [
                Entity(file, {"repository": repository, "path": path}),
                Alias(file, "path", path),
                Relation("CHANGED", this, file, {**told, "path": path}),
            ]
        for address, path in (blocks or {}).items():
            block = self.block(address, path, repository)
            type_, _, own = address.partition(".")
            body: dict[str, Value] = {"repository": repository, "directory": path.rpartition("/")[0], "path": path}
            body |= {"address": address, "block_type": "resource", "type": type_, "name": own, "language": "hcl"}
            body |= {"attributes": {}}
            facts += [
                Entity(block, body),
                Alias(block, "address", address),
                Relation("CHANGED", this, block, {**told, "path": path}),
            ]
        self.say("git", repository, at, f"{repository}@{sha(name)}", *facts)
        return this

    def block(self, address: str, path: str, repository: str = REPOSITORY) -> EntityRef:
        """The block of this address in the directory of a file."""
        return ref("Block", repository, path.rpartition("/")[0], address)

    def request(
        self,
        number: int,
        at: float,
        merged: str = "",
        *,
        title: str = "",
        head: str = "",
        merged_at: float | None = None,
    ) -> EntityRef:
        """A pull request; `head` is a commit of its branch, `merged` the one it was merged as."""
        this = names.pull_request(REPOSITORY, number)
        said: dict[str, Value] = {"repository": REPOSITORY, "number": number, "title": title or f"Request {number}"}
        locator = f"{REPOSITORY}#{number}"
        self.say(
            "github",
            REPOSITORY,
            at,
            locator,
            Entity(this, {**said, "state": "open"}),
            Alias(this, "number", f"#{number}"),
        )
        if head:
            self.say("github", REPOSITORY, at, locator, Relation("PART_OF", names.commit(sha(head)), this, {}))
        if merged:
            then = at if merged_at is None else merged_at
            into = Relation("MERGED_AS", this, names.commit(sha(merged)), {})
            self.say("github", REPOSITORY, then, locator, Entity(this, {**said, "state": "merged"}), into)
        return this

    def deploy(
        self,
        id_: str,
        at: float,
        *,
        service: str = "checkout",
        environment: str = "prod",
        commit: str = "",
        version: str = "",
        outcome: str = "succeeded",
        action: str = "deploy",
        source: str = "github",
        tool: str = "",
        started: float | None = None,
        repository: str = REPOSITORY,
        by: EntityRef | None = None,
    ) -> EntityRef:
        """A deployment that was finished at `at`; an apply has no service."""
        this = names.deployment(source, REPOSITORY, id_)
        said: dict[str, Value] = {
            "service": service, "environment": environment, "commit": sha(commit) if commit else "", "version": version,
            "outcome": outcome, "action": action, "tool": tool or source, "repository": repository, "deployment_id": id_,
            "started_at": rfc3339(hours(at if started is None else started)), "finished_at": rfc3339(hours(at)),
        }  # fmt: skip
        facts: list[Fact] = [Entity(this, said)]
        if service:
            facts.append(Entity(names.service(service), {"name": service}))
        facts.append(Entity(names.environment(environment), {"name": environment}))
        if by is not None:
            facts.append(Relation("PERFORMED_BY", this, by, {}))
        self.say(source, REPOSITORY, at, f"{REPOSITORY}/deployments/{id_}", *facts)
        return this

    def apply(
        self, id_: str, at: float, *, environment: str = "prod", commit: str = "", started: float | None = None,
        outcome: str = "succeeded", by: EntityRef | None = None,
    ) -> EntityRef:  # fmt: skip
        """An apply of the repository's infrastructure code."""
        return self.deploy(
            id_, at, service="", environment=environment, commit=commit, action="apply", started=started, outcome=outcome,
            by=by, tool="terraform",
        )  # fmt: skip

    def instance(
        self, address: str, environment: str = "prod", *, arn: str = "", of: EntityRef | None = None
    ) -> EntityRef:
        """An instance in the state of an environment; with an ARN it is joined with what the cloud calls so."""
        this = ref("Resource", "lineage", environment, address)
        type_, _, own = address.partition(".")
        where = names.environment(environment)
        said: dict[str, Value] = {
            "type": type_,
            "name": own,
            "address": address,
            "environment": environment,
            "workspace": environment,
        }
        facts: list[Fact] = [
            Entity(this, said), Alias(this, "address", address), Entity(where, {"name": environment}), Relation("RUNS_IN", this, where, {}),
        ]  # fmt: skip
        if arn:
            facts.append(Alias(this, "arn", arn))
            facts.append(Relation("SAME_AS", this, names.cloud_resource(arn), {"rule": "state_arn", "confidence": 1.0}))
        if of is not None:
            facts.append(Relation("DECLARES", of, this, {}))
        self.say("terraform_state", f"states#{environment}", 0, f"{environment}.tfstate@1#{address}", *facts)
        return this

    def state(
        self, serial: int, at: float, *changed: EntityRef, environment: str = "prod", effect: str = "updated",
        attributes: Sequence[tuple[str, Value, Value]] = (),
    ) -> EntityRef:  # fmt: skip
        """A serial of an environment's state that changed these instances."""
        this = ref("StateVersion", "lineage", environment, str(serial))
        where = names.environment(environment)
        said: dict[str, Value] = {"lineage": "lineage", "serial": serial, "workspace": environment}
        told: dict[str, Value] = {"effect": effect, "attributes": sides(attributes)}
        facts: list[Fact] = [
            Entity(this, said),
            Entity(where, {"name": environment}),
            Relation("RUNS_IN", this, where, {}),
        ]
        facts += [Relation("CHANGED", this, target, told) for target in changed]
        self.say("terraform_state", "states", at, f"{environment}.tfstate@{serial}", *facts)
        return this

    def call(
        self, id_: str, at: float, target: EntityRef, *, via: str = "console", by: EntityRef | None = None,
        action: str = "elasticloadbalancing:ModifyRule", attributes: Sequence[tuple[str, Value, Value]] = (),
        account_id: str = "", effect: str = "updated",
    ) -> EntityRef:  # fmt: skip
        """An entry of the audit log."""
        this = names.audit_event("cloudtrail", id_)
        said: dict[str, Value] = {
            "action": action,
            "event_id": id_,
            "via": via,
            "title": f"{action.partition(':')[2]} on it",
        }
        if account_id:
            said["account_id"] = account_id
        told: dict[str, Value] = {"effect": effect, "attributes": sides(attributes)}
        facts: list[Fact] = [Entity(this, said), Relation("CHANGED", this, target, told)]
        if by is not None:
            facts.append(Relation("PERFORMED_BY", this, by, {}))
        self.say("cloudtrail", "trail", at, f"cloudtrail:{id_}", *facts)
        return this

    # -- what the code under test says

    def reached(self, change: EntityRef, only: frozenset[str] = frozenset()) -> dict[str, Carried]:
        """Where and by what the change arrived, by environment; it touched one thing."""
        page = self.store.changes(ChangeQuery(changes=[change]), PUBLIC_VIEW, Limits())
        assert len({c.target for c in page.items}) == 1
        return {
            c.reached.environment: c
            for some in Reach(self.store, PUBLIC_VIEW, only).of(page.items).values()
            for c in some
        }

    def arrivals(self, change: EntityRef) -> dict[str, EntityRef]:
        """By environment: what carried the change there."""
        return {name: one.by for name, one in self.reached(change).items()}

    def shipped(self) -> tuple[Shipment, ...]:
        """All deployments, as answers see them."""
        return shipments(self.store, PUBLIC_VIEW).all

    def running(self, at: float, service: str = "checkout", environment: str = "prod") -> str:
        """The version that ran then; empty for none."""
        one = shipments(self.store, PUBLIC_VIEW).running(service, environment, hours(at))
        return "" if one is None else one.version


def sides(attributes: Sequence[tuple[str, Value, Value]]) -> list[Value]:
    """Attribute paths with both sides, None for absent."""

    def side(of: Value) -> Value:
        return {"state": "absent"} if of is None else {"state": "value", "value": of}

    return [{"path": path, "before": side(before), "after": side(after)} for path, before, after in attributes]


@pytest.fixture
def estate() -> Iterator[Estate]:
    with open_store("sqlite://:memory:") as store:
        yield Estate(store)


# -- along the mainline


def test_a_deployment_carries_what_was_on_the_mainline_before_its_commit_and_nothing_after_it(estate: Estate) -> None:
    first = estate.commit("first", 1, 1, "checkout/app.py")
    second = estate.commit("second", 2, 2, "checkout/app.py")
    third = estate.commit("third", 3, 3, "checkout/app.py")
    deployed = estate.deploy("d1", 4, commit="second", started=3.5)
    assert estate.arrivals(first) == {"prod": deployed}
    assert estate.arrivals(second) == {"prod": deployed}
    assert estate.arrivals(third) == {}
    reached = estate.reached(first)["prod"].reached
    assert (reached.earliest, reached.latest, reached.basis) == (rfc3339(hours(3.5)), rfc3339(hours(4)), "deployed")


def test_the_first_deployment_that_holds_a_change_is_its_arrival_in_each_environment(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, "checkout/app.py")
    estate.commit("later", 2, 5, "checkout/app.py")
    staging = estate.deploy("d1", 2, environment="staging", commit="change")
    prod = estate.deploy("d2", 3, environment="prod", commit="change")
    estate.deploy("d3", 6, environment="prod", commit="later")
    assert estate.arrivals(change) == {"staging": staging, "prod": prod}
    assert set(estate.reached(change, only=frozenset({"prod"}))) == {"prod"}


@pytest.mark.parametrize("outcome", ["failed", "failure", "error", "cancelled", "in_progress", "pending"])
def test_a_deployment_that_did_not_succeed_carries_nothing(estate: Estate, outcome: str) -> None:
    change = estate.commit("change", 1, 1, "checkout/app.py")
    estate.deploy("d1", 2, commit="change", outcome=outcome)
    assert estate.arrivals(change) == {}
    again = estate.deploy("d2", 3, commit="change")
    assert estate.arrivals(change) == {"prod": again}


def test_a_deployment_of_another_repository_carries_nothing_of_this_one(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, "checkout/app.py")
    estate.commit("theirs", 9, 1, "checkout/app.py", repository="acme/other")
    estate.deploy("d1", 2, commit="theirs", repository="acme/other")
    assert estate.arrivals(change) == {}


def test_a_deployment_that_names_this_repository_with_a_commit_of_another_carries_nothing(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, "checkout/app.py")
    estate.commit("theirs", 9, 1, "checkout/app.py", repository="acme/other")
    estate.deploy("d1", 2, commit="theirs")
    assert estate.arrivals(change) == {}


def test_a_deployment_of_a_commit_that_nobody_knows_carries_nothing(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, "checkout/app.py")
    estate.deploy("d1", 2, commit="never seen")
    estate.deploy("d2", 3)
    assert estate.arrivals(change) == {}


# -- branches


def test_the_head_of_a_branch_deployed_before_its_squash_merge_carries_the_merged_commit(estate: Estate) -> None:
    estate.commit("before", 1, 1, "checkout/app.py")
    estate.request(7, 2, merged="squashed", head="head", merged_at=9)
    squashed = estate.commit("squashed", 2, 9, "checkout/app.py")
    next_ = estate.commit("next", 3, 10, "checkout/app.py")
    staging = estate.deploy("d1", 5, environment="staging", commit="head")
    assert estate.arrivals(squashed) == {"staging": staging}
    assert estate.reached(squashed)["staging"].at < hours(9)
    assert estate.arrivals(next_) == {}


def test_a_branch_that_was_never_merged_carries_nothing_of_the_mainline_after_it(estate: Estate) -> None:
    estate.request(7, 2, head="head")
    change = estate.commit("change", 1, 1, "checkout/app.py")
    estate.deploy("d1", 5, environment="staging", commit="head")
    assert estate.arrivals(change) == {}


def test_a_branch_deployed_before_its_merge_carries_nothing_that_came_to_the_mainline_after_that(
    estate: Estate,
) -> None:
    estate.request(7, 2, merged="squashed", head="head", merged_at=9)
    between = estate.commit("between", 1, 7, "checkout/app.py")
    estate.commit("squashed", 2, 9, "checkout/app.py")
    estate.deploy("d1", 5, environment="staging", commit="head")
    assert estate.arrivals(between) == {}


# -- what a path says


def test_what_lies_in_a_services_directory_goes_out_with_that_service_only(estate: Estate) -> None:
    checkout = estate.commit("checkout's", 1, 1, "services/checkout/app.py")
    search = estate.commit("search's", 2, 2, "services/search/app.py")
    estate.commit("later", 3, 3, "README.md")
    of_checkout = estate.deploy("d1", 4, service="checkout", commit="later")
    of_search = estate.deploy("d2", 5, service="search", commit="later")
    assert estate.arrivals(checkout) == {"prod": of_checkout}
    assert estate.arrivals(search) == {"prod": of_search}


def test_what_belongs_to_no_service_goes_out_with_the_first_that_is_deployed(estate: Estate) -> None:
    shared = estate.commit("shared", 1, 1, "lib/money.py")
    estate.commit("later", 2, 2, "services/checkout/app.py")
    first = estate.deploy("d1", 3, service="search", commit="later")
    estate.deploy("d2", 4, service="checkout", commit="later")
    assert estate.arrivals(shared) == {"prod": first}


def test_infrastructure_code_is_applied_and_services_are_deployed(estate: Estate) -> None:
    code = estate.commit("code", 1, 1, "terraform/main.tf")
    program = estate.commit("program", 2, 2, "lib/money.py")
    deployed = estate.deploy("d1", 3, commit="program")
    applied = estate.apply("a1", 4, commit="program")
    assert estate.arrivals(code) == {"prod": applied}
    assert estate.arrivals(program) == {"prod": deployed}
    assert estate.reached(code)["prod"].reached.basis == "applied"


@pytest.mark.parametrize("directory", ["environments/staging", "staging", "envs/stg", "terraform/Staging/eu"])
def test_what_lies_in_the_directory_of_an_environment_reaches_no_other(estate: Estate, directory: str) -> None:
    change = estate.commit("change", 1, 1, f"{directory}/main.tf")
    everywhere = estate.commit("module", 2, 2, "modules/lb/main.tf")
    prod = estate.apply("a1", 3, environment="prod", commit="module")
    staging = estate.apply("a2", 4, environment="staging", commit="module")
    assert estate.arrivals(change) == {"staging": staging}
    assert estate.arrivals(everywhere) == {"prod": prod, "staging": staging}


def test_the_values_of_an_environment_reach_only_that_one(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, "terraform/prod.tfvars")
    estate.apply("a1", 2, environment="staging", commit="change")
    assert "prod" not in estate.arrivals(change)
    prod = estate.apply("a2", 3, environment="prod", commit="change")
    assert estate.arrivals(change)["prod"] == prod


# -- what a state shows


def test_a_state_shows_a_change_that_no_deployment_carries(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, blocks={"aws_lb.main": "terraform/main.tf"})
    block = estate.block("aws_lb.main", "terraform/main.tf")
    prod, staging = (estate.instance("aws_lb.main", name, of=block) for name in ("prod", "staging"))
    of_staging = estate.state(2, 2, staging, environment="staging")
    of_prod = estate.state(2, 4, prod)
    estate.state(3, 6, prod)
    assert estate.arrivals(change) == {"staging": of_staging, "prod": of_prod}
    reached = estate.reached(change)["prod"].reached
    assert (reached.earliest, reached.latest, reached.basis) == (rfc3339(hours(4)), rfc3339(hours(4)), "applied")


def test_an_apply_that_is_known_says_it_before_the_state_does(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, blocks={"aws_lb.main": "terraform/main.tf"})
    prod = estate.instance("aws_lb.main", of=estate.block("aws_lb.main", "terraform/main.tf"))
    estate.state(2, 3, prod)
    applied = estate.apply("a1", 3.1, commit="change", started=2.9)
    assert estate.arrivals(change) == {"prod": applied}


def test_a_state_recorded_after_the_next_change_of_the_block_shows_the_next_one(estate: Estate) -> None:
    first = estate.commit("first", 1, 1, blocks={"aws_lb.main": "terraform/main.tf"})
    second = estate.commit("second", 2, 3, blocks={"aws_lb.main": "terraform/main.tf"})
    prod = estate.instance("aws_lb.main", of=estate.block("aws_lb.main", "terraform/main.tf"))
    shown = estate.state(2, 4, prod)
    page = estate.store.changes(ChangeQuery(changes=[first, second]), PUBLIC_VIEW, Limits())
    found = Reach(estate.store, PUBLIC_VIEW).of(page.items)
    assert {change: [c.by for c in some] for (change, _), some in found.items()} == {second: [shown]}


@pytest.mark.parametrize(("days", "shown"), [(13, True), (15, False)])
def test_a_state_of_weeks_later_shows_nothing_of_it(estate: Estate, days: int, shown: bool) -> None:
    change = estate.commit("change", 1, 1, blocks={"aws_lb.main": "terraform/main.tf"})
    prod = estate.instance("aws_lb.main", of=estate.block("aws_lb.main", "terraform/main.tf"))
    estate.state(2, 1 + 24 * days, prod)
    assert bool(estate.arrivals(change)) is shown


def test_a_state_that_changed_something_else_shows_nothing_of_it(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, blocks={"aws_lb.main": "terraform/main.tf"})
    estate.instance("aws_lb.main", of=estate.block("aws_lb.main", "terraform/main.tf"))
    estate.state(2, 2, estate.instance("aws_lb.other"))
    assert estate.arrivals(change) == {}


# -- what ran, and what came with it


def test_what_ran_at_a_moment_is_the_last_that_took_effect_by_then(estate: Estate) -> None:
    estate.deploy("d1", 1, version="1.0")
    estate.deploy("d2", 3, version="1.1")
    estate.deploy("d3", 4, version="1.2", outcome="failed")
    estate.deploy("d4", 5, version="1.0", action="rollback")
    estate.deploy("d5", 6, version="9.9", environment="staging")
    estate.deploy("d6", 7, version="9.9", service="search")
    versions = [estate.running(at) for at in (0.9, 1, 2.9, 3, 4.5, 5, 50)]
    assert versions == ["", "1.0", "1.0", "1.1", "1.1", "1.0", "1.0"]


@pytest.mark.parametrize("action", ["scale", "restart", "publish"])
def test_what_brings_no_new_version_leaves_the_running_one(estate: Estate, action: str) -> None:
    estate.deploy("d1", 1, version="1.0")
    estate.deploy("d2", 2, version="", action=action)
    assert estate.running(3) == "1.0"


def test_after_a_removal_nothing_runs(estate: Estate) -> None:
    estate.deploy("d1", 1, version="1.0")
    estate.deploy("d2", 2, action="remove")
    assert (estate.running(1.5), estate.running(3)) == ("1.0", "")


def test_a_deployment_brings_what_was_merged_since_the_one_before_it(estate: Estate) -> None:
    commits = [estate.commit(f"c{n}", n, n, "checkout/app.py") for n in range(1, 6)]
    estate.commit("search's", 6, 5.5, "search/app.py")
    last = estate.commit("last", 7, 6, "checkout/app.py")
    estate.deploy("d0", 1, service="search", commit="c1")
    estate.deploy("d1", 2.5, commit="c2")
    estate.deploy("d2", 4.2, commit="c3", outcome="failed")
    newest = estate.deploy("d3", 7, commit="last")
    one = next(s for s in estate.shipped() if s.ref == newest)
    carried = Reach(estate.store, PUBLIC_VIEW).carried(one)
    assert [c.change for c in carried] == [last, commits[4], commits[3], commits[2]]


# -- told by several sources


def test_a_deployment_that_two_sources_tell_counts_once_with_the_commit_that_one_knows(estate: Estate) -> None:
    change = estate.commit("change", 1, 1, "checkout/app.py")
    pipeline = estate.deploy("d1", 2, commit="change", version="1.4.0")
    cluster = estate.deploy("r7", 2.2, version="v1.4.0", source="kubernetes")
    (one,) = estate.shipped()
    assert (one.ref, one.also) == (pipeline, (cluster,))
    assert estate.arrivals(change) == {"prod": pipeline}


def test_the_cluster_may_tell_it_first(estate: Estate) -> None:
    cluster = estate.deploy("r7", 2, version="1.4.0", source="kubernetes")
    pipeline = estate.deploy("d1", 2.3, commit="change", version="1.4.0")
    (one,) = estate.shipped()
    assert (one.ref, one.also, one.commit) == (pipeline, (cluster,), sha("change"))


def test_an_image_tagged_with_the_commit_is_the_same_version(estate: Estate) -> None:
    estate.deploy("d1", 2, commit="change", version="1.4.0")
    estate.deploy("r7", 2.2, version=sha("change")[:12], source="kubernetes")
    assert len(estate.shipped()) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"at": 2.2, "version": "1.4.1", "source": "kubernetes"},
        {"at": 2.6, "version": "1.4.0", "source": "kubernetes"},
        {"at": 2.2, "version": "1.4.0", "source": "github"},
        {"at": 2.2, "version": "1.4.0", "source": "kubernetes", "environment": "staging"},
        {"at": 2.2, "version": "1.4.0", "source": "kubernetes", "service": "search"},
        {"at": 2.2, "version": "1.4.0", "source": "kubernetes", "outcome": "failed"},
    ],
    ids=["version", "time", "source", "environment", "service", "outcome"],
)
def test_deployments_that_differ_are_two(estate: Estate, other: dict[str, str | float]) -> None:
    estate.deploy("d1", 2, version="1.4.0")
    estate.deploy("d2", **other)  # type: ignore[arg-type]
    assert len(estate.shipped()) == 2
