"""More cases of the same kind from any repository's history: a revert whose message says what was wrong, and what it reverted.

    python -m bench.revert_mining --repo owner/name=PATH … > mined.json

The symptom is what the message says beside titles, hashes, links, trailers and templates; the culprit a mainline change of the
seven days before, which is no revert itself. Nobody has read these by hand: they are for training and for choosing between
designs, never for a result.
"""

from __future__ import annotations

import argparse
import json
import re
import sys

from bench.repositories import add_repository_option, head, repositories
from bench.revert_cases import WINDOW, Unit, read_units
from graph.clock import SECOND
from graph.text import text_tokens

_REVERTED = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b", re.IGNORECASE)
_TRAILER = re.compile(r"^\s*[A-Z][A-Za-z]*(-[A-Za-z]+)*(:|\s*=)\s.*$", re.MULTILINE)
_PROSE = re.compile(r"^\s*(Reason for revert|Reason|Error|Note|Because|Why)\s*:\s*", re.IGNORECASE | re.MULTILINE)
_NOISE = (
    re.compile(r"\(?cherry[- ]picked from commit [0-9a-f]+\)?", re.IGNORECASE),
    re.compile(r"This reverts commits? [0-9a-f]{7,40}(,? and [0-9a-f]{7,40})*\s*[.,]?", re.IGNORECASE),
    re.compile(r"https?://\S+"),
    re.compile(r"\b[0-9a-f]{12,40}\b"),
    re.compile(r"\bI[0-9a-f]{8,40}\b"),
)
MIN_WORDS = 4
"""Words that a symptom has at least."""


def mine(name: str, repository_head: str, units: list[Unit]) -> list[dict[str, object]]:
    """The cases of one repository, oldest first."""
    place = {unit.sha: number for number, unit in enumerate(units)}
    place |= {inner: number for number, unit in enumerate(units) for inner in unit.inner}
    titles = {unit.title for unit in units}
    cases: list[dict[str, object]] = []
    for number, unit in enumerate(units):
        found = _REVERTED.findall(unit.message)
        if len(found) != 1 or not unit.title.lower().startswith("revert"):
            continue
        culprit = _number(place, found[0])
        if culprit is None or not culprit < number:
            continue
        reverted = units[culprit]
        if not 0 < (unit.committed_s - reverted.committed_s) * SECOND <= WINDOW or _is_revert(reverted):
            continue
        symptom = _symptom(unit, titles)
        if len(text_tokens(symptom)) < MIN_WORDS:
            continue
        cases.append(
            {
                "id": f"mined-{name.rpartition('/')[2]}-{len(cases):04d}",
                "repo": name,
                "head": repository_head,
                "symptom": symptom,
                "detected_at": unit.committed_s,
                "before": unit.sha,
                "culprit": reverted.sha,
                "culprit_unit": reverted.sha,
                "gap_units": number - culprit,
            }
        )
    return cases


def _number(place: dict[str, int], written: str) -> int | None:
    if len(written) == 40:
        return place.get(written)
    return next((number for sha, number in place.items() if sha.startswith(written)), None)


def _is_revert(unit: Unit) -> bool:
    return unit.title.lower().startswith("revert") or _REVERTED.search(unit.message) is not None


def _symptom(unit: Unit, titles: set[str]) -> str:
    lines = unit.message.split("\n")
    text = "\n".join(
        line
        for line in lines
        if line.strip() not in titles and not line.lower().startswith(('revert "', "revert '", "revert:", 'merge "'))
    )
    text = _PROSE.sub("", text)
    text = _TRAILER.sub("", text)
    for noise in _NOISE:
        text = noise.sub(" ", text)
    return " ".join(text.split())[:2_000]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_repository_option(parser)
    options = parser.parse_args()
    cases: list[dict[str, object]] = []
    for name, path in repositories(options.repo).items():
        tip = head(path)
        found = mine(name, tip, read_units(path, tip))
        print(f"# {name}: {len(found)} cases", file=sys.stderr)
        cases.extend(found)
    json.dump(cases, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
