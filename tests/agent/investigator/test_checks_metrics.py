"""Whether metrics moved with a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agent.checks.metric_shift import CHECK
from agent.incident import Suspect
from agent.scene import Scene
from graph.clock import SECOND, Instant
from graph.observations import (
    AnswerStatus,
    EdgeAnswer,
    EdgeQuery,
    LogAnswer,
    LogQuery,
    MetricClass,
    Seen,
    Series,
    SeriesAnswer,
    SeriesQuery,
)
from tests.agent.investigator.checks_stage import (
    DATABASE,
    DETECTED,
    PLACES,
    Stage,
    asked,
    at,
    condition,
    suspect,
    symptom,
)

MINUTE: Instant = 60 * SECOND
Curve = Callable[[Instant], float]


class Metrics:
    """A backend whose series are functions of time."""

    def __init__(self, curves: Mapping[tuple[str, MetricClass], Curve], status: AnswerStatus = "ok") -> None:
        self._curves = curves
        self._status: AnswerStatus = status
        self.queries: list[SeriesQuery] = []

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        self.queries.append(query)
        if self._status != "ok":
            return SeriesAnswer(self._status, hint="the server does not answer")
        step = query.step_s * SECOND
        found: list[Series] = []
        for (name, metric), curve in sorted(self._curves.items()):
            if name in query.names and metric == query.metric:
                # Points after the end are the trap: nothing may read them.
                points = tuple((t, curve(t)) for t in range(query.since, query.until + 5 * step, step))
                seen = Seen("prometheus", f"query={name}_{metric}", None, query.until)
                found.append(Series(name, f"{name}_{metric}", (), "", "up", points, seen))
        return SeriesAnswer("ok" if found else "no_data", tuple(found))

    def logs(self, query: LogQuery, /) -> LogAnswer:
        return LogAnswer("no_data")

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        return EdgeAnswer("no_data")

    def resolves(self, source: str, locator: str, /) -> AnswerStatus | None:
        return "ok"


def rises(when: str) -> Curve:
    """Errors that jump at a moment, over a quiet wave."""
    return lambda t: (0.4 if t >= at(when) else 0.01) + 0.001 * ((t // MINUTE) % 3)


def flat(t: Instant) -> float:
    return 0.01 + 0.001 * ((t // MINUTE) % 3)


def changes(stage: Stage, *times: str) -> list[Suspect]:
    return [suspect(stage.commit(f"at {t}", t), t, reached={"prod": at(t)}) for t in times]


def with_metrics(scene: Scene, metrics: Metrics) -> Scene:
    scene.observations = metrics
    return scene


def test_the_change_at_which_the_metric_left_its_band_is_supported_and_those_after_it_are_not(tmp_path: Path) -> None:
    stage = Stage()
    some = changes(stage, "13:49", "13:20", "13:58", "2026-03-02T10:00:00Z")
    metrics = Metrics({("checkout", "errors"): rises("13:50")})
    with stage.scene(tmp_path, symptom("errors"), PLACES) as scene:
        near, half_an_hour, after, days = asked(CHECK, with_metrics(scene, metrics), *some)
    assert near.weight > 1
    assert "Errors of checkout left its band at 13:50 UTC" in near.reason
    assert "prometheus" in near.sources
    assert near.weight > half_an_hour.weight
    assert after.weight <= -1.5
    assert "before" in after.reason
    assert days.weight < 0
    assert days.weight > after.weight
    assert all(q.until == DETECTED for q in metrics.queries)


def test_each_series_is_asked_for_once_whatever_the_number_of_suspects(tmp_path: Path) -> None:
    stage = Stage()
    some = changes(stage, *(f"13:{m:02}" for m in range(10, 40)))
    metrics = Metrics({("checkout", "errors"): rises("13:50")})
    with stage.scene(tmp_path, symptom("errors"), PLACES) as scene:
        CHECK.weigh(with_metrics(scene, metrics), some)
    assert len(metrics.queries) == len({(q.metric, q.step_s) for q in metrics.queries}) <= 3


def test_nothing_after_the_symptom_is_read(tmp_path: Path) -> None:
    stage = Stage()
    some = changes(stage, "13:49")
    metrics = Metrics({("checkout", "errors"): lambda t: 0.9 if t >= DETECTED else flat(t)})
    with stage.scene(tmp_path, symptom("errors"), PLACES) as scene:
        (found,) = asked(CHECK, with_metrics(scene, metrics), *some)
    assert found.verdict == "inconclusive"


def test_a_metric_that_did_not_move_is_inconclusive_and_one_that_is_not_there_no_data(tmp_path: Path) -> None:
    stage = Stage()
    some = changes(stage, "13:49")
    with stage.scene(tmp_path, symptom("errors"), PLACES) as scene:
        (still,) = asked(CHECK, with_metrics(scene, Metrics({("checkout", "errors"): flat})), *some)
        (absent,) = asked(CHECK, with_metrics(scene, Metrics({})), *some)
        (down,) = asked(CHECK, with_metrics(scene, Metrics({}, "unavailable")), *some)
        scene.observations = None
        (none,) = asked(CHECK, scene, *some)
    assert still.verdict == "inconclusive"
    assert absent.verdict == down.verdict == none.verdict == "no_data"
    assert "the server does not answer" in down.reason


def test_a_part_that_got_worse_with_its_own_change_adds_to_it(tmp_path: Path) -> None:
    stage = Stage()
    change = stage.commit("pool", "13:40")
    one = suspect(change, "13:49", lies=PLACES[DATABASE], reached={"prod": at("13:49")})
    alone = Metrics({("checkout", "errors"): rises("13:50")})
    both = Metrics({("checkout", "errors"): rises("13:50"), ("orders-db", "errors"): rises("13:50")})
    quota = condition(DATABASE, "quota", "13:49")
    with stage.scene(tmp_path, symptom("errors"), PLACES) as scene:
        (first,) = asked(CHECK, with_metrics(scene, alone), one)
        (second,) = asked(CHECK, with_metrics(scene, both), one)
        (timeless,) = asked(CHECK, scene, quota)
    assert second.weight > first.weight > 0
    assert "Errors of orders-db got worse at 13:50 UTC" in second.reason
    assert timeless.verdict == "no_data"
