"""What a number, an ordinal or a name picks of what was offered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.conversation.line import Followed
from agent.conversation.turns import Turn

_NUMBER = re.compile(r"(?:(?:number|no\.?|option|the) ?)?(\d{1,2})[.)]?", re.I)
_NTH = {
    "first": 0, "1st": 0, "top": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "sixth": 5, "last": -1, "latter": -1, "former": 0, "one": 0, "two": 1, "three": 2, "four": 3, "five": 4, "six": 5,
}  # fmt: skip
_ORDINAL = re.compile(
    rf"(?:i (?:mean|meant) |take |pick )?(?:the |number |option |no\.? )?({'|'.join(_NTH)})(?: (?:one|of them|option|candidate))?",
    re.I,
)
_CALLED = re.compile(
    r"(?:i (?:mean|meant) |no,? |take |pick )*(?:the )?(?:one )?(?:(?:in|of|for|on) )?(?:the )?(?P<w>.+?)(?: one)?",
    re.I,
)


def picked(line: str, turns: Sequence[Turn]) -> Followed | None:
    """What a number, an ordinal or a name picks of what was offered last."""
    choices = turns[-1].choices if turns else ()
    if not choices:
        return None
    line = line.strip(" ?!.,;:")
    found = None
    if number := _NUMBER.fullmatch(line):
        index = int(number[1]) - 1
        if not 0 <= index < len(choices):
            return Followed(back=f"There are {len(choices)} to pick from.", choices=choices)
        found = choices[index]
    elif nth := _ORDINAL.fullmatch(line):
        index = _NTH[nth[1].casefold()]
        if index >= len(choices):
            return Followed(back=f"There are only {len(choices)} to pick from.", choices=choices)
        found = choices[index]
    elif (called := _CALLED.fullmatch(line)) and len(line.split()) <= 5:
        word = called["w"].casefold()
        exact = [c for c in choices if word == c.label.partition(" (")[0].casefold()]
        holding = exact or [
            c for c in choices if re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", c.label.casefold())
        ]
        if len(holding) == 1:
            found = holding[0]
        elif holding and len(holding) < len(choices):
            return Followed(back="Which of these?", choices=tuple(holding))
    return Followed(found.question) if found is not None else None
