"""The git source: the whole history of one repository as facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source_doc import SourceDoc
from ingest.sources.git.blocks import BlockDiffer, Language
from ingest.sources.git.pull import Reading, pull
from ingest.sources.git.repository import Repository, open_repository

DOC = SourceDoc(
    about="""\
The whole history of a repository, read from a clone with `git` itself: commits with author, committer and what their messages tell by convention
(pull request, co-authors, reviews, reverts, cherry-picks), tags, CODEOWNERS, every file, and *blocks* of configuration: Terraform and OpenTofu
(`.tf`, `.tofu`, `.tf.json`, `.tfvars`), Terragrunt and other HCL, YAML (Kubernetes, GitHub Actions, CloudFormation, Compose and any other), JSON, and templates of them.

A block has a history of its own across moves and renames. Each change tells its attributes before and after, and whether it meant anything: what
is only formatted, reordered or written in newer syntax is `format_only`. A change holds from when it came to the mainline.

A pull reads what is new since the last one. A rewritten history is noticed: what is no longer part of it has ended. It fetches nothing by itself:

```console
$ git clone --mirror https://github.com/shop/infra.git /srv/git/infra.git
$ git -C /srv/git/infra.git remote update --prune    # before each ingest
```
""",
    yields=(
        *("Commit", "PullRequest", "Repository", "File", "Block", "Module", "Tag", "OwnershipRule", "Account", "Team"),
        *("CHANGED", "AUTHORED_BY", "COMMITTED_BY", "CO_AUTHORED_BY", "REVIEWED_BY", "APPROVED_BY", "PART_OF"),
        *("CONTAINS", "DEPENDS_ON", "MOVED_FROM", "REVERTS", "CHERRY_PICKED_FROM", "TAGS", "OWNED_BY"),
    ),
    permissions="""\
The right to read the clone. Whatever fetches it needs read access to the code and nothing else: a deploy key without write access, or a token with
*Contents: read* (GitHub) or `read_repository` (GitLab).
""",
    example="""\
sources:
  - git:
      path: /srv/git/infra.git
      name: shop/infra
      rev: main
""",
    limits=(
        "A URL is no path: clone first.",
        "What `rev` cannot reach is not read: branches that are not merged are known by their pull requests only.",
        "Files over 5 MB, binary files, submodules and what a partial or shallow clone does not hold are known by name only, if at all.",
        "Reviews and approvals are known as far as messages tell them; the github and gitlab sources read the rest.",
    ),
)


@dataclass(frozen=True, slots=True)
class GitSettings:
    """Which repository, up to which revision, under which name.

    Attributes:
        path: a clone or a bare repository on this machine.
        rev: branch, tag or hash whose history is read; nothing that it cannot reach is.
        name: `owner/name`; None reads it from the remote's URL or takes the folder's name.
    """

    path: str
    rev: str = "HEAD"
    name: str | None = None


class GitSource:
    """Reads a repository by running git. See `ingest.source.Source`."""

    def __init__(self, settings: GitSettings, reading: Reading | None = None) -> None:
        """`reading` gives the languages and a differ for one pull; by default all languages there are."""
        self.settings = settings
        self._reading = reading or _all_languages

    @property
    def name(self) -> str:
        """`git`."""
        return "git"

    @property
    def scope(self) -> str:
        """The repository's name, `owner/name`. Raises as `pull` does when there is no repository."""
        return self._repository.site.name

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """Facts in mainline order, cut only between mainline commits. See `ingest.source.Source`."""
        return pull(self._repository, self.settings.rev, cursor, now, self._reading)

    @cached_property
    def _repository(self) -> Repository:
        return open_repository(Path(self.settings.path), self.settings.name)


def _all_languages() -> tuple[Sequence[Language], BlockDiffer]:
    # Parsers are loaded only when there is something to read.
    from ingest.sources.git.block_diff import Differ
    from ingest.sources.git.languages import LANGUAGES

    return LANGUAGES, Differ(LANGUAGES)
