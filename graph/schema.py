"""Every entity kind and relation type, described. The reference in `docs/schema.md` is generated from this file.

A property marked `indexed` can be selected and aggregated by. Times in properties are RFC 3339 text; times of facts are
the fact's own clocks. The store takes kinds and properties that are not listed here (a source may know more than we do),
but a contract test asks that our own sources list theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1
"""Number of the stored layout. A store of a newer number is refused; an older one is migrated when opened."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an entity or relation."""

    name: str
    doc: str
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """An entity kind."""

    name: str
    doc: str
    properties: tuple[Property, ...] = ()
    change: bool = False
    """True for kinds that are changes: they have `CHANGED` relations to what they touched."""


@dataclass(frozen=True, slots=True)
class RelationType:
    """A relation type, read `src NAME dst`."""

    name: str
    src: str
    dst: str
    doc: str
    properties: tuple[Property, ...] = ()


def _p(name: str, doc: str) -> Property:
    return Property(name, doc)


def _i(name: str, doc: str) -> Property:
    return Property(name, doc, indexed=True)


EFFECTS = frozenset({"created", "updated", "deleted", "moved", "format_only"})
"""What a change did to its target. `moved`: same meaning under another name or place. `format_only`: other bytes, same meaning."""

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "Repository",
            "A version-controlled repository.",
            (
                _i("name", "owner/name"),
                _p("url", "where a browser finds it"),
                _p("default_branch", "the mainline's name"),
            ),
        ),
        Kind(
            "Directory",
            "A directory of a repository.",
            (_i("repository", "owner/name"), _i("path", "path in the repository, `` for the root")),
        ),
        Kind(
            "File",
            "A file of a repository, by path.",
            (
                _i("repository", "owner/name"),
                _i("path", "path in the repository"),
                _p("language", "hcl, yaml, json … or empty"),
                _p("mode", "git file mode"),
            ),
        ),
        Kind(
            "Block",
            "A named piece of configuration code: a Terraform block, a Kubernetes object, a workflow job, a CloudFormation resource, a top-level key.",
            (
                _i("repository", "owner/name"),
                _i("directory", "module directory in the repository"),
                _i("path", "file that holds it"),
                _p("language", "hcl, yaml, json, template"),
                _i("block_type", "resource, data, module, variable, output, local, provider, object, job, key …"),
                _i(
                    "type",
                    "resource type (`aws_lb_listener_rule`, `kubernetes:Deployment`, `AWS::EC2::Instance`), empty where there is none",
                ),
                _i("name", "its own name (`api` of `aws_lb.api`)"),
                _i("address", "address within the directory: `aws_lb.api`, `module.vpc`, `Deployment/shop/api`"),
                _p("attributes", "attribute path -> normalised value; what it says, not how it is written"),
            ),
        ),
        Kind(
            "Module",
            "A directory of code that others call, or a module source elsewhere.",
            (
                _i("repository", "owner/name, empty for a remote source"),
                _i("directory", "directory in the repository"),
                _i("source", "source address as called"),
            ),
        ),
        Kind(
            "Commit",
            "A git commit.",
            (
                _p("repository", "owner/name"),
                _i("short", "first seven hex digits of its hash, for what people paste"),
                _p("title", "first line of its message"),
                _p("authored_at", "RFC 3339"),
                _p("committed_at", "RFC 3339"),
                _p("parents", "full hashes"),
                _p(
                    "mainline",
                    "hash of the first-parent commit that brought it to the mainline; its own when it is one",
                ),
                _p("position", "index on the mainline, 0 for the root; for others that of `mainline`"),
                _p("merged_at", "when it reached the mainline, RFC 3339"),
            ),
            change=True,
        ),
        Kind("Tag", "A git tag.", (_i("repository", "owner/name"), _i("name", "tag name"))),
        Kind(
            "PullRequest",
            "A pull or merge request.",
            (
                _i("repository", "owner/name"),
                _i("number", "its number"),
                _p("title", "title"),
                _p("url", "permalink"),
                _p("branch", "head branch"),
            ),
            change=True,
        ),
        Kind(
            "Account",
            "A name on one system; `SAME_AS` joins it to a Person.",
            (
                _i("system", "git, github, slack, aws …"),
                _i("email", "mail address, lower case"),
                _p("name", "display name"),
                _i("bot", "true for automation"),
            ),
        ),
        Kind("Person", "A human being.", (_i("name", "display name"),)),
        Kind("Team", "A group that owns things.", (_i("name", "name or handle"),)),
        Kind(
            "OwnershipRule",
            "A line of a CODEOWNERS file.",
            (
                _i("repository", "owner/name"),
                _p("pattern", "as written"),
                _p("line", "line number; the last match wins"),
                _p("owners", "handles and mails as written"),
            ),
        ),
        Kind("Environment", "Where things run: prod, staging.", (_i("name", "name"),)),
        Kind(
            "CloudAccount",
            "An account, project or subscription of a cloud.",
            (_i("provider", "aws, gcp, azure"), _i("account_id", "its id")),
        ),
        Kind("Service", "A deployable service.", (_i("name", "name"),)),
        Kind(
            "Resource",
            "An instance of something real: one per state lineage, workspace and instance address.",
            (
                _i("type", "resource type"),
                _i("name", "name in the code"),
                _i("address", "full instance address with its count or for_each key"),
                _i("lineage", "state lineage"),
                _i("workspace", "Terraform workspace"),
                _i("environment", "environment, where known"),
                _i("provider", "provider address"),
                _p("attributes", "attribute path -> value; sensitive ones redacted"),
            ),
        ),
        Kind(
            "StateVersion",
            "One serial of a Terraform state: an apply was recorded.",
            (
                _i("lineage", "state lineage"),
                _p("serial", "serial"),
                _i("workspace", "workspace"),
                _p("terraform_version", "version that wrote it"),
            ),
            change=True,
        ),
        Kind(
            "Deployment",
            "A deployment of a version to an environment.",
            (_i("service", "name"), _i("environment", "name"), _p("version", "version or commit")),
            change=True,
        ),
        Kind("AuditEvent", "An entry of an audit log.", (_i("action", "API call"),), change=True),
        Kind(
            "Document",
            "A text: runbook, decision, post-mortem.",
            (_i("repository", "owner/name"), _i("path", "path"), _p("title", "title")),
        ),
        Kind("Channel", "A chat channel.", (_i("name", "name"),)),
        Kind("Thread", "A conversation.", ()),
        Kind("Alert", "An alert that fired.", (_i("name", "name"),)),
        Kind("Incident", "Something broke.", ()),
        Kind("Investigation", "A run of the investigator.", ()),
        Kind("Learning", "A confirmed cause.", ()),
        Kind("CostItem", "A line of cost.", ()),
        Kind("Finding", "Drift, waste or risk found.", ()),
    )
}

_ATTRIBUTES = Property(
    "attributes",
    "list of {path, before, after}; before and after are {state, value}, state one of value, absent, redacted, unknown",
)

RELATIONS: dict[str, RelationType] = {
    relation.name: relation
    for relation in (
        RelationType(
            "CHANGED",
            "a change",
            "anything",
            "The change touched it. Holds from when it reached the mainline (code) or happened (events).",
            (
                Property("effect", "created, updated, deleted, moved, format_only", indexed=True),
                _ATTRIBUTES,
                _p("via", "hash of the mainline commit when the change is a commit inside a merge"),
                _p("commits", "when several commits inside one merge made it: their hashes, newest first"),
                _p("path", "file, as of this change"),
                _p("moved_from", "for moved: {directory, address, path} before"),
                _p("score", "for moved: likeness 0 to 1"),
            ),
        ),
        RelationType("AUTHORED_BY", "a change", "Account", "Who wrote it."),
        RelationType("COMMITTED_BY", "Commit", "Account", "Who committed it, when not the author."),
        RelationType("CO_AUTHORED_BY", "Commit", "Account", "Named in a Co-authored-by trailer."),
        RelationType("REVIEWED_BY", "a change", "Account", "Named in a Reviewed-by trailer or a review."),
        RelationType(
            "APPROVED_BY", "a change", "Account", "Named in an Acked-by or Approved-by trailer, or an approving review."
        ),
        RelationType("MERGED_BY", "PullRequest", "Account", "Who merged it."),
        RelationType("PART_OF", "Commit", "PullRequest", "The commit came with this pull request."),
        RelationType("REVERTS", "Commit", "Commit", "It undoes the other."),
        RelationType("CHERRY_PICKED_FROM", "Commit", "Commit", "It repeats the other."),
        RelationType("TAGS", "Tag", "Commit", "The tag names the commit."),
        RelationType(
            "MOVED_FROM",
            "Block or File",
            "Block or File",
            "Same thing, earlier name. Holds from the move on; the earlier name's history before that is its history.",
            (_p("score", "likeness 0 to 1"), _p("rule", "moved_block, same_body, similar_body")),
        ),
        RelationType(
            "DEPENDS_ON",
            "Block or Resource",
            "Block or Resource",
            "The first refers to the second.",
            (_p("via", "attribute paths that hold the reference"),),
        ),
        RelationType(
            "CONTAINS",
            "Module, Block, Repository",
            "Block, Module",
            "A module holds its blocks; a module call holds the module it calls.",
        ),
        RelationType("DECLARES", "Block", "Resource", "The code of which this is an instance."),
        RelationType(
            "OWNED_BY", "anything", "Team, Account or Person", "Who answers for it.", (_p("rule", "what said so"),)
        ),
        RelationType(
            "REACHED",
            "a change",
            "Environment",
            "When a change took effect there.",
            (
                _p("earliest", "RFC 3339"),
                _p("latest", "RFC 3339 or null"),
                _p("basis", "applied, deployed, merged, unknown"),
            ),
        ),
        RelationType("RUNS_IN", "Resource, Deployment, StateVersion", "Environment", "Where it runs."),
        RelationType(
            "SAME_AS",
            "any ref",
            "any ref",
            "Two names of the same instance; reads join them.",
            (_p("rule", "what said so"), _p("confidence", "0 to 1")),
        ),
    )
}

ACTOR_RELATIONS = ("AUTHORED_BY", "COMMITTED_BY", "CO_AUTHORED_BY", "MERGED_BY")
"""Relations from a change to who did it; `ChangeQuery.by` follows them."""

INDEXED: dict[str, frozenset[str]] = {
    kind.name: frozenset(p.name for p in kind.properties if p.indexed) for kind in KINDS.values()
}
"""Indexed properties by kind."""
