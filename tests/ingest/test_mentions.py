"""What a text names for certain."""

from __future__ import annotations

import pytest

from graph.model import EntityRef
from ingest import names
from ingest.mentions import mentions

SHA = "a1" * 20
PULL = "https://github.com/shop/infra/pull/12"


def named(text: str) -> list[EntityRef]:
    """The refs of what it names, in its order."""
    return [m.ref for m in mentions(text)]


@pytest.mark.parametrize(
    "text",
    [PULL, f"See {PULL}.", f"{PULL}. It broke.", f"{PULL}.\nIt broke.", f"({PULL}).", f"<{PULL}>", f"{PULL}…", f"{PULL}!", f"{PULL}, and", f"{PULL}/files.", f"{PULL}#issuecomment-1."],
)  # fmt: skip
def test_a_link_to_a_pull_request_is_known_whatever_ends_the_sentence(text: str) -> None:
    assert named(text) == [names.pull_request("shop/infra", 12)]


@pytest.mark.parametrize(
    "text", [f"{PULL}.diff", f"{PULL}.patch", "https://github.com/shop/infra/pull/x", "#12", "pull/12"]
)
def test_what_is_no_link_to_a_pull_request_itself_names_none(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("https://github.com/shop/infra/issues/9.", names.issue("shop/infra", 9)),
        (f"https://github.com/shop/infra/commit/{SHA}.", names.commit(SHA)),
        ("https://github.com/shop/infra/actions/runs/77.", names.workflow_run("github", "shop/infra", "77")),
        ("https://gitlab.com/shop/infra/-/merge_requests/3.", names.pull_request("shop/infra", 3)),
        ("shop/infra#12.", names.pull_request("shop/infra", 12)),
        (f"reverts {SHA}.", names.commit(SHA)),
    ],
)
def test_everything_else_that_is_named_may_end_a_sentence_too(text: str, ref: EntityRef) -> None:
    assert named(text) == [ref]
