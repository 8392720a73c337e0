"""Documents: types, sections, links and services; a post-mortem as an incident; what a changed repository tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.formats.documents import Postmortem, Runbook, postmortem_markdown, postmortem_name, runbook_markdown
from graph.clock import SECOND, Instant, instant
from graph.model import Alias, Assertion, Entity, FactBatch, Passage, Relation
from graph.store import Limits, View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.documents.facts import document_ref
from ingest.sources.documents.markdown import parse, pieces
from ingest.sources.documents.postmortem import moment, read_postmortem
from ingest.sources.documents.source import DocumentsSettings, DocumentsSource
from ingest.sync import Retry, sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, fresh_store
from tests.ingest.git.repo_builder import HOUR_S, START_S, RepoBuilder

SHA = "0123456789abcdef0123456789abcdef01234567"
NAME = "shop/handbook"
POSTMORTEM = f"""---
title: "Post-mortem: checkout down"
service: Checkout API
severity: SEV1
started_at: 2026-02-03T10:00:00Z
---
- **Resolved:** 2026-02-03 10:42 UTC
- **Environment:** production

## Summary

Orders failed, see [the runbook](../runbooks/checkout.md) and shop/web#9.

## Root cause

The health check path changed in shop/infra#12.

### Details

Merged as {SHA}.

## 4. Resolution:

Reverted by shop/infra#13.
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def source(path: Path, **settings: object) -> DocumentsSource:
    return DocumentsSource(DocumentsSettings(str(path), **{"name": NAME, **settings}))  # type: ignore[arg-type]


def pulled(path: Path, cursor: str | None = None, now: Instant = NOW, **settings: object) -> list[FactBatch]:
    return list(source(path, **settings).pull(cursor, now))


def told(found: Sequence[FactBatch]) -> list[Assertion]:
    return [a for batch in found for a in batch.assertions]


def edges(found: Sequence[FactBatch], type_: str, path: str = "") -> set[str]:
    return {
        a.fact.dst
        for a in told(found)
        if isinstance(a.fact, Relation)
        and a.fact.type == type_
        and (not path or a.fact.src == document_ref(NAME, path))
    }


def entities(found: Sequence[FactBatch], kind: str) -> list[tuple[Instant, Entity]]:
    listed = [(a.valid_from, a.fact) for a in told(found) if isinstance(a.fact, Entity) and a.fact.ref.kind == kind]
    return sorted(listed, key=lambda item: item[0])


def passages(found: Sequence[FactBatch]) -> list[tuple[str, str, str]]:
    return [(a.fact.slot, a.fact.text, a.locator) for a in told(found) if isinstance(a.fact, Passage)]


class TestContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        repo = RepoBuilder(directory / "handbook") if not (directory / "handbook").exists() else None
        if repo is not None:
            repo.commit(
                "one",
                {
                    "postmortems/2026-02-03-checkout.md": POSTMORTEM,
                    "runbooks/checkout.md": f"# Checkout\n\nService: checkout\n\n    export DB_PASSWORD={CANARY}\n",
                    "README.md": f"# Handbook\n\npostgres://app:{CANARY}@db/shop\n",
                },
            )
        return source(directory / "handbook")

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nowhere")
        (directory / "file.md").write_text("x")
        yield source(directory / "file.md")
        (directory / "plain").mkdir()
        yield source(directory / "plain", rev="main")
        yield source(directory / "plain", include=("!",))


def test_a_post_mortem_is_an_incident_with_its_cause_and_its_fix(tmp_path: Path) -> None:
    path = "postmortems/2026-02-03-checkout.md"
    repo = RepoBuilder(tmp_path / "handbook")
    tip = repo.commit("one", {path: POSTMORTEM, "runbooks/checkout.md": "# Checkout"}, at_s=1_775_000_000)
    found = pulled(repo.path)
    versions = entities(found, "Incident")
    began, ended, written = [at for at, _ in versions]
    assert (began, ended) == (instant("2026-02-03T10:00:00Z"), instant("2026-02-03T10:42:00Z"))
    assert written == 1_775_000_000 * SECOND
    first, second, last = [e.properties for _, e in versions]
    assert (first["state"], second["state"], last["state"]) == ("triggered", "resolved", "resolved")
    assert not {"cause", "fix", "resolved_at"} & set(first)
    assert "cause" not in second
    # Its title is hindsight too: "outage because of an expired certificate".
    assert {str(v["title"]) for v in (first, second)} == {"Incident checkout-api"}
    assert [a.valid_from for a in told(found) if isinstance(a.fact, Alias) and a.fact.name == "checkout down"] == [
        written
    ]
    assert (last["title"], last["severity"], last["service"], last["environment"], last["system"]) == (
        "checkout down",
        "SEV1",
        "checkout-api",
        "prod",
        "documents",
    )
    assert str(last["cause"]).startswith("The health check path changed")
    assert SHA in str(last["cause"])
    assert last["fix"] == "Reverted by shop/infra#13."
    assert edges(found, "CAUSED_BY") == {names.pull_request("shop/infra", 12), names.commit(SHA)}
    assert edges(found, "FIXED_BY") == {names.pull_request("shop/infra", 13)}
    [incident] = {e.ref for _, e in versions}
    assert edges(found, "ABOUT") == {names.service("checkout-api"), incident}
    assert edges(found, "MENTIONS", path) == {
        document_ref(NAME, "runbooks/checkout.md"),
        *(names.pull_request("shop/infra", n) for n in (12, 13)),
        names.pull_request("shop/web", 9),
        names.commit(SHA),
    }
    [cause] = [
        a
        for a in told(found)
        if isinstance(a.fact, Relation) and a.fact.dst == names.commit(SHA) and a.fact.type == "CAUSED_BY"
    ]
    assert cause.locator == f"{NAME}@{tip}:{path}#L18-L21"
    assert cause.fact.properties["rule"] == "postmortem"  # type: ignore[union-attr]


def test_the_store_knows_the_cause_only_since_it_was_written(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "handbook")
    repo.commit("one", {"postmortems/2026-02-03-checkout.md": POSTMORTEM}, at_s=1_775_000_000)
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(repo.path), NOW, KEY, processes="none").error is None
        incident = names.incident("documents", f"{NAME}:postmortems/2026-02-03-checkout.md")
        for at, state, knows in (
            ("2026-02-03T10:10:00Z", "triggered", False),
            ("2026-02-04T00:00:00Z", "resolved", False),
            ("2026-04-10T00:00:00Z", "resolved", True),
        ):
            view = View(as_of=instant(at))
            entity = store.entity(incident, view)
            assert entity is not None
            assert entity.properties["state"] == state
            assert ("cause" in entity.properties) is knows
            assert store.entity(document_ref(NAME, "postmortems/2026-02-03-checkout.md"), view) is not None or not knows
        assert [h.ref.kind for h in store.search_text("health check path", View(), Limits()).items] == ["Document"]


def test_what_the_generators_write_is_read(tmp_path: Path) -> None:
    postmortem = Postmortem(
        title="Search slow",
        incident="P100",
        severity="SEV2",
        started_at=datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
        resolved_at=datetime(2026, 3, 1, 10, 0, tzinfo=UTC),
        authors=("Ada",),
        service="search",
        summary="slow",
        impact="some",
        root_cause="A security group, shop/infra#44",
        resolution="Opened it again, shop/infra#45",
        url="https://shop.pagerduty.com/incidents/PABC123",
    )
    runbook = Runbook("Search is slow", "search", "p99 is high", ("look", "restart"))
    files = {
        f"postmortems/{postmortem_name(postmortem)}": postmortem_markdown(postmortem),
        "runbooks/search.md": runbook_markdown(runbook),
    }
    found = pulled(write(tmp_path, files))
    _, incident = entities(found, "Incident")[-1]
    assert incident.properties["title"] == "Search slow"
    assert incident.properties["incident_id"] == "P100"
    assert incident.properties["started_at"] == "2026-03-01T09:05:00Z"
    assert incident.properties["resolved_at"] == "2026-03-01T10:00:00Z"
    assert edges(found, "CAUSED_BY") == {names.pull_request("shop/infra", 44)}
    assert edges(found, "FIXED_BY") == {names.pull_request("shop/infra", 45)}
    assert names.incident("pagerduty", "PABC123") in edges(found, "MENTIONS")
    assert {str(e.properties["type"]) for _, e in entities(found, "Document")} == {"postmortem", "runbook"}
    assert edges(found, "ABOUT", "runbooks/search.md") == {names.service("search")}


@pytest.mark.parametrize(
    ("path", "text", "type_"),
    [
        ("runbooks/a.md", "x", "runbook"),
        ("docs/adr/0001-use-nlb.md", "x", "decision"),
        ("docs/postmortem-checkout.md", "x", "postmortem"),
        ("docs/a.md", "# Postmortem: checkout", "postmortem"),
        ("docs/a.md", "# Checkout post-mortem", "postmortem"),
        ("docs/a.md", "---\ntype: ADR\n---\nx", "decision"),
        ("docs/a.md", "---\ntype: how-to\n---\nx", "how-to"),
        ("docs/a.md", "# Runbook checkout", "runbook"),
        ("README.md", "# x", "readme"),
        ("docs/a.md", "# adrift", "document"),
    ],
)
def test_the_type_comes_from_front_matter_path_or_title(path: str, text: str, type_: str, tmp_path: Path) -> None:
    found = pulled(write(tmp_path, {path: text}))
    assert [e.properties["type"] for _, e in entities(found, "Document")] == [type_]


def test_sections_are_passages_under_their_headings_with_their_lines(tmp_path: Path) -> None:
    text = "intro\n\n# A *title*\n\none\n\n## B\n\n```\n# no heading\n```\n\nC\n---\n\ntwo\n\n# D\n"
    found = pulled(write(tmp_path, {"docs/a.md": text}))
    assert passages(found) == [
        ("1:", "intro", "docs/a.md#L1"),
        ("2:A *title*", "A *title*\n\none", "docs/a.md#L5"),
        ("3:A *title* > B", "A *title* > B\n\n```\n# no heading\n```", "docs/a.md#L9-L11"),
        ("4:A *title* > C", "A *title* > C\n\ntwo", "docs/a.md#L16"),
    ]


def test_a_long_section_is_split_between_paragraphs_and_no_word_is_lost(tmp_path: Path) -> None:
    paragraphs = [f"paragraph {n} " + "word " * 60 for n in range(40)]
    long_line = "x" * 9_000
    text = (
        "# Long\n\n"
        + "\n\n".join(paragraphs)
        + f"\n\n{long_line}\n\n```\n"
        + "\n\n".join("code" * 100 for _ in range(9))
        + "\n```\n"
    )
    found = pulled(write(tmp_path, {"docs/a.md": text}))
    parts = passages(found)
    assert all(len(t) < 12_100 for _, t, _ in parts)
    assert len([t for _, t, _ in parts if len(t) < 1_700]) > 8
    joined = "\n".join(t for _, t, _ in parts)
    assert all(p.strip() in joined for p in paragraphs)
    assert long_line in joined
    lines = text.split("\n")
    for _, body, locator in parts[:5]:
        first, last = locator.rpartition("#L")[2].split("-L")
        assert body.partition("\n\n")[2] == "\n".join(lines[int(first) - 1 : int(last)]).strip("\n")


def test_links_between_documents_lead_to_documents_and_nowhere_else(tmp_path: Path) -> None:
    text = "[a](b.md#x) [b](/docs/b.md) [c](../runbooks/r%20x.md) [d](gone.md) [e](../../../etc/passwd) [f](https://x/b.md) [g](sub)\n\n[h]: ../README.md\n"
    files = {"docs/a.md": text, "docs/b.md": "x", "runbooks/r x.md": "x", "README.md": "x", "docs/sub/README.md": "x"}
    found = pulled(write(tmp_path, files), include=("docs/**/*.md", "runbooks/**/*.md", "README.md"))
    assert edges(found, "MENTIONS", "docs/a.md") == {
        document_ref(NAME, p) for p in ("docs/b.md", "runbooks/r x.md", "README.md", "docs/sub/README.md")
    }


def test_a_service_is_told_by_front_matter_by_a_line_by_settings_and_by_the_path(tmp_path: Path) -> None:
    files = {
        "docs/a.md": "---\nservices: [Checkout, search]\n---\nx",
        "docs/b.md": "# B\n\n**Service:** `payments`\n",
        "docs/teams/c.md": "x",
        "services/mail/README.md": "x",
        "docs/d.md": "# D\n\n## Later\n\nService: not-this\n",
    }
    found = pulled(write(tmp_path, files), services={"docs/teams": "identity"})
    about = {path: edges(found, "ABOUT", path) for path in files}
    assert about == {
        "docs/a.md": {names.service("checkout"), names.service("search")},
        "docs/b.md": {names.service("payments")},
        "docs/teams/c.md": {names.service("identity")},
        "services/mail/README.md": {names.service("mail")},
        "docs/d.md": set(),
    }
    assert {a.fact.name for a in told(found) if isinstance(a.fact, Alias) and a.fact.ref.kind == "Service"} == {
        "checkout",
        "search",
        "payments",
        "identity",
        "mail",
    }


def test_each_document_holds_since_its_own_last_change_and_a_removed_one_ends(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "handbook")
    repo.commit("one", {"docs/a.md": "# A\n\nfirst", "docs/b.md": "# B\n\nsecond"})
    a, b = document_ref(NAME, "docs/a.md"), document_ref(NAME, "docs/b.md")
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(repo.path), NOW, KEY, processes="none").error is None
        repo.commit("two", {"docs/a.md": "# A\n\nthird", "docs/b.md": None})
        report = sync(store, source(repo.path), NOW + SECOND, KEY, processes="none")
        assert report.error is None
        for hours, texts in ((1, {"first", "second"}), (2, {"third"})):
            view = View(as_of=(START_S + hours * HOUR_S) * SECOND)
            hits = store.search_text("first second third", view, Limits()).items
            assert {h.text.rpartition("\n")[2] for h in hits} == texts
        assert store.entity(a, View()) is not None
        assert store.entity(b, View()) is None
        repo.commit("three", {"main.tf": "x"})
        assert sync(store, source(repo.path), NOW + 2 * SECOND, KEY, processes="none").assertions == 0


def test_a_revision_that_goes_back_is_told_as_of_now(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "handbook")
    repo.commit("one", {"docs/a.md": "old"})
    repo.commit("two", {"docs/a.md": "new"})
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(repo.path), NOW, KEY, processes="none").error is None
        repo.git("reset", "-q", "--hard", "HEAD~1")
        report = sync(store, source(repo.path), NOW + SECOND, KEY, retry=Retry(attempts=1), processes="none")
        assert report.error is None
        assert [h.text for h in store.search_text("old new", View(as_of=NOW + 2 * SECOND), Limits()).items] == ["old"]


def test_a_directory_that_changed_is_told_anew(tmp_path: Path) -> None:
    root = write(tmp_path / "docs-root", {"docs/a.md": "before", "docs/b.md": "same"})
    with fresh_store(tmp_path, "store") as store:
        sync(store, source(root), NOW, KEY, processes="none")
        write(root, {"docs/a.md": "after"})
        sync(store, source(root), NOW + 60 * SECOND, KEY, processes="none")
        for at, text in ((NOW + SECOND, "before"), (NOW + 61 * SECOND, "after")):
            assert [h.text for h in store.search_text("before after", View(as_of=at), Limits()).items] == [text]


def test_a_file_that_cannot_be_read_is_noted_once(tmp_path: Path) -> None:
    root = write(tmp_path, {"docs/a.md": "x", "docs/b.md": "y" * 2_000_001})
    found = pulled(root)
    assert [q.locator for b in found for q in b.quarantined] == ["docs/b.md"]
    assert not [q for b in pulled(root, found[-1].cursor) for q in b.quarantined]


def test_other_settings_tell_it_again(tmp_path: Path) -> None:
    root = write(tmp_path, {"docs/a.md": "x"})
    first = pulled(root)
    assert not told(pulled(root, first[-1].cursor, NOW + 1))
    assert told(pulled(root, first[-1].cursor, NOW + 1, services={"docs": "checkout"}))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-02-03 10:42 UTC", "2026-02-03T10:42:00Z"),
        ("2026-02-03T10:42:07Z", "2026-02-03T10:42:07Z"),
        ("2026-02-03 9:42 +0200", "2026-02-03T07:42:00Z"),
        ("around 2026-02-03, 10:42 (detected later)", "2026-02-03T10:42:00Z"),
        ("2026-02-03", "2026-02-03T00:00:00Z"),
        ("2026-02-31 10:00", None),
        ("yesterday", None),
    ],
)
def test_times_are_read_as_people_write_them(text: str, at: str | None) -> None:
    assert moment(text) == (instant(at) if at is not None else None)


def test_an_end_before_the_beginning_is_not_believed_and_the_name_gives_the_day() -> None:
    read = read_postmortem(parse("# X\n\nStarted: 2026-02-03\nResolved: 2026-02-02\n"), "postmortems/x.md")
    assert (read.started_at, read.resolved_at) == (instant("2026-02-03"), None)
    assert read_postmortem(parse("# X"), "postmortems/2026-01-05-x.md").started_at == instant("2026-01-05")


@pytest.mark.parametrize(
    "text", ["---\n: [\n---\n# A", "---\n- a\n---\n", "---\nopen", "", "\n\n", "```\n# a", "# ", "a\n=\n"]
)
def test_odd_files_are_read_without_complaint(text: str) -> None:
    read = parse(text)
    words = "".join(piece.text for section in read.sections for piece in pieces(section))
    assert all(part in text for part in words.split())
    assert read.fields == {}


def test_a_hostile_file_is_read_in_time(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("[" * 50_000, "# " * 50_000, "- a: " * 20_000, "[a](" * 30_000, "|a" * 50_000, "`" * 50_001)
    ):
        write(tmp_path, {f"docs/{number}.md": text})
    assert told(pulled(tmp_path))


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="cursor"):
        pulled(write(tmp_path, {"docs/a.md": "x"}), '{"taken_at": "x"}')
