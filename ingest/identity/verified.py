"""The file in which a team says who is who, and who is not.

```yaml
people:
  - name: Jane Doe
    mails: [jane@acme.io, jdoe@home.example]
    logins: {github: janedoe, slack: U02AB3CD4}
bots: [deploy-bot, "github:acme-ci", ci@acme.io]
shared: [ops@acme.io]
not_same:
  - [jane@acme.io, "github:jdoe"]
shared_logins:            # systems on which one login is one person
  - [gitlab, kubernetes, aws]
domains: [acme.io, acme.com]
```

An account is named by `system:login`, by a mail address, or by a login alone, which means it on every system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import yaml

from ingest.identity import words
from ingest.identity.accounts import Account
from ingest.source import SourceDataInvalid

_HINT = "See the example in the documentation of identities; every key is optional, but none may have another name."


class _Person(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    mails: list[str] = []
    logins: dict[str, str | list[str]] = {}
    accounts: list[str] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    people: list[_Person] = []
    bots: list[str] = []
    shared: list[str] = []
    not_same: list[tuple[str, str]] = []
    shared_logins: list[list[str]] = []
    domains: list[str] = []


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """One person as the team states it: the name to show, and the accounts."""

    name: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a team says of its accounts. Empty when it says nothing.

    Attributes:
        people: who has which accounts.
        bots, shared: accounts that are nobody's.
        not_same: pairs that are never one person.
        shared_logins: groups of systems on which one login is one person.
        domains: the organisation's own mail domains.
    """

    people: Sequence[VerifiedPerson] = ()
    bots: Sequence[str] = ()
    shared: Sequence[str] = ()
    not_same: Sequence[tuple[str, str]] = ()
    shared_logins: Sequence[Sequence[str]] = ()
    domains: Sequence[str] = ()


def read_verified(path: Path) -> Verified:
    """Read the file.

    Raises:
        SourceDataInvalid: it is not there, no YAML, or says something else than the format allows.
    """
    try:
        told = msgspec.convert(yaml.safe_load(path.read_text("utf-8")) or {}, _File)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceDataInvalid(
            f"The file of verified people {path.name} cannot be read.", "Check its path and rights."
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise SourceDataInvalid(f"The file of verified people {path.name} is no YAML{where}.", _HINT) from error
    except msgspec.ValidationError as error:
        raise SourceDataInvalid(
            f"The file of verified people {path.name} is not as expected: {error}.", _HINT
        ) from error
    return Verified(
        tuple(VerifiedPerson(p.name, tuple(_accounts(p))) for p in told.people),
        tuple(told.bots),
        tuple(told.shared),
        tuple(told.not_same),
        tuple(tuple(systems) for systems in told.shared_logins),
        tuple(told.domains),
    )


def _accounts(person: _Person) -> Iterable[str]:
    yield from person.mails
    yield from person.accounts
    for system, logins in person.logins.items():
        for login in [logins] if isinstance(logins, str) else logins:
            yield f"{system}:{login}"


@dataclass
class Selectors:
    """Accounts by the ways a file names them."""

    accounts: Sequence[Account]
    _found: Mapping[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, list[int]] = {}
        for i, account in enumerate(self.accounts):
            keys = {str(account.ref).lower()} | {address.address for address in account.mails}
            for one in account.named:
                if one.scheme in ("login", "id", "uid", "arn", "email"):
                    keys |= {one.name.strip().lower(), f"{account.system}:{one.name.strip()}".lower()}
            for login in account.logins:
                keys |= {login, f"{account.system}:{login}"}
            for key in keys:
                found.setdefault(key, []).append(i)
        self._found = found

    def of(self, selector: str) -> list[int]:
        """Positions of the accounts that `system:login`, a mail address or a login names."""
        text = selector.strip().lower()
        found = self._found.get(text, [])
        if (
            "@" in text
            and not found
            and (address := words.mail(text)) is not None
            and ":" not in text.partition("@")[0]
        ):
            found = self._found.get(address.address, [])
        return found
