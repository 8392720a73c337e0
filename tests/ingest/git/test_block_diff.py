"""What a diff did to blocks: created, updated, deleted, moved, only reformatted."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha1
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.git.attribute_diff import attribute_changes, same_value
from ingest.sources.git.block_diff import Differ
from ingest.sources.git.blocks import AttributeChange, BlockChange, FileChange, Meaning, Span, Split
from ingest.sources.git.bounded_cache import BoundedCache
from ingest.sources.git.languages.hcl import Hcl

Tree = Mapping[str, str | bytes]


class History:
    """Trees of files as blobs, and a differ that keeps its caches between diffs."""

    def __init__(self) -> None:
        self.differ = Differ([Hcl()])
        self.blobs: dict[str, bytes] = {}
        self.missing: set[str] = set()
        self.reads: list[str] = []

    def blob(self, content: str | bytes | None) -> str | None:
        if content is None:
            return None
        data = content if isinstance(content, bytes) else content.encode()
        name = sha1(data).hexdigest()
        self.blobs[name] = data
        return name

    def read(self, blob: str) -> bytes | None:
        self.reads.append(blob)
        return None if blob in self.missing else self.blobs[blob]

    def diff(self, before: Tree, after: Tree) -> list[BlockChange]:
        files = [
            FileChange(path, self.blob(before.get(path)), self.blob(after.get(path)))
            for path in sorted({*before, *after})
            if before.get(path) != after.get(path)
        ]
        return self.differ.changes(files, self.read)


def diff(before: Tree, after: Tree) -> list[BlockChange]:
    return History().diff(before, after)


def effects(changes: list[BlockChange]) -> list[tuple[str, str]]:
    return [(change.effect, change.place.address) for change in changes]


LB = 'resource "aws_lb" "api" {\n  name     = "api"\n  internal = false\n  subnets  = var.subnets\n}\n'


def test_a_new_block_is_created_with_all_its_attributes() -> None:
    (change,) = diff({}, {"net/main.tf": "# first\n" + LB})
    assert (change.effect, change.language, change.rule) == ("created", "hcl", "")
    assert (change.place.directory, change.place.address, change.place.path) == ("net", "aws_lb.api", "net/main.tf")
    assert (change.place.start_line, change.place.end_line) == (2, 6)
    assert change.references_changed
    assert change.attributes == (
        AttributeChange("name", None, ("api",)),
        AttributeChange("internal", None, (False,)),
        AttributeChange("subnets", None, ("${var.subnets}",)),
    )


def test_a_block_that_is_gone_is_deleted_with_all_its_attributes() -> None:
    (change,) = diff({"net/main.tf": LB + 'variable "x" {}\n'}, {"net/main.tf": 'variable "x" {}\n'})
    assert effects([change]) == [("deleted", "aws_lb.api")]
    assert change.place.start_line == 1
    assert [(one.path, one.after) for one in change.attributes] == [
        ("name", None),
        ("internal", None),
        ("subnets", None),
    ]


def test_an_update_shows_only_the_attributes_that_differ() -> None:
    (change,) = diff({"m.tf": LB}, {"m.tf": LB.replace("false", "true").replace("var.subnets", "local.subnets")})
    assert change.effect == "updated"
    assert change.attributes == (
        AttributeChange("internal", (False,), (True,)),
        AttributeChange("subnets", ("${var.subnets}",), ("${local.subnets}",)),
    )
    assert change.references_changed
    assert change.moved_from is None


def test_an_update_that_leaves_references_alone_says_so() -> None:
    (change,) = diff({"m.tf": LB}, {"m.tf": LB.replace("false", "true")})
    assert not change.references_changed


def test_other_bytes_of_the_same_meaning_are_format_only() -> None:
    (change,) = diff(
        {"m.tf": LB}, {"m.tf": LB.replace("false", '"false" # why').replace("var.subnets", '["${var.subnets}"]')}
    )
    assert (change.effect, change.attributes) == ("format_only", ())


def test_what_only_moves_down_in_its_file_is_no_change() -> None:
    assert effects(diff({"m.tf": LB}, {"m.tf": 'variable "x" {}\n\n# note\n' + LB})) == [("created", "var.x")]


def test_a_comment_above_a_block_is_no_change_of_it() -> None:
    assert diff({"m.tf": LB}, {"m.tf": "# new\n" + LB}) == []


def test_several_blocks_come_in_the_order_of_path_and_line() -> None:
    after = {"b.tf": 'variable "z" {}\nvariable "y" {}\n', "a.tf": 'variable "x" {}\n'}
    assert effects(diff({}, after)) == [("created", "var.x"), ("created", "var.z"), ("created", "var.y")]


def test_files_of_no_language_are_left_out() -> None:
    assert diff({"README.md": "a"}, {"README.md": "b", "x.txt": "c"}) == []


def test_an_entry_of_locals_changes_by_itself() -> None:
    changes = diff({"m.tf": "locals {\n  a = 1\n  b = 2\n}\n"}, {"m.tf": "locals {\n  b = 2\n\n  a = 3\n  c = 4\n}\n"})
    assert effects(changes) == [("updated", "local.a"), ("created", "local.c")]


# -- moves within a directory


def test_another_file_of_the_directory_is_a_move() -> None:
    (change,) = diff({"net/a.tf": LB}, {"net/b.tf": LB})
    assert (change.effect, change.rule, change.score) == ("moved", "same_body", 1.0)
    assert change.attributes == ()
    assert change.moved_from is not None
    assert (change.moved_from.path, change.place.path) == ("net/a.tf", "net/b.tf")


def test_another_file_and_another_value_is_an_update_that_knows_where_it_was() -> None:
    (change,) = diff({"net/a.tf": LB}, {"net/b.tf": LB.replace("false", "true")})
    assert (change.effect, change.rule) == ("updated", "similar_body")
    assert change.moved_from is not None
    assert change.moved_from.path == "net/a.tf"
    assert change.attributes == (AttributeChange("internal", (False,), (True,)),)


def test_a_renamed_resource_type_is_a_move() -> None:
    (change,) = diff({"m.tf": LB.replace("aws_lb", "aws_alb")}, {"m.tf": LB})
    assert (change.effect, change.place.address) == ("moved", "aws_lb.api")
    assert change.moved_from is not None
    assert change.moved_from.address == "aws_alb.api"


def test_a_renamed_resource_type_in_references_is_format_only() -> None:
    before = 'resource "aws_lb_listener" "x" {\n  load_balancer_arn = "${aws_alb.api.arn}"\n}\n'
    (change,) = diff({"m.tf": before}, {"m.tf": before.replace("aws_alb", "aws_lb")})
    assert change.effect == "format_only"
    assert change.references_changed


def test_a_reference_that_follows_a_rename_is_an_update() -> None:
    listener = 'resource "aws_lb_listener" "x" {\n  load_balancer_arn = aws_lb.api.arn\n}\n'
    changes = diff(
        {"m.tf": LB + listener},
        {"m.tf": (LB + listener).replace('"aws_lb" "api"', '"aws_lb" "web"').replace("aws_lb.api", "aws_lb.web")},
    )
    assert effects(changes) == [("moved", "aws_lb.web"), ("updated", "aws_lb_listener.x")]


# -- list elements

SG = 'resource "aws_security_group" "x" {\n%s}\n'
RULE = '  ingress {\n    from_port = %d\n    to_port   = %d\n    protocol  = "tcp"\n  }\n'


def rules(*ports: int) -> str:
    return SG % "".join(RULE % (port, port) for port in ports)


def test_a_nested_block_put_in_front_shows_as_one_new_element() -> None:
    (change,) = diff({"m.tf": rules(80, 443)}, {"m.tf": rules(22, 80, 443)})
    assert [(one.path, one.before, one.after) for one in change.attributes] == [
        ("ingress[0].from_port", None, (22,)),
        ("ingress[0].to_port", None, (22,)),
        ("ingress[0].protocol", None, ("tcp",)),
    ]


def test_a_nested_block_taken_out_of_the_middle_shows_as_one_gone_element() -> None:
    (change,) = diff({"m.tf": rules(22, 80, 443)}, {"m.tf": rules(22, 443)})
    assert {one.after for one in change.attributes} == {None}
    assert [one.before for one in change.attributes] == [(80,), (80,), ("tcp",)]
    assert len({one.path for one in change.attributes}) == 3


def test_a_value_within_a_nested_block_that_also_changed_its_place_shows_alone() -> None:
    after = rules(443, 80).replace("to_port   = 80", "to_port   = 81")
    (change,) = diff({"m.tf": rules(80, 443)}, {"m.tf": after})
    assert change.attributes == (AttributeChange("ingress[1].to_port", (80,), (81,)),)


def test_another_order_of_nested_blocks_is_format_only() -> None:
    (change,) = diff({"m.tf": rules(80, 443)}, {"m.tf": rules(443, 80)})
    assert change.effect == "format_only"


def test_another_order_of_provisioners_is_an_update_that_shows_something() -> None:
    before = 'resource "x_y" "z" {\n  provisioner "a" {\n    b = 1\n  }\n  provisioner "a" {\n    b = 2\n  }\n}\n'
    after = before.replace("b = 1", "b = 3").replace("b = 2", "b = 1").replace("b = 3", "b = 2")
    (change,) = diff({"m.tf": before}, {"m.tf": after})
    assert change.effect == "updated"
    assert change.attributes


@pytest.mark.parametrize("to_block", [False, True])
def test_a_map_block_and_a_map_are_compared_entry_by_entry(to_block: bool) -> None:
    block = 'resource "x_y" "z" {\n  deep {\n    things {\n      a = 1\n      b = 2\n    }\n  }\n}\n'
    plain = block.replace("things {", "things = {").replace("b = 2", "b = 3")
    before, after = (plain, block) if to_block else (block, plain)
    (change,) = diff({"m.tf": before}, {"m.tf": after})
    path = "deep[0].things[0].b" if to_block else "deep[0].things.b"
    assert [one.path for one in change.attributes] == [path]


def test_one_is_not_true_and_lists_are_compared_in_depth() -> None:
    assert not same_value(1, True)
    assert not same_value([1], [True])
    assert not same_value({"a": 0}, {"a": False})
    assert same_value({"a": [1, "x"]}, {"a": [1, "x"]})


values = st.one_of(st.integers(0, 3), st.sampled_from(["x", "y"]), st.booleans())
paths = st.sampled_from(
    [
        "a",
        "b[0].c",
        "b[0].d",
        "b[1].c",
        "b[1].d",
        "b[2].c",
        "b.c",
        "b[0].e.f",
        "b[0].e[0].f",
        "b[0].e[1].f",
        "b[1].e[0].f",
    ]
)


@given(st.dictionaries(paths, values), st.dictionaries(paths, values))
def test_attribute_changes_have_each_path_once_and_show_real_differences(
    before: dict[str, object], after: dict[str, object]
) -> None:
    changes = attribute_changes(before, after)  # type: ignore[arg-type]
    assert len({one.path for one in changes}) == len(changes)
    for one in changes:
        assert one.before is not None or one.after is not None
        if one.after is not None:
            assert same_value(after[one.path], one.after[0])  # type: ignore[arg-type]
        if one.before is not None and one.after is not None:
            assert not same_value(one.before[0], one.after[0])
    assert attribute_changes(after, after) == ()  # type: ignore[arg-type]


# -- files that cannot be read


BROKEN = LB + 'resource "aws_lb" "web" {\n  name = [\n}\n'
WHOLE = LB + 'resource "aws_lb" "web" {\n  name = "web"\n}\n'


def test_a_block_in_an_unreadable_stretch_is_not_deleted() -> None:
    history = History()
    assert history.diff({"m.tf": WHOLE}, {"m.tf": BROKEN}) == []
    (problem,) = history.differ.take_unreadable()
    assert (problem.path, problem.blob, problem.line) == ("m.tf", history.blob(BROKEN), 6)
    assert history.differ.take_unreadable() == []


def test_a_block_that_is_gone_from_a_file_that_broke_elsewhere_is_deleted() -> None:
    history = History()
    assert effects(history.diff({"m.tf": WHOLE}, {"m.tf": BROKEN.replace(LB, "")})) == [("deleted", "aws_lb.api")]


def test_when_a_broken_file_is_mended_its_blocks_are_compared_with_what_they_said_before() -> None:
    history = History()
    history.diff({"m.tf": WHOLE}, {"m.tf": BROKEN})
    history.diff({"m.tf": BROKEN}, {"m.tf": "# still\n" + BROKEN})
    (change,) = history.diff({"m.tf": "# still\n" + BROKEN}, {"m.tf": WHOLE.replace('"web"\n', '"web2"\n')})
    assert change.effect == "updated"
    assert change.attributes == (AttributeChange("name", ("web",), ("web2",)),)


def test_a_mended_block_that_says_what_it_said_is_no_change() -> None:
    history = History()
    history.diff({"m.tf": WHOLE}, {"m.tf": BROKEN})
    assert history.diff({"m.tf": BROKEN}, {"m.tf": WHOLE}) == []


def test_a_missing_blob_deletes_nothing_and_is_bridged() -> None:
    history = History()
    changed = WHOLE.replace("false", "true")
    history.missing.add(str(history.blob(changed)))
    assert history.diff({"m.tf": WHOLE}, {"m.tf": changed}) == []
    (change,) = history.diff({"m.tf": changed}, {"m.tf": WHOLE.replace('"web"\n', '"w"\n')})
    assert (change.effect, change.place.address) == ("updated", "aws_lb.web")


def test_binary_and_invalid_text_raise_nothing() -> None:
    diff({"m.tf": b"\xff\xfe\x00{"}, {"m.tf": b'resource "a" "\xff" {\n x = "\xed\xa0\x80"\n}\n'})


# -- caches


def test_a_blob_is_read_once_when_it_is_first_new_and_then_old() -> None:
    history = History()
    for number in range(5):
        history.diff({"m.tf": f'{LB}variable "v{number}" {{}}\n'}, {"m.tf": f'{LB}variable "v{number + 1}" {{}}\n'})
    assert len(history.reads) == len(set(history.reads)) == 6


def test_a_differ_with_warm_caches_says_what_a_new_one_says() -> None:
    history = History()
    trees = [{"m.tf": WHOLE}, {"m.tf": LB}, {"n.tf": LB}, {"n.tf": rules(80) + LB}, {}, {"m.tf": WHOLE}]
    for _ in range(2):
        for before, after in pairwise(trees):
            assert history.diff(before, after) == diff(before, after)


def test_the_cache_stays_within_its_budget_and_keeps_what_is_in_use() -> None:
    cache: BoundedCache[int, str] = BoundedCache(100)
    for number in range(1_000):
        cache.put(number, "x", 10)
        assert cache.get(0 if number % 3 == 0 else number) is not None or number > 0
        assert cache.get(number) == "x"
        assert len(cache) <= 10
    assert cache.put(5_000, "large", 60) == "large"
    assert cache.get(5_000) is None


class Lines:
    """A language of one block a line, with nothing but the protocol."""

    name = "lines"

    def matches(self, path: str) -> bool:
        return path.endswith(".lines")

    def directory(self, path: str) -> str:
        return path

    def split(self, path: str, data: bytes) -> Split:
        rows = enumerate(data.decode().splitlines(), 1)
        parts = ((number, row, *row.split("=", 1)) for number, row in rows)
        return Split(tuple(Span(key, "key", "", key, row.encode(), number, number) for number, row, key, _ in parts))

    def meaning(self, span: Span) -> Meaning:
        return Meaning({"value": span.text.decode().split("=", 1)[1].strip()}, {})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a=1\nb=2", "a=1\nb= 2", [("format_only", "b")]),
        ("a=1\nb=2", "a=1\nb=3", [("updated", "b")]),
        ("a=1", "a=1\nb=3", [("created", "b")]),
        ("a=1\nb=3", "b=3", [("deleted", "a")]),
    ],
)
def test_a_language_needs_no_more_than_the_protocol(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    blobs = {"old": before.encode(), "new": after.encode()}
    assert effects(Differ([Lines()]).changes([FileChange("x.lines", "old", "new")], blobs.get)) == expected
