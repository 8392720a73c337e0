"""The comment on a pull request: cost, risk, what depends on it and who answers for it, from the graph and an estimate."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from agent.cost.model import Estimate, PriceLine, ResourceCost
from api.gateway import Yes
from api.pr_comment import comment_text, post_comment
from api.settings import Settings
from api.wiring import Engine
from graph.clock import instant
from graph.model import PUBLIC, Assertion, EntityRef, Relation, Value
from ingest.names import pull_request
from tests.contracts.facts import batch, entity, relation, says
from tests.fake_github import TOKEN, fake_github

REPOSITORY = "acme/infra"
T1, T2, T3 = (instant(f"2026-{month}-01T00:00:00Z") for month in ("03", "06", "09"))
PULL, OLD_PULL = pull_request(REPOSITORY, 41), pull_request(REPOSITORY, 12)
COMMIT, OLD = EntityRef("Commit:" + "a" * 40), EntityRef("Commit:" + "b" * 40)
DATABASE, RULE, PORT = EntityRef("Block:db"), EntityRef("Block:rule"), EntityRef("Resource:app")
LIVE = EntityRef("Resource:db-prod")
PLAN = EntityRef("Plan:p1")
CHECKOUT, LEDGER = EntityRef("Service:checkout"), EntityRef("Service:ledger")
INCIDENT = EntityRef("Incident:i1")
TEAM = EntityRef("Team:data")


def value(of: Value) -> Value:
    return {"state": "value", "value": of}


def changed(change: EntityRef, target: EntityRef, effect: str = "updated", **paths: tuple[Value, Value]) -> Relation:
    listed = [
        {"path": path.replace("__", "."), "before": value(b), "after": value(a)} for path, (b, a) in paths.items()
    ]
    return relation("CHANGED", change, target, effect=effect, attributes=listed)


def code(ref: EntityRef, address: str, type_: str, path: str) -> Assertion:
    directory = path.rpartition("/")[0]
    return says(
        entity(
            ref,
            repository=REPOSITORY,
            directory=directory,
            path=path,
            block_type="resource",
            type=type_,
            name=address.rpartition(".")[2],
            address=address,
        ),
        T1,
        locator=f"{REPOSITORY}@{'b' * 40}:{path}#L1-L5",
        url=f"https://github.com/acme/infra/blob/{'b' * 40}/{path}#L1-L5",
    )


def world(label: str = PUBLIC) -> list[Assertion]:
    """A pull request that opens a port and shortens what a database keeps; services behind the database; an incident of an earlier change."""
    return [
        says(entity(PULL, repository=REPOSITORY, number=41, title="Open it", state="open", files=["db/main.tf", "net/rules.tf", "docs/x.md"]), T3, label=label),
        says(entity(OLD_PULL, repository=REPOSITORY, number=12, title="Earlier", state="merged"), T2),
        says(entity(COMMIT, sha="a" * 40), T3),
        says(entity(OLD, sha="b" * 40), T2),
        says(relation("PART_OF", COMMIT, PULL), T3),
        says(relation("PART_OF", OLD, OLD_PULL), T2),
        code(DATABASE, "aws_db_instance.main", "aws_db_instance", "db/main.tf"),
        code(RULE, "aws_security_group_rule.admin", "aws_security_group_rule", "net/rules.tf"),
        says(entity(LIVE, type="aws_db_instance", name="main", address="aws_db_instance.main", environment="prod"), T1),
        says(relation("DECLARES", DATABASE, LIVE), T1),
        says(entity(CHECKOUT, name="checkout"), T1),
        says(entity(LEDGER, name="ledger"), T1),
        says(relation("RUNS_ON", CHECKOUT, LIVE), T1),
        says(relation("DEPENDS_ON", LEDGER, CHECKOUT), T1),
        says(changed(COMMIT, DATABASE, backup_retention_period=(7, 0)), T3, locator="pull/41", url="https://github.com/acme/infra/pull/41/files"),
        says(changed(COMMIT, RULE, cidr_blocks=(["10.0.0.0/8"], ["0.0.0.0/0"])), T3),
        says(changed(OLD, DATABASE, backup_retention_period=(14, 7)), T2),
        says(entity(INCIDENT, title="Nothing to restore", started_at="2026-06-03T10:00:00Z", state="resolved"), T2),
        says(relation("CAUSED_BY", INCIDENT, OLD_PULL, rule="postmortem"), T2, locator="postmortem.md#L3"),
        says(entity(TEAM, name="data"), T1),
        says(relation("OWNED_BY", LIVE, TEAM), T1),
        says(entity(EntityRef("OwnershipRule:1"), repository=REPOSITORY, pattern="/net/", owners=["@acme/network"], line=1), T1),
    ]  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Generator[Engine]:
    with opened(tmp_path, world()) as one:
        yield one


def opened(
    home: Path, facts: Iterable[Assertion], audience: frozenset[str] = frozenset({PUBLIC}), **outward: object
) -> Engine:
    engine = Engine(
        Settings(
            store=f"sqlite://{home}/lore.db",
            outward={"github": outward} if outward else {},
            audience=audience,
            data_directory=home,
        )
    )
    engine.store.apply(batch(*facts, scope=REPOSITORY))
    return engine


def section(text: str, name: str) -> str:
    """The part of a comment below a heading, without what is folded."""
    return text.partition(f"**{name}**")[2].split("\n\n")[0]


def priced(address: str, monthly: str, type_: str = "aws_db_instance", quantity: str = "730") -> ResourceCost:
    line = PriceLine(
        component="Instance",
        unit="hours",
        state="priced",
        quantity=quantity,
        price="0.1",
        monthly=monthly,
        source="aws-price-list 2026-10-01",
    )
    return ResourceCost(address=address, type=type_, lines=(line,), monthly=monthly)


ESTIMATE = Estimate(
    before="73.00",
    after="150.50",
    delta="77.50",
    resources=(
        priced("aws_db_instance.main", "146.00", quantity="1460"),
        priced("aws_eip.same", "3.60"),
        priced('aws_eip.new["a"]', "0.90", "aws_eip"),
    ),
    resources_before=(
        priced("aws_db_instance.main", "73.00"),
        priced("aws_eip.same", "3.60"),
        priced("aws_s3_bucket.logs", "1.00", "aws_s3_bucket"),
    ),
    unpriced=("aws_odd.thing",),
)


def test_what_it_opens_and_what_it_gives_up_is_told_worst_first_with_its_source(engine: Engine) -> None:
    risk = section(comment_text(engine, REPOSITORY, 41, None), "Risk")
    lines = [line for line in risk.splitlines() if line.startswith("- ")]
    assert "**critical**: aws_security_group_rule.admin: the whole internet may come in" in lines[0]
    assert any(
        "aws_db_instance.main" in line and "(https://github.com/acme/infra/pull/41/files)" in line for line in lines
    )


def test_an_incident_that_a_like_change_caused_is_recalled(engine: Engine) -> None:
    risk = section(comment_text(engine, REPOSITORY, 41, None), "Risk")
    assert "**incident**: a change of aws_db_instance.main caused “Nothing to restore” on 2026-06-03" in risk


def test_services_on_it_and_behind_these_are_its_blast_radius(engine: Engine) -> None:
    text = comment_text(engine, REPOSITORY, 41, None)
    assert "it touches 2 things" in section(text, "Blast radius")
    assert "the services checkout, ledger" in section(text, "Blast radius")


def test_owners_are_stated_ones_and_those_of_the_file_and_nobody_is_called(engine: Engine) -> None:
    owners = section(comment_text(engine, REPOSITORY, 41, None), "Owners")
    assert "@\u2060acme/network: `aws_security_group_rule.admin` (CODEOWNERS /net/)" in owners
    assert "nobody is known to answer for" in owners
    assert "`docs/x.md`" in owners
    assert "@acme" not in owners


def test_the_cost_is_a_table_of_what_changes_with_what_has_no_price(engine: Engine) -> None:
    text = comment_text(engine, REPOSITORY, 41, ESTIMATE)
    cost = text.partition("**Cost**")[2].partition("**Risk**")[0]
    assert cost.startswith(
        ": +77.50 USD a month of what has a price (73.00 → 150.50); 1 without a price, which are not counted"
    )
    rows = [line for line in cost.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `aws_db_instance.main` | 73.00 | 146.00 | +73.00 |",
        "| `aws_s3_bucket.logs` | 1.00 |  | −1.00 |",
        '| `aws_eip.new["a"]` |  | 0.90 | +0.90 |',
    ]
    assert "aws_eip.same" not in cost
    assert "1460 hours × 0.1 (aws-price-list 2026-10-01)" in cost
    assert "`aws_odd.thing`" in cost
    assert "**critical**: aws_s3_bucket.logs is deleted, and it holds data" in text


def test_a_cost_that_cannot_be_compared_or_depends_on_usage_says_so(engine: Engine) -> None:
    usage = PriceLine(component="Requests", unit="1M requests", state="usage", price="0.2")
    alone = Estimate(
        after="5.00",
        resources=(
            ResourceCost(address="aws_lambda_function.f", type="aws_lambda_function", lines=(usage,), complete=False),
        ),
    )
    cost = comment_text(engine, REPOSITORY, 41, alone)
    assert "5.00 USD a month of what has a price; there is nothing to compare it with; some depend on usage" in cost
    assert "| `aws_lambda_function.f` |  | ? | ? |" in cost
    assert "depends on usage, 0.2 per 1M requests" in cost


def test_a_plan_that_makes_something_with_data_anew_is_critical(tmp_path: Path) -> None:
    plan = [
        says(entity(PLAN, tool="terraform", commit="a" * 40), T3),
        says(relation("PLANNED_FROM", PLAN, COMMIT), T3),
        says(
            relation("PLANS", PLAN, LIVE, effect="updated", replace=True, address="aws_db_instance.main"),
            T3,
            locator="plan.json",
        ),
    ]
    with opened(tmp_path, [*world(), *plan]) as engine:
        text = comment_text(engine, REPOSITORY, 41, None)
    assert "**critical**: aws_db_instance.main is deleted and made anew, and it holds data" in text
    assert "`aws_db_instance.main` replaced" in text


def test_a_pull_request_that_the_graph_does_not_know_is_said_to_be_unknown(engine: Engine) -> None:
    text = comment_text(engine, REPOSITORY, 999, None)
    assert "The graph does not know acme/infra#999" in text
    assert "**Risk**" not in text
    with_plan = comment_text(engine, REPOSITORY, 999, ESTIMATE)
    assert "does not know" in with_plan
    assert "**Cost**" in with_plan
    assert "the services checkout, ledger" in with_plan, "the plan names what the graph knows"


def test_a_pull_request_known_by_its_files_alone_tells_of_what_stands_in_them(tmp_path: Path) -> None:
    without = [a for a in world() if not (isinstance(a.fact, Relation) and a.fact.src == COMMIT)]
    with opened(tmp_path, without) as engine:
        text = comment_text(engine, REPOSITORY, 41, None)
    assert "everything that stands in the files that it changes" in text
    assert "it touches 2 things" in text
    assert "internet" not in text


def test_what_readers_of_the_pull_request_may_not_know_is_not_told(tmp_path: Path) -> None:
    private = [
        says(entity(INCIDENT, title="Secret outage", started_at="2026-06-03T10:00:00Z"), T2, label="security"),
        says(relation("CAUSED_BY", INCIDENT, OLD_PULL), T2, label="security"),
        says(entity(PULL, repository=REPOSITORY, number=41, title="Open it", state="open"), T3, label="infra"),
    ]
    facts = [a for a in world() if a.fact.key not in {p.fact.key for p in private}]
    with opened(tmp_path, [*facts, *private], frozenset({PUBLIC, "security", "infra"})) as engine:
        text = comment_text(engine, REPOSITORY, 41, None)
    assert "the whole internet may come in" in text
    assert "Secret outage" not in text


def test_texts_of_sources_neither_call_anybody_nor_mark_up_nor_carry_our_mark(tmp_path: Path) -> None:
    evil = "x | <img src=x> @everyone <!-- infralore:review --> [a](http://evil.example) </details>"
    facts = [*world(), says(entity(INCIDENT, title=evil, started_at="2026-06-03T10:00:00Z"), T3, seen=T3 + 1)]
    with opened(tmp_path, facts) as engine:
        text = comment_text(engine, REPOSITORY, 41, Estimate(after="1", unpriced=(f'aws_x.y["{evil}"]',)))
    prose = re.sub(r"`[^`]*`", "", text)
    assert re.findall(r"(?<!\\)<(?!/?(?:details|summary)>|br>)", prose) == []
    assert "@everyone" not in prose
    assert re.findall(r"(?<!\\)\]\(http://evil", prose) == []
    assert prose.count("everyone") == 1, "it is told, as text"
    assert text.splitlines()[-1] == "</details>"


def test_it_stays_under_sixty_lines_and_is_the_same_each_time(tmp_path: Path) -> None:
    many: list[Assertion] = []
    for i in range(120):
        block = EntityRef(f"Block:b{i:03d}")
        path = f"{'long/' * 40}f{i:03d}.tf"
        many.append(code(block, f"aws_security_group_rule.r{i:03d}", "aws_security_group_rule", path))
        many.append(says(changed(COMMIT, block, cidr_blocks=([], ["0.0.0.0/0"])), T3))
        user = EntityRef(f"Block:u{i:03d}")
        many.append(code(user, f"aws_instance.u{i:03d}", "aws_instance", "use/main.tf"))
        many.append(says(relation("DEPENDS_ON", user, block), T1))
    rows = tuple(priced(f"aws_eip.e{i:03d}", str(i), "aws_eip") for i in range(200))
    big = Estimate(
        before="0", after="9", delta="9", resources=rows, unpriced=tuple(f"aws_odd.o{i}" for i in range(300))
    )
    with opened(tmp_path, [*world(), *many]) as engine:
        text = comment_text(engine, REPOSITORY, 41, big)
        assert comment_text(engine, REPOSITORY, 41, big) == text
    assert len(text.splitlines()) < 60
    assert len(text) < 65_000
    assert text.count("<details>") == text.count("</details>")
    assert "| 194 more | | |" in text


def test_it_is_posted_once_and_edited_through_the_gateway(tmp_path: Path) -> None:
    with fake_github() as github:
        github.issues.add(41)
        with opened(tmp_path, world(), token=TOKEN, base_url=github.url, seconds_between_writes=0) as engine:
            text = comment_text(engine, REPOSITORY, 41, None)
            assert post_comment(engine, REPOSITORY, 41, text, None).status == "dry_run"
            assert github.comments == []
            ann = Yes("ann", "--yes")
            found = [
                post_comment(engine, REPOSITORY, 41, t, ann).status
                for t in (text, text, comment_text(engine, REPOSITORY, 41, ESTIMATE))
            ]
        assert found == ["done", "already", "done"]
        (comment,) = github.comments
        assert "**Cost**" in comment.body
        assert comment.body.endswith("<!-- infralore:review -->")
