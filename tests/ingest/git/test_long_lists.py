"""Items of long lists are blocks of their own, so that a change of one of a thousand costs and tells one."""

from __future__ import annotations

from ingest.sources.git.languages.long_lists import LONG_BYTES
from ingest.sources.git.languages.yaml_documents import LANGUAGE


def addresses(text: str) -> list[str]:
    return [span.address for span in LANGUAGE.split("zuul/layout.yaml", text.encode()).spans]


def projects(count: int, pad: int = 0) -> str:
    return "projects:\n" + "".join(f"  - name: org/p{i}\n    check:\n      - unit{'x' * pad}\n" for i in range(count))


def test_a_long_member_of_named_items_comes_apart_and_a_short_one_is_one_thing() -> None:
    assert addresses(projects(3)) == ["projects"]
    long = projects(40, LONG_BYTES // 40)
    assert addresses(long) == [f"projects.org/p{i}" for i in range(40)]
    assert addresses(long + "jobs: []\n")[-1] == "jobs"


def test_a_long_member_with_an_item_that_has_no_name_stays_whole() -> None:
    assert addresses(projects(40, LONG_BYTES // 40) + "  - check: [a]\n") == ["projects"]


def test_items_of_one_key_are_called_by_it_and_their_name() -> None:
    text = "- job:\n    name: unit\n- job-template:\n    name: '{name}-docs'\n- project:\n    check: {}\n"
    assert addresses(text) == ["[job.unit]", "[job-template.{name}-docs]", "[project]"]


def test_a_list_without_any_name_is_one_document() -> None:
    assert addresses("- job:\n    run: a\n- job:\n    run: b\n") == ["document"]
    assert addresses("- a\n- b\n") == ["document"]


def test_names_do_not_depend_on_how_many_items_there_are() -> None:
    few, many = ("".join(f"- project: org/p{i}\n  acl: x\n" for i in range(n)) for n in (3, 60))
    assert addresses(few) == [f"[org/p{i}]" for i in range(3)]
    assert addresses(many) == [f"[org/p{i}]" for i in range(60)]
    assert addresses("\ufeff" + many) == addresses(many)
