"""`lore investigate` and what follows it, as a user runs them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from agent.investigation import Investigation
from examples.git_writer import GitWriter
from graph.clock import instant
from graph.model import FactBatch
from graph.stores import open_store
from tests.agent.investigator.engine_story import AT, shop
from tests.api.lore import ANN, BOB, ESCAPES, LISTENER, RULE, Lore, Ran, day, history, hostile, repository
from tests.api.lore import NAME as REPOSITORY

SYMPTOM = "the api rule of the load balancer returns 502"
WHEN = ("--at", "2024-02-01T12:00:00Z")
ASKED = ("investigate", SYMPTOM, *WHEN, "--no-sync")


def investigated(lore: Lore, *more: str) -> Investigation:
    """The investigation of the rule, as JSON tells it."""
    ran = lore(*ASKED, "-o", "json", *more)
    assert ran.code == 0, ran
    assert ran.err == ""
    return Investigation.from_json(ran.out)


def configured(lore: Lore, clone: Path) -> Path:
    """A configuration that names the clone."""
    path = lore.home / "lore.yaml"
    path.write_text(f"sources:\n  - git: {{path: {clone}, name: {REPOSITORY}}}\n")
    return path


# -- what is printed


def test_the_answer_begins_with_the_verdict_the_suspect_and_how_to_take_it_back(lore: Lore) -> None:
    ran = lore(*ASKED)
    assert (ran.code, ran.err) == (0, "")
    first = "\n".join(ran.out.splitlines()[:15])
    assert "Raise the API's priority" in first
    assert "Bob" in first
    assert "git revert" in first
    assert "Not seen" in first


def test_json_is_the_contract_and_the_stored_one_is_the_same(lore: Lore) -> None:
    found = investigated(lore)
    assert found.schema == "lore.investigation/1"
    assert found.as_of == "2024-02-01T12:00:00Z"
    assert found.causes[0].label == "Raise the API's priority"
    again = lore("show", found.id, "-o", "json")
    shown = Investigation.from_json(again.out)
    assert shown.causes == found.causes
    assert shown.tree == found.tree


def test_markdown_slack_and_svg_tell_the_same_cause(lore: Lore) -> None:
    title = "Raise the API's priority"
    markdown = lore(*ASKED, "-o", "markdown").out
    assert markdown.startswith("# ")
    assert "Raise the API" in markdown
    blocks = json.loads(lore(*ASKED, "-o", "slack").out)["blocks"]
    assert title in json.dumps(blocks, ensure_ascii=False)
    svg = ElementTree.fromstring(lore(*ASKED, "-o", "svg").out)
    assert svg.tag.endswith("svg")
    assert "Raise the API" in "".join(svg.itertext())


def test_the_tree_and_the_steps_come_on_request(lore: Lore) -> None:
    plain, tree, steps = (lore(*ASKED, *more).out for more in ((), ("--tree",), ("--tree", "--steps")))
    assert "Hypotheses (" not in plain
    assert "Hypotheses (" in tree
    assert len(steps) > len(tree)


def test_words_of_the_symptom_may_come_apart_and_be_few(lore: Lore) -> None:
    apart = lore("investigate", *SYMPTOM.split(), *WHEN, "--no-sync", "-o", "json")
    assert Investigation.from_json(apart.out).symptom == SYMPTOM
    assert lore("investigate", "", *WHEN, "--no-sync").code == 0
    assert lore("investigate", ESCAPES, *WHEN, "--no-sync").code == 0


def test_nothing_of_a_repository_acts_on_the_terminal(tmp_path: Path) -> None:
    lore = Lore(tmp_path)
    assert lore("ingest", "git", repository(tmp_path / "evil", hostile(), "acme/evil")).code == 0
    for form in ("text", "json", "markdown", "slack", "svg"):
        ran = lore(
            "investigate",
            f"the api rule {ESCAPES} fails",
            "--at",
            "2024-01-01T12:00:00Z",
            "--no-sync",
            "--tree",
            "-o",
            form,
        )
        assert ran.code == 0, ran.err
        for sign in ("\x1b", "\x07", "\x9b", "\u202e"):
            assert sign not in ran.out, form
            assert sign not in ran.err, form


# -- when


def test_what_took_effect_after_at_is_not_seen(lore: Lore) -> None:
    before = lore("investigate", SYMPTOM, "--at", "2024-01-15", "--no-sync", "-o", "json", "--window", "30")
    found = Investigation.from_json(before.out)
    assert [c.label for c in found.causes] == ["Add the API's rule"]
    assert "Raise" not in before.out


@pytest.mark.parametrize("text", ["2024-02-01T12:00:00Z", "2024-02-01T13:00:00+01:00", "2024-02-01 12:00"])
def test_at_takes_the_usual_forms_of_a_time(lore: Lore, text: str) -> None:
    ran = lore("investigate", SYMPTOM, "--at", text, "--no-sync", "-o", "json")
    assert Investigation.from_json(ran.out).detected_at == "2024-02-01T12:00:00Z"


def test_at_the_beginning_of_time_is_not_now(lore: Lore) -> None:
    ran = lore("investigate", SYMPTOM, "--at", "1970-01-01", "--no-sync", "-o", "json")
    assert Investigation.from_json(ran.out).detected_at == "1970-01-01T00:00:00Z"


def test_what_is_no_time_is_a_mistake_of_the_user(lore: Lore) -> None:
    for text in ("yesterday", "", "14:02", "2024-13-01"):
        lore("investigate", SYMPTOM, "--at", text, "--no-sync").failed("--at", code=2)


@pytest.mark.parametrize(
    "wrong",
    [("--window", "0"), ("--window", "nan"), ("--window", "inf"), ("--window", "1e9"), ("--max-steps", "0"), ("--seconds", "-1"), ("--seconds", "nan")],
)  # fmt: skip
def test_budgets_that_are_no_amounts_are_mistakes_of_the_user(lore: Lore, wrong: tuple[str, str]) -> None:
    lore("investigate", SYMPTOM, *WHEN, "--no-sync", *wrong).failed("--window", code=2)


def test_a_budget_of_one_step_is_kept(lore: Lore) -> None:
    assert investigated(lore, "--max-steps", "1").tree.steps <= 1


# -- stores


def test_an_empty_store_answers_and_hints_at_ingest(fresh: Lore) -> None:
    ran = fresh("investigate", "checkout is down", "--no-sync")
    assert ran.code == 0
    assert "No cause found" in ran.out
    assert ran.err.splitlines() == ["hint: the store is empty; `lore ingest` reads sources into it"]


def test_a_filled_store_gives_no_hint(lore: Lore) -> None:
    assert lore("investigate", "something else", "--no-sync").err == ""


def test_a_store_that_is_down_without_a_standby_is_one_sentence(tmp_path: Path) -> None:
    lore = Lore(tmp_path, {"LORE_STORE": "bolt://127.0.0.1:1", "NEO4J_PASSWORD": "x"})
    lore(*ASKED).failed()


def standing_by(tmp_path: Path) -> tuple[Lore, Path]:
    """A server that is down, and a store that holds the shop standing by."""
    story, _ = shop()
    with open_store(f"sqlite:///{tmp_path / 'standby.db'}") as store:
        story.into(store)
    config = tmp_path / "lore.yaml"
    config.write_text(f"store: bolt://127.0.0.1:1\nstandby: sqlite:///{tmp_path / 'standby.db'}\n")
    return Lore(tmp_path, {"LORE_STORE": "bolt://127.0.0.1:1", "NEO4J_PASSWORD": "x"}), config


def test_a_standby_answers_with_a_note_when_the_server_is_down(tmp_path: Path) -> None:
    lore, config = standing_by(tmp_path)
    asked = ("investigate", "checkout returns 502 in prod", "--at", "2026-03-04T14:05:00Z", "--config", config)
    ran = lore(*asked, "--no-sync", "-o", "json")
    assert ran.code == 0, ran.err
    found = Investigation.from_json(ran.out)
    assert found.causes[0].label == "Ask the payment gateway twice before giving up"
    [note] = found.notes
    assert note.startswith("bolt://127.0.0.1:1 is down (it may be the incident): the standby answers, stale")
    assert "2026-03-04T14:05:00Z" in note
    text = lore(*asked, "--no-sync")
    assert "the standby answers" in " ".join(text.out.split())


def test_what_was_found_while_standing_by_can_be_shown_and_replayed(tmp_path: Path) -> None:
    lore, config = standing_by(tmp_path)
    asked = (
        "investigate",
        "checkout returns 502 in prod",
        "--at",
        "2026-03-04T14:05:00Z",
        "--config",
        config,
        "--no-sync",
        "-o",
        "json",
    )
    found = Investigation.from_json(lore(*asked).out)
    assert lore("show", found.id, "--config", config).code == 0
    assert lore("replay", found.id, "--config", config).code == 0


def test_sources_are_read_into_the_standby_while_the_server_is_down(tmp_path: Path) -> None:
    clone = repository(tmp_path / "infra")
    lore, config = standing_by(tmp_path)
    config.write_text(f"{config.read_text()}sources:\n  - git: {{path: {clone}, name: {REPOSITORY}}}\n")
    ran = lore("investigate", SYMPTOM, "--at", "2026-03-05", "--window", "1000", "--config", config)
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err
    assert "reading what is new in the sources" in ran.err
    assert "Raise the API's priority" in ran.out


# -- the sources first


def test_the_change_that_was_not_read_yet_is_in_the_answer(lore: Lore, tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone", later())
    config = configured(lore, clone)
    unread = Investigation.from_json(
        lore("investigate", SYMPTOM, "--at", "2024-03-05T12:00:00Z", "--config", config, "--no-sync", "-o", "json").out
    )
    assert "Lower the API's priority" not in [c.label for c in unread.causes]
    ran = lore("investigate", SYMPTOM, "--at", "2024-03-05T12:00:00Z", "--config", config, "-o", "json")
    assert ran.err.startswith("So far: ")
    assert Investigation.from_json(ran.out).causes[0].label == "Lower the API's priority"


def later() -> GitWriter:
    """The history, and one commit more."""
    writer = history()
    writer.commit(
        "Lower the API's priority", BOB, day("2024-03-05"), {"edge/main.tf": LISTENER + RULE.format(priority=5)}
    )
    return writer


def test_sources_that_were_read_up_to_the_symptom_are_not_read_again_and_new_ones_are(lore: Lore, infra: Path) -> None:
    config = configured(lore, infra)
    assert lore(*ASKED[:-1], "--config", config).err == ""
    config.write_text(f"{config.read_text()}  - documents: {{path: {infra}, name: {REPOSITORY}}}\n")
    assert "reading what is new in the sources" in lore(*ASKED[:-1], "--config", config).err


def test_a_source_that_cannot_be_read_is_a_note_and_no_end(lore: Lore) -> None:
    config = configured(lore, lore.home / "nowhere")
    ran = lore("investigate", SYMPTOM, *WHEN, "--config", config, "-o", "json")
    assert ran.code == 0
    assert "Traceback" not in ran.err
    # The history ends after this symptom: it is asked about a later one, so that the sources are read at all.
    late = lore("investigate", SYMPTOM, "--config", config, "-o", "json")
    assert late.code == 0, late.err
    assert any("could not be read" in note for note in Investigation.from_json(late.out).notes)


# -- afterwards


def test_replay_is_the_same_to_the_byte_also_after_more_was_read(lore: Lore, tmp_path: Path) -> None:
    found = investigated(lore)
    ran = lore("replay", found.id)
    assert (ran.code, ran.out) == (0, "")
    assert "the same, byte for byte" in ran.err
    assert lore("ingest", "git", repository(tmp_path / "clone", later())).code == 0
    story, _ = shop()
    with open_store(f"sqlite:///{lore.database}") as store:
        story.into(store)
        store.apply(FactBatch("fresher", "git", REPOSITORY, "git/1", fresh_until=instant("2029-01-01")))
        store.apply(FactBatch("other", "slack", "acme", "slack/1", fresh_until=AT))
    again = lore("replay", found.id)
    assert again.code == 0, again.err
    assert "the same, byte for byte" in again.err


def test_a_replay_without_a_source_differs_only_where_that_source_spoke(lore: Lore) -> None:
    story, _ = shop()
    with open_store(f"sqlite:///{lore.database}") as store:
        story.into(store)
    ran = lore("investigate", "checkout returns 502 in prod", "--at", "2026-03-04T14:05:00Z", "--no-sync", "-o", "json")
    before = Investigation.from_json(ran.out)
    unmoved = Investigation.from_json(lore("replay", before.id, "--what-if", "without:github", "-o", "json").out)
    assert [(c.label, c.probability) for c in unmoved.causes] == [(c.label, c.probability) for c in before.causes]
    assert {c.source for c in before.coverage} - {c.source for c in unmoved.coverage} == {"github:shop/code"}
    assert not [c for c in unmoved.citations if c.source == "github"]
    moved = Investigation.from_json(
        lore("replay", before.id, "--what-if", "without:git", "--what-if", "without:github", "-o", "json").out
    )
    assert moved.causes[0].label != before.causes[0].label
    assert not [c for c in moved.citations if c.source.startswith("git")]


def test_a_what_if_that_cannot_be_meant_is_a_mistake_of_the_user(lore: Lore) -> None:
    found = investigated(lore)
    lore("replay", found.id, "--what-if", "slack").failed("--what-if", code=2)
    lore("replay", found.id, "--what-if", "without:").failed("--what-if", code=2)
    lore("replay", found.id, "--what-if", "without:slack").failed("slack", "git", code=2)


def test_confirming_teaches_and_retracting_takes_it_back(lore: Lore) -> None:
    found = investigated(lore)
    ran = lore("confirm", found.id, "1", "--by", "Ann", "--fix", "reverted")
    assert (ran.code, ran.out) == (0, "")
    [learning] = set(re.findall(r"lrn_[0-9a-f]+", ran.err))
    back = lore("retract", learning, "--by", "Ann", "--reason", "it was the network")
    assert (back.code, back.err.strip()) == (0, "taken back")
    lore("retract", learning, "--by", "Ann").failed("already", code=2)


def test_a_cause_may_be_confirmed_by_its_name(lore: Lore) -> None:
    found = investigated(lore)
    assert found.causes[0].change is not None
    assert lore("confirm", found.id, found.causes[0].change.id, "--by", "Ann").code == 0
    assert lore("confirm", found.id, f"Commit:{found.causes[0].change.id}", "--by", "Ann").code == 0
    assert lore("confirm", found.id, "aws_lb_listener_rule.api", "--by", "Ann").code == 0
    lore("confirm", found.id, "²", "--by", "Ann").failed(code=2)
    lore("confirm", found.id, "99", "--by", "Ann").failed("rank 99", code=2)
    lore("confirm", found.id, "no such thing", "--by", "Ann").failed("no such thing", code=2)
    lore("confirm", found.id, "1", "--by", " ").failed("nobody", code=2)


@pytest.mark.parametrize(
    "command",
    [
        ("show", "inv_0"), ("replay", "inv_0"), ("verify", "inv_0"), ("rollback", "inv_0"), ("confirm", "inv_0", "1", "--by", "Ann"),
        ("retract", "lrn_0", "--by", "Ann"), ("show", "\x1b[31m"), ("show", ""),
    ],
)  # fmt: skip
def test_an_unknown_id_is_one_sentence(lore: Lore, command: tuple[str, ...]) -> None:
    ran = lore(*command)
    ran.failed(code=2)
    assert "\x1b" not in ran.err


def test_verify_reads_the_citations_again_and_tells_what_is_gone(lore: Lore, tmp_path: Path, infra: Path) -> None:
    found = investigated(lore)
    unknown = lore("verify", found.id)
    assert unknown.code == 0
    assert "cannot check" in unknown.out
    config = configured(lore, infra)
    good = lore("verify", found.id, "--config", config)
    assert (good.code, good.out) == (0, "")
    assert re.fullmatch(r"(\d+) of \1 citations resolve\n", good.err)
    other = GitWriter()
    other.commit("Nothing of it", ANN, day("2024-01-01"), {"a.tf": LISTENER})
    configured(lore, repository(tmp_path / "other", other))
    bad = lore("verify", found.id, "--config", config)
    assert bad.code == 3
    assert "missing" in bad.out


# -- rollback


def rolled_back(lore: Lore, clone: Path | None, name: str = "out") -> tuple[Investigation, Ran, Path]:
    """The investigation, what `lore rollback` said, and where it wrote."""
    found = investigated(lore)
    more = ("--config", configured(lore, clone)) if clone is not None else ()
    return found, lore("rollback", found.id, "--write", lore.home / name, *more), lore.home / name


def test_rollback_writes_a_patch_that_git_applies_and_a_draft_and_applies_nothing(lore: Lore, tmp_path: Path) -> None:
    writer = GitWriter()
    writer.commit("Add the API's rule", ANN, day("2024-01-01"), {"edge/main.tf": LISTENER + RULE.format(priority=10)})
    writer.commit(
        "Raise the API's priority (#7)", BOB, day("2024-02-01"), {"edge/main.tf": LISTENER + RULE.format(priority=20)}
    )
    files = {"edge/main.tf": LISTENER + RULE.format(priority=20), "README.md": "hello\n"}
    writer.commit("Say hello", ANN, day("2024-02-02"), files)
    fresh = Lore(tmp_path)
    clone = repository(tmp_path / "clone", writer)
    assert fresh("ingest", "git", clone).code == 0
    head = subprocess.run(["git", "-C", str(clone), "rev-parse", "HEAD"], capture_output=True, check=True).stdout
    found, ran, out = rolled_back(fresh, clone)
    assert ran.code == 0, ran.err
    assert "applies cleanly" in ran.err
    assert ran.err.splitlines()[-1] == "nothing was applied"
    patch = out / f"rollback-{found.id}.patch"
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", str(clone), str(work)], check=True)
    subprocess.run(["git", "-C", str(work), "apply", "--index", str(patch)], check=True)
    assert "priority     = 10" in (work / "edge" / "main.tf").read_text()
    assert (
        subprocess.run(["git", "-C", str(clone), "rev-parse", "HEAD"], capture_output=True, check=True).stdout == head
    )
    assert (
        subprocess.run(["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, check=False).stdout
        == b""
    )
    draft = (out / f"postmortem-{found.id}.md").read_text()
    assert draft.startswith("# Draft of a postmortem")
    assert "no cause confirmed" in draft


def test_rollback_says_when_it_does_not_apply_and_which_later_commit_touches_it(lore: Lore, infra: Path) -> None:
    _, ran, _ = rolled_back(lore, infra)
    assert ran.code == 0
    assert "does NOT apply cleanly" in ran.err
    assert "terraform fmt" in ran.err


def test_the_first_commit_of_a_repository_is_taken_back_by_removing_what_it_brought(tmp_path: Path) -> None:
    writer = GitWriter()
    writer.commit("Add the API's rule", ANN, day("2024-02-01"), {"edge/main.tf": LISTENER + RULE.format(priority=10)})
    lore, clone = Lore(tmp_path), repository(tmp_path / "clone", writer)
    assert lore("ingest", "git", clone).code == 0
    found, ran, out = rolled_back(lore, clone)
    assert "applies cleanly" in ran.err
    assert "deleted file mode" in (out / f"rollback-{found.id}.patch").read_text()


def test_a_merge_is_taken_back_whole(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    place = clone / "edge" / "main.tf"

    def git(*words: str, at: str = "2024-02-01T00:00:00Z") -> None:
        who = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "PATH": lore.environment["PATH"], "HOME": str(tmp_path)}
        named = ("-c", "user.name=Ann", "-c", "user.email=ann@acme.example")
        subprocess.run(["git", "-C", str(clone), *named, *words], check=True, capture_output=True, env=who)

    lore = Lore(tmp_path)
    place.parent.mkdir(parents=True)
    git("init", "-q", "-b", "main")
    for branch, texts in (
        ("main", (LISTENER + RULE.format(priority=10),)),
        ("side", (LISTENER + RULE.format(priority=15), LISTENER + RULE.format(priority=20))),
    ):
        if branch == "side":
            git("checkout", "-q", "-b", "side")
        for number, text in enumerate(texts):
            place.write_text(text)
            git("add", ".")
            git(
                "commit",
                "-q",
                "-m",
                f"The API's priority, {branch} {number}",
                at="2024-01-01T00:00:00Z" if branch == "main" else "2024-02-01T00:00:00Z",
            )
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "Merge the API's priority", "side")
    assert lore("ingest", "git", clone, "--name", REPOSITORY).code == 0
    found, ran, out = rolled_back(lore, clone)
    assert found.rollback is not None
    assert " -m 1 " in found.rollback.command
    assert "applies cleanly" in ran.err
    patch = (out / f"rollback-{found.id}.patch").read_text()
    assert "-  priority     = 20" in patch
    assert "+  priority     = 10" in patch


def test_rollback_without_a_clone_writes_what_is_stored_to_be_read(lore: Lore) -> None:
    found, ran, out = rolled_back(lore, None)
    assert ran.code == 0
    assert f"no clone of {REPOSITORY} is named in lore.yaml" in ran.err
    text = (out / f"rollback-{found.id}.patch").read_text()
    assert "to be read, not to be applied" in text
    assert "+  priority     = 10" in text or "20 -> 10" in text


def test_rollback_of_a_commit_that_the_clone_does_not_have_falls_back(lore: Lore, tmp_path: Path) -> None:
    other = GitWriter()
    other.commit("Nothing of it", ANN, day("2024-01-01"), {"a.tf": LISTENER})
    _, ran, _ = rolled_back(lore, repository(tmp_path / "other", other))
    assert ran.code == 0
    assert "git could not reverse it" in ran.err
    assert "to be read, not to be applied" in ran.err


def test_a_draft_that_somebody_wrote_in_stays(lore: Lore, infra: Path) -> None:
    found, _, out = rolled_back(lore, infra)
    draft = out / f"postmortem-{found.id}.md"
    draft.write_text("mine")
    ran = lore("rollback", found.id, "--write", out)
    assert draft.read_text() == "mine"
    assert "left as it is" in ran.err


def test_rollback_of_what_is_no_code_says_in_words_what_to_do(lore: Lore) -> None:
    empty = lore("investigate", "nothing", "--at", "2023-01-01", "--no-sync", "-o", "json")
    found = Investigation.from_json(empty.out)
    ran = lore("rollback", found.id, "--write", lore.home / "out")
    assert ran.code == 0
    assert "nothing to take back" in ran.err
    assert not list((lore.home / "out").glob("*.patch"))


def test_a_directory_that_cannot_be_written_is_one_sentence(lore: Lore) -> None:
    found = investigated(lore)
    (lore.home / "file").write_text("x")
    lore("rollback", found.id, "--write", lore.home / "file").failed()
    shutil.rmtree(lore.home / "out", ignore_errors=True)
