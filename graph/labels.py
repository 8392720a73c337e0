"""Who may read what: labels against the audience of a view."""

from __future__ import annotations

from collections.abc import Iterable


def may_read(label: str, audience: frozenset[str]) -> bool:
    """Whether a reader who holds these labels sees what carries this one; `a+b` needs both."""
    return label in audience if "+" not in label else audience.issuperset(label.split("+"))


def single_labels(labels: Iterable[str]) -> frozenset[str]:
    """The labels that these are made of."""
    return frozenset(part for label in labels for part in label.split("+"))


def readable(labels: Iterable[str], audience: frozenset[str]) -> frozenset[str]:
    """Those of the labels that the audience may read."""
    return frozenset(label for label in labels if may_read(label, audience))
