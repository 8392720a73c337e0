"""Words that refer to what was talked about, and a question with some of its words replaced."""

from __future__ import annotations

NOUNS = "changes?|prs?|pull requests?|merge requests?|commits?|ones?|deploy(?:ment)?s?|releases?|apply|edits?|merges?|rollouts?|updates?"
IT = rf"(?:it|that|this|them|those|these|(?:that|this|the|the same|said) (?:{NOUNS}))"
_THINGS = (
    "things?|resources?|rules?|services?|files?|buckets?|databases?|dbs?|queues?|certs?|certificates?|incidents?|alerts?|outages?|"
    "settings?|values?|groups?|modules?|instances?|clusters?|load balancers?|lbs?"
)
THAT = rf"(?:it|that|this|them|those|these|(?:that|this|the same|said) (?:{NOUNS}|{_THINGS}))"
PERSON = r"(?:he|she|him|her|they|them|(?:that|this|the same) (?:person|guy|engineer|colleague))"
ORDER = {
    "first": 0, "1st": 0, "newest": 0, "latest": 0, "top": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4,
    "5th": 4, "sixth": 5, "last": -1, "oldest": -1,
}  # fmt: skip
"""What "the second one" counts from 0; from the end below."""
NTH = rf"(?P<n>{'|'.join(ORDER)}|\d{{1,2}})"


def replaced(question: str, mention: str, name: str) -> str:
    """The question about another thing: the words that named the first one replaced."""
    at = question.casefold().find(mention.casefold())
    if at < 0:
        return f"{question.rstrip(' ?')} ({name})?"
    before, after = question[:at], question[at + len(mention) :]
    if before.casefold().endswith(("the ", "our ")):
        before = before[:-4]
    return f"{before}{name}{after}"
