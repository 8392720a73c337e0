"""Worlds of outages: the same each time, labels that agree with the files, distractors that distract, and a scorer that believes nothing but refs."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import yaml

from bench.outages import calibration_error, interval, run_world, summary
from bench.world.outage_baselines import bm25
from bench.world.outage_judge import Json, Outcome
from bench.world.outage_labels import STATE_DAYS
from bench.world.outage_model import Change, Outage
from bench.world.outages import OutageWorld, write_outages
from graph.store import GraphStore, Limits, View

WHOLE, WITHOUT_AUDIT = 18, 37
"""A world with all sources and every kind of cause, and one without an audit log."""
_NEVER = datetime.min.replace(tzinfo=UTC)


@pytest.fixture(scope="module", params=(WHOLE, WITHOUT_AUDIT))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[OutageWorld, Path]:
    directory = tmp_path_factory.mktemp("outages")
    return write_outages(cast("int", request.param), directory), directory


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and ".git" not in path.parts:
            digest.update(str(path.relative_to(directory)).encode() + path.read_bytes())
    for repository in sorted(directory.rglob(".git")):
        head = subprocess.run(
            ["git", "-C", str(repository.parent), "rev-parse", "main"], capture_output=True, check=True
        )
        digest.update(head.stdout)
    return digest.hexdigest()


def _strings(label: Mapping[str, object], name: str) -> list[str]:
    return [str(one) for one in cast("list[object]", cast("Json", label["cause"])[name])]


def _rows(label: Mapping[str, object], name: str) -> list[Json]:
    return cast("list[Json]", cast("Json", label["cause"])[name])


def _text(directory: Path, pattern: str) -> str:
    paths = [path for path in sorted(directory.glob(pattern)) if path.is_file()]
    texts = [gzip.decompress(p.read_bytes()).decode() if p.suffix == ".gz" else p.read_text() for p in paths]
    return "\n".join(texts)


def _distractors(world: OutageWorld, outage: Outage) -> list[Change]:
    changes = world.ran.tale.changes
    return [changes[key] for key in outage.distractors if key in changes]


# worlds


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(
    written: tuple[OutageWorld, Path], tmp_path: Path
) -> None:
    world, directory = written
    write_outages(world.seed, tmp_path / "again")
    assert _digest(tmp_path / "again") == _digest(directory)
    write_outages(world.seed + 1, tmp_path / "other")
    assert _digest(tmp_path / "other") != _digest(directory)


def test_a_world_has_the_promised_size(written: tuple[OutageWorld, Path]) -> None:
    world, _ = written
    assert 4 <= len(world.ran.topology.calls) <= 14
    assert 6 <= len(world.labels) <= 10
    assert {o.kind for o in world.ran.tale.outages} == {"config", "deploy", "manual", "expiry", "quota", "external"}
    assert all(0 <= o.hops <= 3 for o in world.ran.tale.outages)


def test_every_accepted_id_occurs_in_the_files(written: tuple[OutageWorld, Path]) -> None:
    world, directory = written
    commits = "".join(
        subprocess.run(["git", "-C", str(r), "rev-list", "--all"], capture_output=True, check=True, text=True).stdout
        for r in (directory / "repos").iterdir()
    )
    deployments = _text(directory, "deployments/*.jsonl")
    audit = _text(directory, "cloudtrail/**/*.json.gz")
    rollouts, certificates = _text(directory, "kubernetes/replicasets.json"), _text(directory, "secrets/*.json")
    files = [p.name for p in (directory / "secrets").iterdir()]
    told = _text(directory, "alerts/**/*.jsonl") + _text(directory, "kubernetes/events.json") + (directory / "quotas.json").read_text()  # fmt: skip
    for label in world.labels:
        assert all(sha in commits for sha in _strings(label, "shas"))
        for pull in _strings(label, "pull_requests"):
            repository, _, number = pull.partition("#")
            assert f"https://github.com/{repository}/pull/{number}" in _text(directory, f"github/repos/{repository}/**/*.json")  # fmt: skip
        assert all(f'"{identifier}"' in deployments for identifier in _strings(label, "deployments"))
        assert all(event in audit for event in _strings(label, "events"))
        for rollout in _rows(label, "rollouts"):
            assert f"/{rollout['service']}:{rollout['version']}" in rollouts
        for state in _rows(label, "states"):
            versions = [json.loads(p.read_text()) for p in (directory / "states/prod").iterdir()]
            assert any((v["serial"], v["lineage"]) == (state["serial"], state["lineage"]) for v in versions)
        if label["observable"] and label["kind"] == "expiry":
            names = _strings(label, "names")
            assert any(any(f.startswith(f"{n}-") for f in files) or f'"{n}"' in certificates for n in names)
        if label["observable"] and label["kind"] == "quota":
            assert any(name in told for name in _strings(label, "names"))


def test_a_cause_took_effect_before_it_was_seen_and_by_its_own_deployment(written: tuple[OutageWorld, Path]) -> None:
    world, _ = written
    tale = world.ran.tale
    for outage in tale.outages:
        if outage.effect_at is not None:
            assert outage.effect_at < outage.detected_at
        if outage.change:
            change = tale.changes[outage.change]
            assert change.merged_at < change.reached["prod"][1] == outage.effect_at
        if outage.hand:
            assert tale.hands[outage.hand].event_id
        if outage.kind == "expiry":
            good = [c for c in (*tale.certificates, *(s.certificate for s in tale.secrets)) if c.domain in outage.names]
            assert outage.effect_at in [c.not_after for c in good]


def test_at_least_three_distractors_are_newer_than_the_cause_and_older_than_the_detection(
    written: tuple[OutageWorld, Path],
) -> None:
    world, _ = written
    for outage in world.ran.tale.outages:
        newer = 0
        for key in outage.distractors:
            if key in world.ran.tale.hands:
                at = world.ran.tale.hands[key].at
            else:
                change = world.ran.tale.changes[key]
                in_prod = change.reached.get("prod")
                at = in_prod[1] if in_prod and in_prod[1] < outage.detected_at else change.merged_at
            newer += (outage.effect_at or _NEVER) < at < outage.detected_at
        assert newer >= 3


def test_what_is_said_to_be_out_of_prod_had_not_reached_it_and_some_others_had(
    written: tuple[OutageWorld, Path],
) -> None:
    world, _ = written
    for outage in world.ran.tale.outages:
        reached = 0
        for change in _distractors(world, outage):
            in_prod = "prod" in change.reached and change.reached["prod"][1] < outage.detected_at
            assert in_prod == (change.role not in ("not_deployed", "staging_only")), change.role
            reached += in_prod
        assert reached >= 1


def test_one_distractor_shares_more_words_with_the_symptom_than_the_cause_does(
    written: tuple[OutageWorld, Path],
) -> None:
    world, _ = written
    changes = world.ran.tale.changes

    def text(change: Change) -> str:
        files = world.ran.files[change.key]
        return "\n".join((change.title, change.body, *(f.path for f in files), *(f.patch for f in files)))

    caused = [o for o in world.ran.tale.outages if o.change]
    assert caused
    for outage in caused:
        lure = next(c for c in _distractors(world, outage) if c.role == "lure")
        assert bm25(outage.symptom, [text(changes[outage.change]), text(lure)])[0] == 1


def test_repair_and_post_mortem_come_after_the_detection_and_before_the_next_outage(
    written: tuple[OutageWorld, Path],
) -> None:
    world, directory = written
    tale = world.ran.tale
    repairs = [c for c in tale.changes.values() if c.role in ("fix", "taken_back")]
    assert repairs
    for change in repairs:
        before = [o for o in tale.outages if o.detected_at < change.created_at]
        assert before
        assert change.merged_at < (before[-1].recovered_at or _NEVER)
    log = ["git", "-C", str(directory / "handbook"), "log", "--format=%ct %s", "main"]
    lines = subprocess.run(log, capture_output=True, check=True, text=True).stdout.splitlines()
    for outage, following in zip(tale.outages, [*tale.outages[1:], None], strict=True):
        day = f"Post-mortem of {outage.detected_at:%Y-%m-%d}"
        written_at = [int(line.split()[0]) for line in lines if line.endswith(day)]
        assert bool(written_at) == outage.postmortem
        for at in written_at:
            assert outage.recovered_at is not None
            assert outage.recovered_at.timestamp() < at
            assert following is None or at < following.detected_at.timestamp()


def test_a_repeat_has_the_cause_of_the_first_and_a_wrong_memory_has_not(written: tuple[OutageWorld, Path]) -> None:
    world, _ = written
    by_id = {o.id: o for o in world.ran.tale.outages}
    for outage in by_id.values():
        if outage.repeat_of:
            first = by_id[outage.repeat_of]
            assert first.postmortem
            assert (first.mechanism, first.targets, first.service) == (outage.mechanism, outage.targets, outage.service)
        if outage.wrong_memory_of:
            first = by_id[outage.wrong_memory_of]
            assert (first.service, first.symptom_class) == (outage.service, outage.symptom_class)
            assert (first.mechanism, first.targets) != (outage.mechanism, outage.targets)


def test_a_missing_source_is_neither_configured_nor_on_disk_and_hides_what_only_it_tells(
    written: tuple[OutageWorld, Path],
) -> None:
    world, directory = written
    config = yaml.safe_load((directory / "lore.yaml").read_text())
    names = {name for entry in config["sources"] for name in entry}
    for part in world.missing:
        assert not (directory / part).exists()
        assert {"states": "terraform_state"}.get(part, part) not in names
    for label in world.labels:
        hidden = label["kind"] == "external" or (label["kind"] == "manual" and "cloudtrail" in world.missing)
        if label["kind"] in ("external", "manual", "config", "deploy"):
            assert label["observable"] != hidden
        assert bool(label["why_not_observable"]) != label["observable"]
        if not label["observable"]:
            assert not [i for name in ("shas", "events", "deployments") for i in _strings(label, name)]


def test_states_are_kept_by_the_calendar_and_not_by_what_happened(written: tuple[OutageWorld, Path]) -> None:
    world, _ = written
    spans = {(v.written_at - world.ran.tale.start).days // STATE_DAYS["prod"] for v in world.ran.states["prod"]}
    assert len(spans) > 4


# the scorer


@dataclass(frozen=True, slots=True)
class _Said:
    told: Json

    def to_json(self) -> str:
        return json.dumps(self.told)


class _Oracle:
    """Knows the labels and names each cause in one of the ways in which it may be named; `None` for what cannot be known."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.asked = 0

    def __call__(self, store: GraphStore, symptom: str, *, at: int, audience: frozenset[str]) -> _Said:
        labels = cast("list[Json]", json.loads((self._directory / "outages.json").read_text()))
        label = next(one for one in labels if one["symptom"] == symptom)
        self.asked += 1
        none: Json = {"verdict": "no_cause_found", "confidence": 0.2, "causes": [], "tree": {"steps": 9}}
        if not label["observable"]:
            return _Said(none)
        wrong = {"kind": "change", "change": {"kind": "commit", "id": "0" * 40, "repository": "x/y"}, "target": "", "probability": 0.1}  # fmt: skip
        right: Json = {"kind": "change", "target": "", "probability": 0.8, **self._named(label, store, View(at, None, audience))}  # fmt: skip
        return _Said({"verdict": "cause_found", "confidence": 0.8, "causes": [right, wrong], "tree": {"steps": 5}})

    def _named(self, label: Json, store: GraphStore, view: View) -> Json:
        names = {n.lower() for n in _strings(label, "names")}
        kinds = {"expiry": ("Credential",), "quota": ("Quota", "Alert", "ClusterEvent")}.get(str(label["kind"]), ())
        for kind in kinds:
            for one in store.select(kind, {}, view, Limits(rows=2_000)).items:
                told = {str(one.properties.get(n) or "").rpartition("/")[2].lower() for n in ("name", "reason")}
                if told & names:
                    return {"kind": label["kind"], "change": None, "target": one.ref}
        ways: list[Json] = [{"kind": "commit", "id": sha, "repository": ""} for sha in _strings(label, "shas")]
        for pull in _strings(label, "pull_requests"):
            repository, _, number = pull.partition("#")
            ways.append({"kind": "pull_request", "id": number, "repository": repository})
        ways += [{"kind": "deployment", "id": i, "repository": ""} for i in _strings(label, "deployments")]
        ways += [{"kind": "audit_event", "id": i, "repository": ""} for i in _strings(label, "events")]
        for state in _rows(label, "states"):
            ways.append({"kind": "state_version", "id": f"{state['lineage']}#{state['serial']}", "repository": ""})
        for rollout in _rows(label, "rollouts"):
            where = {"service": [str(rollout["service"])], "environment": ["prod"]}
            found = store.select("Deployment", where, view, Limits(rows=2_000)).items
            same = [d for d in found if d.properties.get("version") == rollout["version"] and d.properties.get("tool") == "kubernetes"]  # fmt: skip
            ways += [{"kind": "deployment", "id": str(d.properties["deployment_id"]), "repository": ""} for d in same]
        return {"change": ways[self.asked % len(ways)]}


def test_whoever_knows_the_causes_is_right_everywhere_in_whatever_way_they_are_named(tmp_path: Path) -> None:
    oracle = _Oracle(tmp_path / "world")
    result = run_world(WHOLE, tmp_path / "world", oracle)
    assert not result.troubles
    assert {o.kind for o in result.outcomes} == {"config", "deploy", "manual", "expiry", "quota", "external"}
    for outcome in result.outcomes:
        assert outcome.rank == (1 if outcome.observable else 0), outcome.shown
        assert outcome.abstained != outcome.observable
        assert outcome.kind not in ("expiry", "quota", "external") or not any((outcome.baselines or {}).values())
    again = [o for o in result.outcomes if o.repeat or o.wrong_memory]
    assert [(o.id, o.rank) for o in result.without] == [(o.id, o.rank) for o in again]
    assert oracle.asked == len(result.outcomes) + len(again)
    text = summary(result.outcomes, result.without)
    assert "1.000 (1.00-1.00)" in text
    assert "wrongly blamed: nothing" in text


OUTCOME = Outcome(1, "o1", "config", "x", True, 1, "cause_found", 0.9, 0.9, 7, 0.1, False, False)


def test_a_distractor_that_is_blamed_is_counted_as_such() -> None:
    blamed = replace(OUTCOME, rank=2, distracted_by="lure")
    assert "wrongly blamed: lure 2, something else 1" in summary([blamed, blamed, replace(OUTCOME, rank=0), OUTCOME])


def test_an_answer_with_the_right_cause_that_abstains_is_right_and_not_found() -> None:
    shy = replace(OUTCOME, verdict="insufficient_evidence")
    line = next(row for row in summary([shy]).splitlines() if row.startswith("config"))
    assert line.split()[2] == "1.000"
    assert line.split()[4] == "0.000"


def test_memory_that_leads_astray_is_shown_as_harm() -> None:
    before, after = replace(OUTCOME, wrong_memory=True), replace(OUTCOME, wrong_memory=True, rank=4)
    line = next(row for row in summary([after], [before]).splitlines() if row.startswith("alike, another cause"))
    assert line.split()[-1] == "1"
    assert "1.000" in line
    assert "0.000" in line


def test_calibration_error_is_the_gap_between_said_and_seen() -> None:
    assert calibration_error([replace(OUTCOME, probability=0.95)] * 4) == pytest.approx(0.05)
    assert calibration_error([replace(OUTCOME, probability=0.95, rank=0)] * 4) == pytest.approx(0.95)
    assert calibration_error([]) == 0


def test_intervals_draw_whole_worlds() -> None:
    mean, low, high = interval({1: [1.0] * 50, 2: [0.0] * 50})
    assert (mean, low, high) == (0.5, 0.0, 1.0)
