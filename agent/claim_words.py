"""Words that a claim is checked by: which may stand anywhere, which are numbers or months, and which say who did what."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.times import MONTHS as FULL_MONTHS

SPELLED = dict(
    zip(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        (str(i) for i in range(2, 13)),
        strict=True,
    )
) | {"twice": "2", "dozen": "12", "hundred": "100", "thousand": "1000", "million": "1000000"}

CLAIMING: Mapping[str, re.Pattern[str]] = {
    what: re.compile(rf"\b(?:{stems})", re.I)
    for what, stems in {
        "creating": r"creat|add(?:s|ed|ing)?\b|introduc|new\b",
        "deleting": r"delet|remov|dropp|destroy|gone\b",
        "approving": r"approv|review|signed off|lgtm",
        "merging": r"merg|landed",
        "reverting": r"revert|roll(?:ed|s|ing)?[- ]?back|undo|undid",
        "deploying": r"deploy|releas|shipp|roll(?:ed|s|ing)?[- ]?out|appl(?:y|ied|ies)\b|reach|went out",
        "causing": r"caus|because|due to|led to|leads to|root\b|culprit|resulted? in|trigger|thanks to|blame|fault of|responsible",
        "certainty": r"certain|definite|undoubted|clearly|obvious|prove[sdn]?\b|proof|confirm|always|never",
        "owning": r"own(?:s|ed|er|ers)\b|maintain|on[- ]call",
        "raising": r"rais|increas|higher|doubl|grew|grow",
        "lowering": r"lower(?:s|ed|ing)?\b|decreas|reduc|halv|shrank|shrunk|\bcut\b|fewer",
        "by hand": r"by hand|manual|console",
        "secrecy": r"secret|password|leak|breach|attack|intru|malicious|sabotag",
    }.items()
}
"""Words that say who did what or how sure that is. A sentence may use a sort only if what it cites does."""
BY_VALUE = frozenset({"raising", "lowering"})
"""Sorts that two numbers of a fact bear out as well (`50 → 5`)."""

COMMON = frozenset(
    """a about according across after again all also although among an and another any apart are around as at back because been before
    between both but by during each earlier either eleven even every everything finally first five for four from further given had has have
    he her here his how however i if in indeed instead is it its last later least less many meanwhile more moreover most much near neither
    nine no nobody none nor not nothing now of on once one only or other otherwise our over people per rather right second seven several she
    since six so some somebody someone soon still such ten than that the their them then there therefore these they third this those though
    three thus to together too twelve two under unless until up upon was we were what when where whereas whether which while who whose why
    with within without yesterday you your utc change changes changed commit service alert incident deployment resource pull request time cause
    evidence traffic requests errors perhaps possibly probably maybe likely may might could shortly just""".split()  # noqa: SIM905 - two hundred words, one by one
)
"""Words that may begin a sentence without being a name."""
HARMLESS = frozenset({"i", "utc", "pr", "prs", "mr", "id"})
"""Words in capitals that are no names."""


MONTHS = {name: i for i, month in enumerate(FULL_MONTHS, 1) for name in (month, month[:3])}
