"""What the words of code are apt to break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.incident import ReadClass, Suspect, Symptom, SymptomClass
from agent.topics import inert, topic_fit
from graph.clock import DAY
from graph.model import EntityRef
from tests.agent.investigator.engine_story import AT


def symptom(*classes: tuple[SymptomClass, float]) -> Symptom:
    """A symptom of these classes, each so sure."""
    return Symptom("x", AT, AT - DAY, classes=tuple(ReadClass(n, "told", sure) for n, sure in classes))


def code(
    added: str, *, title: str = "", removed: str = "", paths: tuple[str, ...] = ("payments/client.py",)
) -> Suspect:
    """A change of code with these lines."""
    key = EntityRef("Commit:a")
    return Suspect(key, "change", key, None, AT, "merged", title, "changes", added=added, removed=removed, paths=paths)


@pytest.mark.parametrize(
    ("name", "lines", "other"),
    [
        ("dns", "resolver.lookup(hostname, ndots=5)", "file.write(logs, rotate=False)"),
        ("disk", "spool.write(tmp, rotate=False)", "resolver.lookup(hostname)"),
        ("tls", "verify_certificates(truststore, cipher)", "queue.prefetch(9)"),
        ("queue_lag", "consumer.prefetch(1); broker.ack()", "cipher = tls.handshake()"),
    ],
)
def test_lines_about_a_class_fit_it_better_than_lines_about_another(name: SymptomClass, lines: str, other: str) -> None:
    read = symptom((name, 0.9))
    assert topic_fit(read, code(lines)) > topic_fit(read, code(other))


def test_the_fit_is_between_nothing_and_how_sure_the_class_is() -> None:
    everything = " ".join(
        ["dns", "host", "resolver", "lookup", "domain", "zone", "ndots", "svc", "headless", "discovery", "peers", "srv"]
        * 9
    )
    assert topic_fit(symptom(("dns", 0.6)), code(everything)) == 0.6
    assert topic_fit(symptom(("dns", 0.6)), code("")) == 0.0
    assert topic_fit(symptom(), code(everything)) == 0.0


def test_lines_count_more_than_titles_and_a_word_counts_once() -> None:
    read = symptom(("dns", 1.0))
    in_line, in_title = topic_fit(read, code("ndots")), topic_fit(read, code("", title="ndots"))
    assert in_line == 2 * in_title > 0
    assert topic_fit(read, code("ndots ndots ndots")) == in_line
    assert topic_fit(read, code("", removed="ndots")) == in_line


def test_endings_of_words_do_not_matter() -> None:
    read = symptom(("dns", 1.0))
    assert topic_fit(read, code("resolver")) == topic_fit(read, code("resolvers")) > 0


def test_plurals_of_words_on_e_are_the_same_words() -> None:
    read = symptom(("disk", 1.0))
    assert topic_fit(read, code("archive")) == topic_fit(read, code("archives")) > 0


def test_a_class_that_is_much_less_sure_than_the_first_plays_no_part() -> None:
    dns = code("ndots resolver headless")
    assert topic_fit(symptom(("errors", 0.9), ("dns", 0.5)), dns) == topic_fit(symptom(("errors", 0.9)), dns)
    assert topic_fit(symptom(("errors", 0.9), ("dns", 0.8)), dns) > topic_fit(symptom(("errors", 0.9)), dns)


def test_words_of_documents_and_tests_do_not_run() -> None:
    read = symptom(("dns", 1.0))
    assert topic_fit(read, code("ndots", paths=("docs/dns.md",))) == 0.0
    assert topic_fit(read, code("ndots", paths=("docs/dns.md", "app/main.py"))) > 0.0
    assert topic_fit(read, replace(code("ndots"), paths=())) > 0.0


def test_a_hundred_kilobytes_of_lines_are_read_to_a_limit() -> None:
    read = symptom(("dns", 1.0))
    assert topic_fit(read, code("x " * 50_000 + "ndots")) == 0.0


@pytest.mark.parametrize(
    ("paths", "nothing_runs"),
    [
        (("README.md", "docs/a.md"), True),
        (("tests/test_a.py",), True),
        (("tests/test_a.py", "VERSION"), True),
        (("tests/test_a.py", "a.py"), False),
        (("VERSION",), False),
        ((), False),
    ],
)
def test_only_documents_and_tests_are_inert(paths: tuple[str, ...], nothing_runs: bool) -> None:
    assert inert(paths) is nothing_runs
