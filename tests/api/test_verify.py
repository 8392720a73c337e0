"""Every citation of the bundled company resolves; what was tampered with, removed or taken back is found."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from agent.investigation import Cause, EvidenceItem, Investigation, Node, Report, Tree, Window
from agent.memory_facts import InvestigationInputs
from agent.model import Citation
from agent.observations import Several
from agent.verify import citations_of, unlisted
from api import memory
from api.errors import UsageError
from api.git_locators import GitPlace, git_place
from api.settings import load
from api.verify import Verified, check, configured, verify
from api.wiring import Engine, redact_key, wall_clock
from examples.build import build
from graph.clock import SECOND, instant
from graph.model import EntityRef
from graph.observations import LogQuery
from graph.store import ChangeQuery, GraphStore, Limits, View
from ingest.observations.registry import open_observations

AT = "2026-05-19T14:30:00Z"


def engine_of(company: Path) -> Engine:
    """The company's engine, with its data beside it."""
    settings = load(company / "lore.yaml", {"XDG_DATA_HOME": str(company / "data")})
    return Engine(msgspec.structs.replace(settings, store=f"sqlite:///{company}/lore.db", embedder="none"))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company, read into a store; nobody writes to it."""
    directory = tmp_path_factory.mktemp("company")
    build(directory)
    with engine_of(directory) as engine:
        for report in engine.ingest(engine.configured_sources()):
            assert not report.error, f"{report.source}: {report.error}"
    return directory


@pytest.fixture
def engine(read: Path) -> Iterator[Engine]:
    """The company as it was read."""
    with engine_of(read) as opened:
        yield opened


@pytest.fixture
def copy(read: Path, tmp_path: Path) -> Path:
    """A copy of it, to be tampered with."""
    return Path(shutil.copytree(read, tmp_path / "company", symlinks=True))


def cite(source: str, locator: str, number: int = 1) -> Citation:
    """A citation."""
    return Citation(id=f"c{number}", source=source, locator=locator, url=None, observed_at=AT)


def places(store: GraphStore, source: str = "") -> list[Citation]:
    """Every place that the store cites, of one source or of all."""
    found: set[tuple[str, str]] = set()
    for line in store.dump():
        told: Mapping[str, object] = json.loads(line)
        if told.get("locator") and source in ("", told["source"]):
            found.add((str(told["source"]), str(told["locator"])))
    return [cite(name, locator, n) for n, (name, locator) in enumerate(sorted(found))]


def checked(engine: Engine, citations: Sequence[Citation]) -> dict[str, tuple[str, str]]:
    """What became of them, by locator."""
    key = redact_key(engine.settings.data_directory)
    found = check(citations, engine.store, configured(engine), now=wall_clock(), redact_key=key)
    assert found.keys() == {c.id for c in citations}
    return {c.locator: found[c.id] for c in citations}


def investigation(*citations: Citation, id: str = "inv_1") -> Investigation:
    """An investigation that cites these, each as evidence."""
    marks = tuple(c.id for c in citations)
    evidence = tuple(
        EvidenceItem(check="time_order", verdict="supports", weight=1.0, reason="before", citations=(m,)) for m in marks
    )
    cause = Cause(
        rank=1, kind="change", change=None, target="Service:checkout", mechanism="", probability=0.7, evidence=evidence
    )
    node = Node(id="h1", parent=None, claim="x", prior=0.2, posterior=0.7, status="supported", step=1)
    return Investigation(
        id=id, symptom="checkout returns 502", detected_at=AT, window=Window(since=AT, until=AT), verdict="cause_found",
        confidence=0.7, causes=(cause,), tree=Tree(nodes=(node,), steps=1, stopped="confidence"), unnamed=0.3,
        report=Report(root_cause="It was this [c1]."), citations=citations, as_of=AT,
    )  # fmt: skip


def inputs_of(engine: Engine) -> InvestigationInputs:
    """What it was run with."""
    return InvestigationInputs(symptom="checkout returns 502", at=AT, known_at=engine.store.record())


# -- the bundled company


def test_every_place_that_the_bundled_company_cites_resolves(engine: Engine) -> None:
    citations = places(engine.store)
    assert len(citations) > 3_500
    assert {c.source for c in citations} >= {"git", "slack", "cloudtrail", "alerts", "documents", "identity", "github"}
    assert {where: what for where, what in checked(engine, citations).items() if what[0] != "resolves"} == {}


def test_a_stored_investigation_is_verified_with_its_uses(copy: Path) -> None:
    with engine_of(copy) as engine:
        one = [places(engine.store, name)[0] for name in ("git", "slack", "alerts")]
        cited = [cite(c.source, c.locator, n) for n, c in enumerate(one, 1)]
        memory.keep(engine.store, investigation(*cited), inputs_of(engine), "public")
        rows = memory.verify(engine, "inv_1")
        assert [(r.id, r.status, r.is_finding) for r in rows] == [(f"c{n}", "resolves", False) for n in (1, 2, 3)]
        assert rows[0].used_in == ("causes[0].evidence[0].citations", "report.root_cause")
        with pytest.raises(UsageError, match="inv_nothing"):
            memory.verify(engine, "inv_nothing")


# -- tampered with


def test_a_message_that_was_edited_is_changed_and_a_deleted_one_missing(copy: Path) -> None:
    with engine_of(copy) as engine:
        # Replies: of a thread whose first message is deleted the rest remains.
        replies = sorted(c.locator for c in places(engine.store, "slack") if "thread_ts=" in c.locator)
        first, second, third = replies[:3]
        for file in (copy / "slack").glob("*/*.json"):
            messages = json.loads(file.read_text())
            kept = [m for m in messages if _stamp(m) not in second]
            for m in kept:
                if _stamp(m) in first:
                    m["text"] = "I never said that"
            file.write_text(json.dumps(kept))
        found = checked(engine, [cite("slack", one, n) for n, one in enumerate((first, second, third))])
        assert [found[one][0] for one in (first, second, third)] == ["changed", "missing", "resolves"]
        assert all(found[one][1] for one in (first, second))


def _stamp(message: Mapping[str, object]) -> str:
    return "/p" + str(message["ts"]).replace(".", "")


def test_an_audit_event_that_left_the_log_is_missing(copy: Path) -> None:
    with engine_of(copy) as engine:
        events = places(engine.store, "cloudtrail")
        log = next(f for f in sorted((copy / "cloudtrail").rglob("*.gz")))
        with gzip.open(log) as file:
            gone = {f"cloudtrail:{record['eventID']}" for record in json.load(file)["Records"]}
        log.unlink()
        found = checked(engine, events)
        assert gone & found.keys()
        assert {where for where, what in found.items() if what[0] == "missing"} == gone & found.keys()
        assert {what[0] for where, what in found.items() if where not in gone} == {"resolves"}


def test_commits_files_and_lines_that_are_not_there_are_missing(engine: Engine, read: Path) -> None:
    head = subprocess.run(
        ["git", "-C", str(read / "infra"), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    good = f"tealeaf-shop/infra@{head.stdout.strip()}"
    name = "docs/runbooks/checkout-502.md"
    bad = [f"tealeaf-shop/infra@{'1' * 40}", f"{good}:no/such.tf", f"{good}:{name}#L1-L9999", f"{good}:no\nsuch"]
    fine = [good, f"{good}:{name}", f"{good}:{name}#L1-L3", f"{good}:{name}#L2"]
    found = checked(engine, [cite("git", one, n) for n, one in enumerate([*bad, *fine])])
    assert [found[one][0] for one in bad] == ["missing"] * 4
    assert "only" in found[bad[2]][1]
    assert [found[one] for one in fine] == [("resolves", "")] * 4


def test_a_clone_that_is_not_there_is_no_proof_of_anything(copy: Path) -> None:
    with engine_of(copy) as engine:
        cited = places(engine.store, "git")[0]
        shutil.rmtree(copy / "infra")
        status, why = checked(engine, [cited])[cited.locator]
        assert (status, "no clone" in why) == ("cannot_check", True)


def test_what_came_through_an_api_or_from_nowhere_configured_cannot_be_checked(read: Path) -> None:
    with engine_of(read) as engine:
        slack = places(engine.store, "slack")[0]
    settings = msgspec.structs.replace(
        engine.settings, sources=({"slack": {"workspace": "https://tealeaf.slack.com"}},)
    )
    with Engine(settings) as engine:
        found = checked(engine, [slack, cite("cloudtrail", "cloudtrail:1", 99_999)])
    assert [status for status, _ in found.values()] == ["cannot_check"] * 2
    assert "API" in found[slack.locator][1]
    assert "lore.yaml" in found["cloudtrail:1"][1]


def test_a_source_that_cannot_be_read_now_is_said(copy: Path) -> None:
    with engine_of(copy) as engine:
        cited = places(engine.store, "kubernetes")
        for file in (copy / "kubernetes").rglob("*"):
            if file.is_file():
                file.write_text("<html>not found</html>")
        found = checked(engine, cited)
        assert {status for status, _ in found.values()} <= {"cannot_check", "missing"}
        assert all(why for _, why in found.values())


def test_a_line_of_a_log_is_read_again_through_its_backend(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    line = '{"at": "2026-05-19T14:00:00Z", "service": "checkout", "text": "502"}'
    (tmp_path / "logs" / "checkout.jsonl").write_text(line + "\n")
    backend = Several([open_observations("files", {"path": str(tmp_path)})])
    at = instant("2026-05-19T14:00:00Z")
    lines = backend.logs(LogQuery("checkout", at - 60 * SECOND, at + 60 * SECOND)).lines
    assert lines
    key = redact_key(engine.settings.data_directory)
    gone = lines[0].seen.locator.replace("L1", "L99")
    citations = [cite(lines[0].seen.source, lines[0].seen.locator), cite(lines[0].seen.source, gone, 2)]
    found = check(citations, engine.store, [], now=at, redact_key=key, observations=backend)
    assert found["c1"] == ("resolves", "")
    assert found["c2"][0] == "missing"


def test_a_mark_without_a_citation_is_found(engine: Engine) -> None:
    cited = places(engine.store, "git")[0]
    found = investigation(cite("git", cited.locator))
    broken = msgspec.structs.replace(found, report=Report(root_cause="It was this [c1][c7]."))
    assert [c.used_in for c in citations_of(broken)] == [("causes[0].evidence[0].citations", "report.root_cause")]
    assert unlisted(broken) == [("c7", ("report.root_cause",))]
    key = redact_key(engine.settings.data_directory)
    rows = verify(engine.store, broken, configured(engine), now=wall_clock(), redact_key=key)
    assert [(r.id, r.status) for r in rows] == [("c1", "resolves"), ("c7", "missing")]
    assert isinstance(rows[0], Verified)


@pytest.mark.parametrize(
    ("locator", "place"),
    [
        (f"a/b@{'a' * 40}", GitPlace("a/b", "a" * 40)),
        (f"a/b@{'a' * 40}:x#y.tf#L7", GitPlace("a/b", "a" * 40, "x#y.tf", 7, 7)),
        (f"a/b@{'a' * 64}:x y.tf", GitPlace("a/b", "a" * 64, "x y.tf")),
        ("prod/terraform.tfstate@16#aws_lb.a", None),
        ("tealeaf-shop/infra#12", None),
        (f"a/b@{'a' * 39}", None),
    ],
)
def test_a_locator_of_git_is_told_from_others(locator: str, place: GitPlace | None) -> None:
    assert git_place(locator) == place


# -- confirmed, taken back, replayed


def cause_in(engine: Engine) -> EntityRef:
    """A commit of the company that touched something."""
    query = ChangeQuery(until=instant(AT), target_kinds=frozenset({"Block"}))
    changes = engine.store.changes(query, View(), Limits(rows=50)).items
    return next(c.change for c in changes if c.change.kind == "Commit")


def test_confirming_verifying_and_retracting_by_what_people_type(copy: Path) -> None:
    with engine_of(copy) as engine:
        cause = cause_in(engine)
        memory.keep(
            engine.store, investigation(cite("git", f"tealeaf-shop/infra@{cause.id}")), inputs_of(engine), "public"
        )
        at = instant(AT) + 3_600 * SECOND
        learned = memory.confirm(engine.store, View(), "inv_1", str(cause), by="Maya Okafor", at=at, fix="rolled back")
        assert (learned.state, learned.fix, learned.confirmed_by) == ("confirmed", "rolled back", "Maya Okafor")
        place = f"learning:{learned.learning_id}"
        assert checked(engine, [cite("investigator", place)])[place] == ("resolves", "")
        assert memory.retract(engine.store, View(), learned.learning_id, by="Bob", reason="wrong", at=at + SECOND) == ()
        status, why = checked(engine, [cite("investigator", place)])[place]
        assert (status, "Bob" in why) == ("changed", True)
        assert memory.propose(engine.store, View(), "inv_1") is False


@pytest.mark.parametrize("cause", ["7", "no such thing", "Commit:" + "0" * 40])
def test_a_cause_that_is_none_is_a_mistake_of_usage(copy: Path, cause: str) -> None:
    with engine_of(copy) as engine:
        memory.keep(engine.store, investigation(), inputs_of(engine), "public")
        with pytest.raises(UsageError) as raised:
            memory.confirm(engine.store, View(), "inv_1", cause, by="Ann", at=instant(AT))
        assert raised.value.hint
        with pytest.raises(UsageError):
            memory.retract(engine.store, View(), "lrn_none", by="Ann", reason="", at=instant(AT))


def test_a_replay_sees_the_record_it_ran_on_and_a_what_if_hides_a_source(copy: Path) -> None:
    with engine_of(copy) as engine:
        kept = investigation()
        memory.keep(engine.store, kept, inputs_of(engine), "public")
        seen: list[tuple[View, int]] = []

        def run(confidence: float) -> Callable[[GraphStore, View, InvestigationInputs], Investigation]:
            def again(store: GraphStore, view: View, inputs: InvestigationInputs) -> Investigation:
                assert inputs.symptom == kept.symptom
                messages = store.select("Message", {}, view, Limits()).items
                seen.append((view, len(messages)))
                usage = msgspec.structs.replace(kept.usage, elapsed_s=9.0)
                return msgspec.structs.replace(kept, confidence=confidence, usage=usage)

            return again

        same = memory.replay(engine.store, View(), "inv_1", run(0.7))
        other = memory.replay(engine.store, View(), "inv_1", run(0.5), what_if="without:slack")
        assert same.differences == ()
        assert [(d.path, d.before, d.after) for d in other.differences] == [("confidence", "0.7", "0.5")]
        assert seen[0][1] > 0
        assert seen[1][1] == 0
        assert seen[0][0].known_at == engine.store.record() - 1
        for wrong in ("slack", "without:nothing"):
            with pytest.raises(UsageError):
                memory.replay(engine.store, View(), "inv_1", run(0.7), what_if=wrong)
