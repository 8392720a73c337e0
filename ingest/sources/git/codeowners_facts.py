"""Facts of CODEOWNERS: one rule a line, and whom it names, through time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graph.model import Assertion, Entity, EntityRef, Properties, Relation, ref
from ingest.sources.git.codeowners import Rule, file_order, read_rules
from ingest.sources.git.command import Git
from ingest.sources.git.log import REGULAR_MODES
from ingest.sources.git.mainline import Step
from ingest.sources.git.people import Accounts
from ingest.sources.git.site import Site

_OWNED: Properties = {"rule": "CODEOWNERS"}


@dataclass(frozen=True, slots=True)
class _InForce:
    path: str
    rules: Mapping[EntityRef, Rule]


_NONE = _InForce("", {})


class CodeownersFacts:
    """States the rules of the one file that is in force."""

    def __init__(
        self,
        site: Site,
        git: Git,
        out: list[Assertion],
        now: int,
        accounts: Accounts,
        read: Callable[[str], bytes | None],
    ) -> None:
        """`read` fetches a blob."""
        self._site = site
        self._git = git
        self._out = out
        self._now = now
        self._accounts = accounts
        self._read = read
        self._order = file_order(site.web.forge)
        self._paths = frozenset(self._order)
        self._blobs: dict[str, str] | None = None
        self.unread: list[tuple[str, str]] = []
        """(path, blob) of files in force that could not be read."""

    def state(self, step: Step) -> None:
        """State what the step's diff did to the rules in force."""
        touched = [entry for entry in step.commit.files if entry.path in self._paths]
        if not touched:
            return
        if self._blobs is None:
            # What was in force before is in the history, not in the cursor.
            self._blobs = {} if step.cut or not step.commit.parents else self._blobs_in(step.commit.parents[0])
        before = self._in_force(self._blobs)
        for entry in touched:
            if entry.new_blob is not None and entry.new_mode in REGULAR_MODES:
                self._blobs[entry.path] = entry.new_blob
            else:
                self._blobs.pop(entry.path, None)
        self._replace(before, self._in_force(self._blobs), step)

    def _blobs_in(self, commit: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in self._git.run("ls-tree", "-z", "--full-tree", commit, "--", *self._order).decode().split("\0"):
            meta, _, path = row.partition("\t")
            if path and meta.split(" ")[0] in REGULAR_MODES:
                found[path] = meta.split(" ")[2]
        return found

    def _in_force(self, blobs: Mapping[str, str]) -> _InForce:
        path = next((path for path in self._order if path in blobs), None)
        data = self._read(blobs[path]) if path is not None else None
        if path is None:
            return _NONE
        if data is None:
            self.unread.append((path, blobs[path]))
            return _NONE
        rules = read_rules(data.decode("utf-8", "backslashreplace"))
        refs = (ref("OwnershipRule", self._site.name, r.section, r.pattern, str(r.occurrence)) for r in rules)
        return _InForce(path, dict(zip(refs, rules, strict=True)))

    def _replace(self, before: _InForce, after: _InForce, step: Step) -> None:
        commit = step.commit
        for this, rule in before.rules.items():
            if this not in after.rules:
                sha = commit.parents[0] if commit.parents else commit.sha
                self._rule(this, rule, before.path, sha, step, present=False)
                self._owners(this, rule.owners, rule, before.path, sha, step, present=False)
        for this, rule in after.rules.items():
            old = before.rules.get(this)
            if old is None or (old.line, old.owners) != (rule.line, rule.owners):
                self._rule(this, rule, after.path, commit.sha, step)
            was = old.owners if old is not None else ()
            gone = tuple(owner for owner in was if owner not in rule.owners)
            self._owners(this, gone, rule, after.path, commit.sha, step, present=False)
            come = tuple(owner for owner in rule.owners if owner not in was)
            self._owners(this, come, rule, after.path, commit.sha, step)

    def _rule(self, this: EntityRef, rule: Rule, path: str, sha: str, step: Step, *, present: bool = True) -> None:
        properties: Properties = {
            "repository": self._site.name,
            "pattern": rule.pattern,
            "line": rule.line,
            "owners": rule.owners,
        }
        self._say(Entity(this, properties), rule, path, sha, step, present=present)

    def _owners(
        self,
        this: EntityRef,
        owners: tuple[str, ...],
        rule: Rule,
        path: str,
        sha: str,
        step: Step,
        *,
        present: bool = True,
    ) -> None:
        for owner in owners:
            account = self._owner(owner, path, step, self._site.locator(sha, path, (rule.line, rule.line)))
            if account is not None:
                self._say(Relation("OWNED_BY", this, account, _OWNED), rule, path, sha, step, present=present)

    def _owner(self, owner: str, path: str, step: Step, locator: str) -> EntityRef | None:
        if not owner.startswith("@"):
            return self._accounts.account("", owner, step.point.at, locator)
        handle = owner.lstrip("@")
        system = "gitlab" if self._site.web.forge == "gitlab" or path.startswith(".gitlab/") else "github"
        if "/" in handle:
            return self._accounts.team(system, handle, step.point.at, locator)
        return self._accounts.login(system, handle, step.point.at, locator)

    def _say(self, fact: Entity | Relation, rule: Rule, path: str, sha: str, step: Step, *, present: bool) -> None:
        lines = (rule.line, rule.line)
        locator, url = self._site.locator(sha, path, lines), self._site.web.file(sha, path, lines)
        self._out.append(Assertion(fact, step.point.at, self._now, locator, present=present, url=url))
