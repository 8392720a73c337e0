"""Names and addresses of people, brought into forms that compare.

Mail addresses: RFC 5321 lets local parts differ by case and by `+tag`; the mailboxes people use do not.
GitHub's private addresses: https://docs.github.com/en/account-and-profile/reference/email-addresses-reference
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from ingest.identity.common_names import ONES_OWN, PROVIDERS, ROLES

_MAIL = re.compile(r"\w[^\s@<>:;,\"'#/]*@[^\s@<>:;,\"'#/]*\w")
_GITHUB = re.compile(r"(?:(\d+)\+)?([a-z0-9\-_]+(?:\[bot\])?)@users\.noreply\.github\.com")
_GITLAB = re.compile(r"(?:(\d+)-)?([a-z0-9\-_.]+)@users\.noreply\.gitlab\.[a-z.]+")
_SVN = re.compile(r"(.+)@[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NOWHERE = frozenset(
    [
        "localhost",
        "localhost.localdomain",
        "localdomain",
        "local",
        "(none)",
        "none",
        "domain.com",
        "invalid",
        "users",
        "email.com",
        "noreply.com",
    ]
)
_NOWHERE_ENDS = (
    ".local",
    ".localdomain",
    ".(none)",
    ".internal",
    ".lan",
    ".home",
    ".localhost",
    ".invalid",
    ".none",
)
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "’": "",
        "'": "",
        "`": "",
    }
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_ASIDE = re.compile(r"\(([^)]*)\)|\[([^\]]*)\]|\"([^\"]*)\"|“([^”]*)”|(?:^|\s)'([^']+)'(?=\s|$)|<([^>]*)>")
_BETWEEN = re.compile(r"[\s._\-/,&+|]+")
_SEVERAL = re.compile(r"\s(?:and|und|et|&|\+|/)\s|&", re.IGNORECASE)
"""What stands between two people's names: pairs commit together."""
_HUMPS = re.compile(r"([A-Z][a-z]{2,})([A-Z][a-z]{2,})")
_NOISE = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "ing",
        "jr",
        "sr",
        "ii",
        "iii",
        "phd",
        "msc",
        "md",
        "via",
        "the",
        "at",
        "from",
        "of",
        "and",
        "team",
        "bot",
        "contractor",
        "external",
        "ext",
    ]
)
_TEAM = frozenset(
    [
        "team",
        "teams",
        "oncall",
        "alerts",
        "alert",
        "ops",
        "support",
        "noreply",
        "reply",
        "bot",
        "ci",
        "cd",
        "build",
        "deploy",
        "list",
        "daemon",
        "svc",
        "robot",
        "automation",
        "jenkins",
    ]
)
"""Words that make a login a function's wherever they stand in it: `team-payments`, `acme-ci`."""
_HANDLE = re.compile(r"[^\W_](?:[\w.\-]*\w)?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail address that compares.

    Attributes:
        address: lower case, without `+tag`; of Gmail without dots and by its one domain.
        local: the local part, without `+tag`, as people write it (with dots).
        domain: the domain.
        forge: `github` or `gitlab` when it is a forge's private address; `local` is then the login there.
        forge_id: the account's number there, when the address tells it.
        real: a mailbox of somebody: neither a machine's default, nor shared, nor nowhere.
    """

    address: str
    local: str
    domain: str
    forge: str = ""
    forge_id: str = ""
    real: bool = True

    @property
    def open(self) -> bool:
        """Whether its local part may mean anybody."""
        return self.local in ONES_OWN


@lru_cache(maxsize=65536)
def mail(text: str) -> Mail | None:
    """The address in a text such as `Jane@X.org`, `oidc:jane@x.org` or `mailto:jane@x.org`; None when there is none, or several."""
    several = _MAIL.findall(text.strip().lower())
    if len(several) != 1:
        return None
    written = several[0].strip(".")
    if (forge := _GITHUB.fullmatch(written)) is not None:
        return Mail(written, forge[2], "users.noreply.github.com", "github", forge[1] or "")
    if (forge := _GITLAB.fullmatch(written)) is not None:
        return Mail(written, forge[2], "users.noreply.gitlab.com", "gitlab", forge[1] or "")
    local, _, domain = written.rpartition("@")
    if (imported := _SVN.fullmatch(written)) is not None:  # what git-svn writes: `user@<uuid of the repository>`
        return Mail(written, imported[1], domain, real=False)
    plain = local.partition("+")[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        domain, address = "gmail.com", plain.replace(".", "") + "@gmail.com"
    else:
        address = f"{plain}@{domain}"
    return Mail(address, plain, domain, real=_is_real(plain, domain))


def _is_real(local: str, domain: str) -> bool:
    if "." not in domain or domain in _NOWHERE or domain.endswith(_NOWHERE_ENDS) or re.fullmatch(r"[\d.]+", domain):
        return False
    if local in ONES_OWN:
        return not is_provider(domain)
    return not is_role(local) and not (local.startswith(("noreply", "no-reply", "no.reply", "donotreply")))


def is_role(word: str) -> bool:
    """Whether a login, local part or name stands for a function (`ops`, `root`) and not for somebody."""
    plain = word.strip().lower()
    return plain in ROLES or not _TEAM.isdisjoint(re.split(r"[-_.]", plain))


def is_provider(domain: str) -> bool:
    """Whether anybody may have an address there."""
    return domain in PROVIDERS


@lru_cache(maxsize=65536)
def family(domain: str) -> str:
    """What domains of one organisation share: `acme` of `acme.com`, `mail.acme.io` and `acme.co.uk`. Empty for providers."""
    if is_provider(domain):
        return ""
    parts = domain.split(".")
    if (
        len(parts) >= 3
        and len(parts[-1]) == 2
        and parts[-2] in ("co", "com", "org", "net", "ac", "gov", "gob", "edu", "or", "ne")
    ):
        parts = parts[:-1]
    return parts[-2] if len(parts) >= 2 else ""


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Lower case without diacritics: `Łukasz Müller` is `lukasz muller`. Letters of other scripts stay."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return unicodedata.normalize("NFKC", "".join(c for c in plain if not unicodedata.combining(c)))


@dataclass(frozen=True, slots=True)
class Name:
    """A display name as read.

    Attributes:
        tokens: its words, folded, in the order given name … family name where that shows.
        umlauts: the same with `ö` as `oe`, when that differs.
        nick: a handle: the whole when it is one word, or what stood in quotes or brackets.
        written: as it was written.
        guessed: it was written as one word (`JaneDoe`, `jane-doe`), so that it may be a nick and no name at all.
    """

    tokens: tuple[str, ...]
    umlauts: tuple[str, ...]
    nick: tuple[str, ...]
    written: str
    guessed: bool = False

    full: bool = field(init=False, compare=False)
    """A given and a family name, at least."""
    initialled: bool = field(init=False, compare=False)
    """`J. Doe`: one whole word, the others initials."""
    key: str = field(init=False, compare=False)
    """Equal for the same words in any order."""
    keys: frozenset[str] = field(init=False, compare=False)
    """`key`, and that of its other spelling."""

    def __post_init__(self) -> None:
        whole = sum(len(token) > 1 for token in self.tokens)
        set_ = object.__setattr__
        set_(self, "full", whole >= 2 or (len(self.tokens) == 1 and is_cjk(self.tokens[0])))
        set_(self, "initialled", whole == 1 and len(self.tokens) >= 2)
        set_(self, "key", " ".join(sorted(self.tokens)))
        set_(self, "keys", frozenset((self.key, " ".join(sorted(self.umlauts)))))


def is_cjk(token: str) -> bool:
    """A name of at least three characters in a script that writes family and given name as one word."""
    return len(token) >= 3 and _CJK.fullmatch(token) is not None


@lru_cache(maxsize=65536)
def name(text: str) -> Name | None:
    """A display name; None for what is no name: empty, an address, a machine's default."""
    written = " ".join(text.split())
    if not written or is_role(written):
        return None
    asides = [part for groups in _ASIDE.findall(written) for part in groups if part]
    plain = _ASIDE.sub(" ", written)
    if "@" in plain:
        plain = plain.partition("@")[0]
        if is_role(plain):
            return None
    if _SEVERAL.search(plain) is not None:
        return None
    last, comma, first = plain.partition(",")
    if comma and len(last.split()) > 1 and len(first.split()) > 1:
        return None  # `Jane Doe, John Roe`
    if comma and "," not in first and first.strip():
        plain = f"{first} {last}"
    tokens = _tokens(plain)
    nick = [handle for aside in asides if (handle := as_handle(aside))]
    one_word = len(plain.split()) == 1
    if one_word and (handle := as_handle(plain)):
        nick.append(handle)
        if len(tokens) == 1 and (humps := _HUMPS.fullmatch(plain.strip())) is not None:
            tokens = (fold(humps[1]), fold(humps[2]))
    if not tokens and not nick:
        return None
    umlauts = _tokens(plain.casefold().translate(_UMLAUTS)) if len(tokens) > 1 else tokens
    return Name(
        tokens, umlauts if len(umlauts) == len(tokens) else tokens, tuple(nick), written, one_word and len(tokens) > 1
    )


def _tokens(text: str) -> tuple[str, ...]:
    words = (word.strip("*~!?:;#") for word in _BETWEEN.split(fold(text)))
    found = [word for word in words if word and word not in _NOISE]
    return tuple(found) if all(word.isalpha() for word in found) else ()


def as_handle(text: str) -> str:
    """A login, nick or local part as it compares; empty when the text is none, or stands for nobody."""
    handle = fold(text.strip().lstrip("@"))
    if _HANDLE.fullmatch(handle) is None or is_role(handle):
        return ""
    return handle
