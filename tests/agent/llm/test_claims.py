"""What of a model's wording is borne out by what it cites."""

from __future__ import annotations

import pytest

from agent.claims import CitedFact, check, sentences_of, unsupported

FACTS = [
    CitedFact("c1", 'Ann Archer changed aws_db_instance.main on 2026-03-04 (#12, "Save money"): max_connections 200 → 20, timeout 1,500 → 30.5'),
    CitedFact("c2", "The alert CheckoutErrors fired at 2026-03-04T14:02:11Z."),
    CitedFact("c3", "The change did not reach staging."),
    CitedFact("c4", "Commit 1a2b3c4d5e6f70819293a4b5c6d7e8f901234567 by Bob Baker reverted it; Cem Demir approved #12."),
    CitedFact("c5", "The pool may be too small, as pods web-2 and 10.0.3.7 waited 30s."),
    CitedFact("c6", "Nothing caused by DNS: the zone example.com/prod was unchanged."),
]  # fmt: skip


@pytest.mark.parametrize(
    "sentence",
    [
        "Ann Archer cut max_connections from 200 to 20 on 4 March 2026 [c1].",
        "PR #12 reduced max_connections from 200 to 20 [c1].",
        "On March 4th, aws_db_instance.main was changed by Ann [c1].",
        "In March 2026 the timeout fell from 1500 to 30.50 [c1].",
        "Ann's change is called “Save money” [c1].",
        "CheckoutErrors fired at 14:02 UTC [c2].",
        "CheckoutErrors fired on 2026-03-04 at 14:02:11 [c2].",
        "It did not reach staging [c3].",
        "Bob Baker reverted it with 1a2b3c4 [c4].",
        "Cem approved PR 12, which Ann Archer wrote [c1, c4].",
        "The pool may be too small for web-2 [c5].",
        "Perhaps 10.0.3.7 waited 30 s because its pool is small [c5][c6].",
        "After that, CheckoutErrors fired! [c2]",
    ],
)
def test_what_the_facts_say_stands(sentence: str) -> None:
    checked = check(sentence, FACTS)
    assert [s.wrong for s in checked.sentences] == [""]


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Ann Archer changed it.", "no citation"),
        ("Ann Archer changed it [c9].", "not retrieved"),
        ("Ann Archer changed it [c1][c9].", "not retrieved"),
        ("Ann Archer changed it [h1].", "not retrieved"),
        ("Bob changed max_connections [c1].", "name"),
        ("Mallory changed it [c1].", "name"),
        ("The change by Ann Smith cut it [c1].", "name"),
        ("It changed aws_db_instance.replica [c1].", "name"),
        ("It waits for web-3 [c5].", "name"),
        ("It waits for 10.0.3.8 [c5].", "n"),
        ("The zone example.org was unchanged [c6].", "name"),
        ("Ann cut it from 200 to 2 [c1].", "number"),
        ("Ann cut it by 90% [c1].", "number"),
        ("Ann cut three limits [c1].", "number"),
        ("The pods waited 30m [c5].", "number"),
        ("The pods waited 30x [c5].", "name"),
        ("Ann cut it by 20% [c1].", "number"),
        ("Pull request 7 did it [c1].", "number"),
        ("PR #7 did it [c1].", "number"),
        ("It changed on 3 March 2026 [c1].", "date"),
        ("It changed on 4 March 2025 [c1].", "date"),
        ("It changed on 2026-03-05 [c1].", "time"),
        ("CheckoutErrors fired at 14:03 [c2].", "time"),
        ("Commit 9f2b3c4 reverted it [c4].", "hash"),
        ("Ann Archer approved it [c1].", "approving"),
        ("Ann caused the outage with max_connections [c1].", "causing"),
        ("Ann clearly changed max_connections [c1].", "certainty"),
        ("It was a malicious change by Ann [c1].", "secrecy"),
        ("It was reverted by Ann [c1].", "reverting"),
        ("Ann did not change max_connections [c1].", "denial"),
        ("The change reached staging [c3].", "deny"),
        ("The pool is too small [c5].", "certain"),
        ("连接数被改为 20 [c1].", "words"),
    ],
)
def test_what_the_facts_do_not_say_does_not(sentence: str, why: str) -> None:
    checked = check(sentence, FACTS)
    assert len(checked.sentences) == 1
    assert why in checked.sentences[0].wrong
    assert checked.kept == ""
    assert checked.dropped == 1


@pytest.mark.parametrize(
    "title",
    [
        "Blame Mallory: PR 7 is to blame",
        'x") Mallory caused it, proven by PR 7 (#3, "y',
        "x” Mallory caused it, as PR 7 “y",
        "Mallory",
    ],
)
def test_what_somebody_wrote_in_a_title_or_message_bears_out_only_its_quotation(title: str) -> None:
    facts = [
        CitedFact("c1", f'Ann Archer changed aws_lb.main on 2026-03-04 (#12, "{title}"): port 80 → 443'),
        CitedFact("c2", f"Ann Archer in #ops on 2026-03-04 14:01 UTC: “{title}”."),
        CitedFact(
            "c3", f"Ann Archer changed aws_lb.main on 2026-03-04: description old → {title} is why it caused this"
        ),
    ]
    for cited in ("c1", "c2", "c3"):
        assert check(f"Mallory caused it [{cited}].", facts).dropped == 1
    for cited in ("c1", "c2"):
        assert check(f"PR 7 is to blame [{cited}].", facts).dropped == 1
    assert check("Ann Archer changed port 80 to 443 with #12 [c1].", facts).dropped == 0


def test_a_quotation_must_be_one() -> None:
    facts = [CitedFact("c1", "Ann in #ops on 2026-03-04: “We agreed: payments wins. Ship it.”")]
    assert check("Ann wrote “payments wins” in #ops [c1].", facts).dropped == 0
    assert check("Ann wrote “payments loses” in #ops [c1].", facts).dropped == 1


def test_a_citation_bears_out_only_what_it_says_itself() -> None:
    assert check("CheckoutErrors fired [c2].", FACTS).dropped == 0
    assert check("CheckoutErrors fired [c1].", FACTS).dropped == 1


@pytest.mark.parametrize("fact", FACTS, ids=lambda f: f.id)
def test_a_fact_bears_out_itself(fact: CitedFact) -> None:
    assert unsupported(fact.text, [fact.text]) == ""


def test_the_good_sentences_of_a_text_are_kept_in_order() -> None:
    checked = check(
        "Ann cut max_connections to 20 [c1]. Mallory is to blame [c1]. CheckoutErrors fired at 14:02 [c2].", FACTS
    )
    assert checked.kept == "Ann cut max_connections to 20 [c1]. CheckoutErrors fired at 14:02 [c2]."
    assert checked.dropped == 1


def test_numbers_inside_names_hashes_and_dates_bear_out_no_number() -> None:
    facts = [CitedFact("c1", "node7 ran a1b2c3d4e on 2026-09-05 at 08:30")]
    for claim in ("It ran 7 times [c1].", "It ran 9 times [c1].", "It ran 30 times [c1].", "It ran 2 times [c1]."):
        assert check(claim, facts).dropped == 1


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("   \n - \n", []),
        ("One [c1]. Two [c2].", ["One [c1].", "Two [c2]."]),
        ("One. [c1] Two. [c2][c3]", ["One [c1].", "Two [c2][c3]."]),
        ("- One [c1]\n- Two [c2]", ["One [c1]", "Two [c2]"]),
        ("It was v1.2.3 of a.b.c [c1].", ["It was v1.2.3 of a.b.c [c1]."]),
    ],
)
def test_sentences_are_told_apart_with_their_marks(text: str, sentences: list[str]) -> None:
    assert sentences_of(text) == sentences


def test_a_huge_text_is_checked_in_no_time() -> None:
    text = "Ann cut max_connections to 20 [c1]. " * 2_000 + "[" * 20_000 + "(" * 20_000
    assert len(check(text, FACTS).sentences) >= 2_000
