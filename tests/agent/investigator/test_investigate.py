"""From a symptom to a verdict on a small shop: found, abstained, not enough; the same again; nothing of the future, nothing hidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.investigate import Options, run
from agent.investigation import Investigation, Step
from agent.kept import same_tree
from graph.clock import DAY, SECOND, rfc3339
from graph.model import PUBLIC, ref
from graph.store import GraphStore
from graph.stores import open_store
from tests.agent.investigator.engine_story import AT, MINUTE, REPOSITORY, Story, asked, at, ranking, shop, told

GUILTY = "Ask the payment gateway twice before giving up"
ROOT = Path(__file__).parents[3]


def cited_everywhere(found: Investigation) -> None:
    """Every mark is a citation, and every citation has a place."""
    known = {c.id for c in found.citations}
    used = {m for c in found.causes for m in (*c.citations, *(i for e in c.evidence for i in e.citations))}
    used |= {m for one in found.report.timeline for m in one.citations}
    assert used <= known
    assert all(c.locator for c in found.citations)


# -- verdicts


def test_the_change_that_broke_it_is_found_with_who_made_it_and_how_it_is_taken_back() -> None:
    story, guilty = shop()
    with story.store() as store:
        found = asked(store).result
        first = found.causes[0]
        assert found.verdict == "cause_found"
        assert first.change is not None
        assert (first.change.kind, first.change.id, first.change.repository) == ("commit", guilty.commit.id, REPOSITORY)
        assert first.label == GUILTY
        assert found.confidence == first.probability >= 0.8
        assert (first.at, first.at_means) == ("2026-03-04T13:58:00Z", "deployed")
        assert first.target_label
        assert {c.kind for c in first.also} >= {"commit", "pull_request", "deployment"}
        assert "timeout" in first.mechanism
        assert found.rollback is not None
        assert found.rollback.command.startswith("git revert ")
        assert guilty.commit.id in found.rollback.command
        assert found.environment == "prod"
        assert {a.label for a in found.anchors} >= {"checkout", "CheckoutErrors"}
        cited_everywhere(found)


def test_the_author_is_named_and_not_who_merged_it() -> None:
    story, _ = shop()
    with story.store() as store:
        first = asked(store).result.causes[0]
        assert first.by == "Bea Breaker"


def test_probabilities_of_causes_and_unnamed_sum_to_one_and_ranks_count_up() -> None:
    story, _ = shop()
    with story.store() as store:
        found = asked(store).result
        assert sum(c.probability for c in found.causes) + found.unnamed == pytest.approx(1.0, abs=1e-5)
        assert [c.rank for c in found.causes] == list(range(1, len(found.causes) + 1))
        assert [p for _, p in ranking(found)] == sorted((p for _, p in ranking(found)), reverse=True)


def test_every_leaf_named_as_a_cause_is_a_node_and_every_step_is_told() -> None:
    story, _ = shop()
    seen: list[tuple[Step, str]] = []
    with story.store() as store:
        found = run(
            store,
            "checkout returns 502 in prod",
            at=AT,
            options=Options(seconds=None),
            on_step=lambda s, best: seen.append((s, best)),
        ).result
        nodes = {n.id: n for n in found.tree.nodes}
        assert {c.hypothesis for c in found.causes} <= set(nodes)
        for cause in found.causes:
            assert nodes[cause.hypothesis].posterior == cause.probability
        assert tuple(s for s, _ in seen) == found.tree.path
        assert [s.step for s in found.tree.path] == list(range(1, found.tree.steps + 1))
        assert seen[-1][1] == GUILTY
        assert all(n.parent in nodes for n in found.tree.nodes if n.parent is not None)


def test_without_anything_to_suspect_it_abstains() -> None:
    story = Story()
    story.service("checkout")
    with story.store() as store:
        found = asked(store).result
        assert found.verdict == "no_cause_found"
        assert (found.causes, found.unnamed, found.confidence) == ((), 1.0, 0.0)
        assert found.tree.stopped == "exhausted"
        assert found.rollback is None
        assert "No cause was found" in found.report.root_cause


def test_an_empty_store_gives_an_answer_all_the_same() -> None:
    with open_store("sqlite:///:memory:") as store:
        found = asked(store).result
        assert (found.verdict, found.causes, found.coverage) == ("no_cause_found", (), ())
        assert found.report.not_seen


def test_old_harmless_changes_are_not_called_a_cause() -> None:
    story = Story()
    for name in ("checkout", "search"):
        story.service(name)
    story.environment("prod")
    for day in range(1, 4):
        change = story.code(f"Sort the results {day}", f"2026-03-0{day}T09:00:00Z", "search/sort.py", added="sorted")
        story.deployed(f"1.{day}.0", f"2026-03-0{day}T10:00:00Z", service="search", commit=change.commit)
    with story.store() as store:
        found = asked(store).result
        assert found.verdict != "cause_found"
        assert found.causes
        assert found.confidence < 0.8


def test_two_alike_changes_of_the_same_minute_are_a_shortlist() -> None:
    story = Story()
    story.service("checkout", "payments", "ledger")
    story.service("payments")
    story.service("ledger")
    story.environment("prod")
    for name in ("payments", "ledger"):
        change = story.code(
            f"Shorten the timeout of {name}",
            "13:40",
            f"{name}/client.py",
            added="timeout = 0.05",
            removed="timeout = 5.0",
        )
        story.deployed("1.4.0", "13:58", service=name, commit=change.commit)
    with story.store() as store:
        found = asked(store).result
        assert found.verdict == "insufficient_evidence"
        assert {c.label for c in found.causes[:2]} == {f"Shorten the timeout of {n}" for n in ("payments", "ledger")}
        assert abs(found.causes[0].probability - found.causes[1].probability) < 0.2


def test_what_was_merged_and_never_deployed_is_not_the_cause() -> None:
    story, _ = shop()
    story.code(
        "Drop the gateway's retries",
        "14:01",
        "payments/client.py",
        added="raise GatewayError(502)\ntimeout = 0.01",
        removed="timeout = 5.0",
    )
    with story.store() as store:
        found = asked(store).result
        assert found.causes[0].label == GUILTY


def test_a_change_that_is_known_not_to_have_arrived_there_is_not_called_the_cause() -> None:
    story, _ = shop()
    with story.store() as store:
        found = asked(store, "checkout returns 502 in staging").result
        assert found.environment == "staging"
        [applied] = [e for e in found.causes[0].evidence if e.check == "applied"]
        assert applied.verdict != "refutes" or found.verdict != "cause_found"


def test_the_budget_of_steps_is_kept() -> None:
    story, _ = shop()
    with story.store() as store:
        found = asked(store, options=Options(steps=1, seconds=None)).result
        assert found.tree.steps == 1
        assert found.tree.stopped in ("budget", "confidence", "exhausted")
        none = asked(store, options=Options(seconds=0.0)).result
        assert (none.tree.steps, none.tree.stopped) == (0, "budget")


# -- the same again


def test_the_same_store_gives_the_same_twice() -> None:
    story, _ = shop()
    with story.store() as store:
        one, other = asked(store), asked(store)
        assert same_tree(one.result, other.result) == ()
        assert one.inputs == other.inputs
        assert one.result.id == other.result.id


def test_facts_that_arrive_in_another_order_give_the_same() -> None:
    story, _ = shop()
    seen: list[str] = []
    for seed in (1, 2, 3):
        with open_store("sqlite:///:memory:") as store:
            story.into(store, seed=seed)
            seen.append(told(asked(store).result))
    assert seen[0] == seen[1] == seen[2]


def test_another_process_with_another_hash_seed_gives_the_same(tmp_path: Path) -> None:
    story, _ = shop()
    with open_store(f"sqlite:///{tmp_path / 'lore.db'}") as store:
        story.into(store)
    program = (
        "import sys\nfrom graph.stores import open_store\nfrom tests.agent.investigator.engine_story import asked, told\n"
        "with open_store(sys.argv[1]) as store:\n    print(told(asked(store, 'checkout and payments return 502').result))\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'lore.db'}"],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True, timeout=60,  # noqa: TID251 - of this test process
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1]
    assert json.loads(said[0])["causes"]


def test_the_id_is_that_of_what_was_asked_and_not_of_what_was_found() -> None:
    story, _ = shop()
    with story.store() as store:
        first = asked(store)
        assert asked(store, "payments is slow").result.id != first.result.id
        assert asked(store, moment=AT + MINUTE).result.id != first.result.id
        assert asked(store, options=Options(seconds=None, window_s=3_600)).result.id != first.result.id
        assert first.result.id.startswith("inv_")


# -- the future


def future(story: Story) -> None:
    """What became known after the symptom: a revert, a recovery, talk, a newer change, a renewed certificate."""
    story.code(f'Revert "{GUILTY}"', "14:20", "payments/client.py", added="timeout = 5.0", removed="timeout = 0.05")
    story.deployed("1.4.1", "14:30", service="payments")
    story.alert(
        "PaymentsErrors", "14:06", ref("Service", "payments"), service="payments", summary="payments returns 502"
    )
    story.thing(
        "catalog", "Credential", "c", AT + MINUTE, type="certificate", name="checkout", expires_at=rfc3339(AT - MINUTE)
    )
    story.code("Checkout returns 502 because of this", rfc3339(AT + SECOND), "checkout/main.py", added="status=502")


def test_what_took_effect_after_the_moment_of_the_symptom_changes_nothing() -> None:
    story, _ = shop()
    with open_store("sqlite:///:memory:") as store:
        story.into(store)
        before = asked(store).result
        future(story)
        story.into(store, seed=5, fresh=AT + DAY)
        after = asked(store).result
        assert told(after) == told(before)
        later = asked(store, moment=AT + DAY).result
        assert told(later) != told(before)


def test_what_took_effect_at_that_very_moment_is_seen() -> None:
    story, _ = shop()
    story.deployed("9.9.9", "14:05", service="checkout")
    with story.store() as store:
        found = asked(store).result
        assert "Deploy checkout 9.9.9 to prod" in {c.label for c in found.causes}


# -- who may see what


def test_what_is_hidden_from_the_asker_changes_nothing_and_is_not_cited() -> None:
    def world(*, secret: bool) -> tuple[GraphStore, Story]:
        story, _ = shop()
        if secret:
            story.code(
                "Checkout returns 502 since this", "14:00", "checkout/main.py", added="status = 502", by="Hidden Hand", label="security",
            )  # fmt: skip
        store = open_store("sqlite:///:memory:")
        story.into(store)
        return store, story

    plain, _ = world(secret=False)
    full, _ = world(secret=True)
    with plain, full:
        public = asked(full).result
        assert ranking(public) == ranking(asked(plain).result)
        assert public.tree == asked(plain).result.tree
        assert "Hidden Hand" not in public.to_json()
        assert "since this" not in public.to_json()
        insider = asked(full, audience=frozenset({PUBLIC, "security"})).result
        assert "since this" in insider.to_json()


def test_an_unknown_label_sees_no_more_and_nobody_sees_nothing() -> None:
    story, _ = shop()
    with story.store() as store:
        assert ranking(asked(store, audience=frozenset({PUBLIC, "nothing"})).result) == ranking(asked(store).result)
        nobody = asked(store, audience=frozenset({"nothing"})).result
        assert (nobody.causes, nobody.citations) == ((), ())


# -- what it was run with


def test_the_inputs_name_the_causes_and_how_far_sources_were_read() -> None:
    story, guilty = shop()
    with story.store() as store:
        done = asked(store)
        assert done.inputs.causes[0].change == guilty.commit
        assert len(done.inputs.causes) == len(done.result.causes)
        assert done.inputs.scopes is not None
        assert {(s.source, s.scope) for s in done.inputs.scopes} == {
            (c.source.partition(":")[0], c.source.partition(":")[2]) for c in done.result.coverage
        }
        assert done.inputs.known_at == store.record()
        assert at("14:05") == AT
