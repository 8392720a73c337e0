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
                _p("base", "branch it is to be merged into"),
                _i("state", "open, closed, merged"),
                _p("created_at", "RFC 3339"),
                _p("merged_at", "RFC 3339; only in versions that hold from then on"),
                _p("closed_at", "RFC 3339; only in versions that hold from then on"),
                _p("merge_commit", "full hash; only in versions that hold from then on"),
                _p("draft", "true while it is a draft"),
                _p("labels", "names"),
                _p("files", "paths it changes, as far as listed"),
            ),
            change=True,
        ),
        Kind(
            "Issue",
            "An issue or ticket.",
            (
                _i("repository", "owner/name"),
                _i("number", "its number or key"),
                _p("title", "title"),
                _p("url", "permalink"),
                _i("state", "open, closed"),
            ),
        ),
        Kind(
            "WorkflowRun",
            "A run of a pipeline: GitHub Actions, GitLab CI.",
            (
                _i("repository", "owner/name"),
                _i("name", "workflow or pipeline"),
                _p("number", "its number"),
                _p("event", "what started it: push, pull_request, schedule …"),
                _p("branch", "branch it ran on"),
                _p("commit", "full hash it ran on"),
                _i("conclusion", "success, failure, cancelled …; empty while it runs"),
                _p("failing_step", "job / step that failed"),
                _p("started_at", "RFC 3339"),
                _p("completed_at", "RFC 3339; only in versions that hold from then on"),
                _p("attempt", "number of the attempt"),
                _p("url", "permalink"),
            ),
        ),
        Kind(
            "Release",
            "A published release.",
            (
                _i("repository", "owner/name"),
                _i("name", "title"),
                _i("tag", "git tag"),
                _p("url", "permalink"),
                _p("prerelease", "true for one"),
            ),
        ),
        Kind(
            "Account",
            "A name on one system; `SAME_AS` joins it to a Person.",
            (
                _i("system", "git, github, gitlab, slack, aws, kubernetes, pagerduty …"),
                _i("email", "mail address, lower case"),
                _p("name", "display name"),
                _i("login", "login or id on that system"),
                _p("type", "user, role_session, role, service, root …"),
                _i("bot", "true for automation"),
                _p("url", "profile"),
            ),
        ),
        Kind(
            "Person",
            "A human being.",
            (_i("name", "display name"), _p("email", "mail address, lower case")),
        ),
        Kind(
            "Team",
            "A group that owns things.",
            (
                _i("name", "name or handle"),
                _p("title", "full name"),
                _p("email", "mail address"),
                _p("channel", "chat channel"),
                _p("url", "page"),
            ),
        ),
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
            (_i("provider", "aws, gcp, azure"), _i("account_id", "its id"), _p("name", "name")),
        ),
        Kind(
            "Service",
            "A deployable service.",
            (
                _i("name", "name"),
                _p("title", "full name"),
                _p("description", "what it is for"),
                _i("tier", "tier or criticality as the catalog has it"),
                _i("lifecycle", "production, experimental, deprecated …"),
                _p("type", "service, website, library …"),
                _i("system", "system it is part of"),
                _p("repository", "owner/name of its code"),
                _p("channel", "chat channel"),
                _p("url", "page"),
            ),
        ),
        Kind(
            "System",
            "A system or domain of a catalog: services that belong together.",
            (
                _i("name", "name"),
                _i("kind", "system, domain"),
                _p("title", "full name"),
                _p("description", "what it is for"),
                _p("type", "as told"),
                _p("lifecycle", "as told"),
            ),
        ),
        Kind(
            "Api",
            "An interface that a service provides, as a catalog names it.",
            (
                _i("name", "name"),
                _p("title", "full name"),
                _p("description", "what it is for"),
                _p("type", "openapi, grpc, asyncapi …"),
                _p("lifecycle", "as told"),
            ),
        ),
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
                _i("provider", "provider address, or aws, kubernetes, gcp, azure"),
                _i("cloud_id", "ARN, Kubernetes UID, resource id or URN: what names this very instance"),
                _i("account_id", "cloud account, project or subscription"),
                _i("region", "region or zone"),
                _i("cluster", "Kubernetes cluster"),
                _i("namespace", "Kubernetes namespace"),
                _p("status", "as the provider words it"),
                _p("created_at", "RFC 3339"),
                _p("expires_at", "RFC 3339"),
                _p("tags", "tags or labels, key -> value"),
                _p("attributes", "attribute path -> value; sensitive ones redacted"),
            ),
        ),
        Kind(
            "Plan",
            "A plan or preview: changes that were intended, not made. `PLANS` leads to what it would touch.",
            (
                _i("tool", "terraform, pulumi, cloudformation"),
                _p("created_at", "RFC 3339"),
                _p("workspace", "workspace or stack"),
                _i("environment", "environment, where known"),
                _p("version", "version of the tool"),
                _p("commit", "full hash of the code it was made from"),
                _p("repository", "owner/name of the code"),
                _p("summary", "effect -> how many"),
                _p("complete", "false when the tool says that it is not"),
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
            "A deployment of a version to an environment, or an apply of infrastructure code. Holds from when it took effect.",
            (
                _i("service", "name of the service; empty for an apply"),
                _i("environment", "name"),
                _p("version", "version, image tag or commit as told"),
                _p("previous_version", "what it replaced, where told"),
                _p("commit", "full hash of the code, where known"),
                _i("repository", "owner/name of the code, where known"),
                _i("action", "deploy, rollback, apply, config, restart, scale"),
                _i("outcome", "succeeded, failed, in_progress, cancelled, or as told"),
                _p("started_at", "RFC 3339"),
                _p("finished_at", "RFC 3339"),
                _i("tool", "github, gitlab, argo, helm, kubernetes, terraform, pulumi, cloudformation, cdevents …"),
                _p("workspace", "Terraform workspace or stack of an apply"),
                _p("title", "one line"),
                _p("url", "permalink"),
                _p("deployment_id", "its id on that system"),
            ),
            change=True,
        ),
        Kind(
            "AuditEvent",
            "An entry of an audit log: something was done through an API.",
            (
                _i("action", "API call: elasticloadbalancing:ModifyRule, compute.firewalls.patch"),
                _p("event_id", "its id in the log"),
                _i(
                    "via",
                    "console, terraform, pulumi, cloudformation, cli, sdk, kubectl, service, unknown: the door as the event tells it",
                ),
                _p("user_agent", "as told"),
                _p("source_ip", "address or service name"),
                _p("error", "error code; a failed call changed nothing"),
                _i("account_id", "cloud account, project or subscription, or cluster"),
                _i("region", "region"),
                _p("title", "one line"),
                _p("parameters", "what was asked for, flattened and without secrets"),
            ),
            change=True,
        ),
        Kind(
            "Document",
            "A text: runbook, decision, post-mortem.",
            (
                _i("repository", "owner/name"),
                _i("path", "path"),
                _p("title", "title"),
                _i("type", "runbook, decision, postmortem, readme, document"),
                _p("status", "of a decision: accepted, superseded …"),
                _p("date", "date it states"),
                _p("url", "permalink"),
            ),
        ),
        Kind(
            "Channel",
            "A chat channel.",
            (
                _i("name", "name"),
                _i("system", "slack"),
                _p("channel_id", "its id"),
                _i("visibility", "public, private, direct"),
                _p("topic", "topic"),
                _p("purpose", "purpose"),
                _p("archived", "true when it is"),
            ),
        ),
        Kind(
            "Thread",
            "A conversation: a message and its replies.",
            (
                _p("channel", "channel's name"),
                _p("thread_ts", "its id there"),
                _p("url", "permalink"),
                _p("title", "its first words"),
            ),
        ),
        Kind(
            "Message",
            "One message of a thread; its text is the passage `text`.",
            (
                _p("channel", "channel's name"),
                _p("ts", "its id there"),
                _p("url", "permalink"),
                _i(
                    "decision", "agreed, approved, rejected, reverted: when its words or its reactions decide something"
                ),
                _p("decision_words", "the words or emoji that say so"),
                _p("edited_at", "RFC 3339"),
            ),
        ),
        Kind(
            "Alert",
            "An alert that fired, from firing to resolved.",
            (
                _i("name", "name of the rule"),
                _i("system", "alertmanager, grafana, pagerduty, opsgenie, cloudwatch …"),
                _p("alert_id", "fingerprint or id there"),
                _i("state", "firing, acknowledged, resolved"),
                _i("severity", "as told"),
                _i("service", "service it names"),
                _i("environment", "environment it names"),
                _p("summary", "one line"),
                _p("description", "more"),
                _p("labels", "label -> value"),
                _p("started_at", "RFC 3339"),
                _p("ended_at", "RFC 3339; only in versions that hold from then on"),
                _p("url", "where it can be seen"),
            ),
        ),
        Kind(
            "Incident",
            "Something broke.",
            (
                _p("incident_id", "its number or id"),
                _i("system", "pagerduty, opsgenie, documents, grouped …"),
                _p("title", "one line"),
                _i("state", "triggered, acknowledged, resolved"),
                _i("severity", "as told"),
                _i("service", "service it names"),
                _i("environment", "environment it names"),
                _p("started_at", "RFC 3339"),
                _p("resolved_at", "RFC 3339; only in versions that hold from then on"),
                _p("cause", "as a post-mortem words it"),
                _p("fix", "as a post-mortem words it"),
                _p("url", "permalink"),
            ),
        ),
        Kind(
            "ClusterEvent",
            "An event of a Kubernetes cluster about one object.",
            (
                _i("reason", "BackOff, FailedScheduling, Killing …"),
                _i("type", "Normal, Warning"),
                _p("message", "as told"),
                _p("count", "how often"),
                _p("first_seen_at", "RFC 3339"),
                _p("last_seen_at", "RFC 3339"),
            ),
        ),
        Kind(
            "Credential",
            "A certificate, access key or secret: its name and its age, never a value.",
            (
                _i("type", "certificate, access_key, secret, tls_secret"),
                _i("name", "name, domain or key id"),
                _p("created_at", "RFC 3339"),
                _p("rotated_at", "RFC 3339"),
                _p("expires_at", "RFC 3339"),
                _p("last_used_at", "RFC 3339"),
                _i("status", "as told"),
                _p("issuer", "who issued a certificate"),
                _p("domains", "names a certificate covers"),
                _p("entries", "names of what a secret holds, without the values"),
                _i("account_id", "cloud account or cluster"),
                _p("region", "region"),
            ),
        ),
        Kind(
            "Quota",
            "A limit of a cloud service and how much of it is used.",
            (
                _i("service", "ec2, elasticloadbalancing …"),
                _i("name", "name of the quota"),
                _p("code", "its code"),
                _p("value", "the limit"),
                _p("usage", "how much is used, where told"),
                _p("adjustable", "whether it can be raised"),
                _i("account_id", "cloud account"),
                _i("region", "region"),
            ),
        ),
        Kind(
            "Investigation",
            "A run of the investigator.",
            (
                _i("investigation_id", "its id, inv_…"),
                _p("title", "the symptom's first words"),
                _p("symptom", "as asked"),
                _p("detected_at", "RFC 3339"),
                _i("environment", "where the symptom showed, where known"),
                _i("verdict", "cause_found, no_cause_found, insufficient_evidence"),
                _p("confidence", "0 to 1"),
                _p("suspect", "what it ranks first"),
                _p("result", "the whole result, JSON text of `lore.investigation/1`"),
            ),
        ),
        Kind(
            "Recording",
            "A part of what an investigation was run with: options, scores, observations, a model's replies. For replays.",
            (
                _i("investigation_id", "its investigation"),
                _p("part", "number of the part, from 0"),
                _p("parts", "how many there are"),
                _p("text", "this part of the JSON text"),
            ),
        ),
        Kind(
            "Learning",
            "The cause of a solved incident, and all by which its like is known again. The symptom is the passage `symptom`.",
            (
                _i("learning_id", "its id, lrn_…"),
                _i("state", "confirmed, proposed, retracted; only confirmed ones count"),
                _i("rule", "who vouches: confirmed (a person), postmortem (its authors), recovery (nobody yet)"),
                _p("investigation", "id of the investigation"),
                _p("symptom", "as asked"),
                _p("classes", "classes of the symptom"),
                _i("environment", "where it showed"),
                _p("at", "when it was detected, RFC 3339"),
                _p("until", "when it was over, RFC 3339"),
                _p("services", "names of the services it was about"),
                _p("anchors", "what it was about: list of {ref, label}"),
                _p("causes", "the change that caused it, under all its names: list of {ref, label}"),
                _p("targets", "what the cause touched: list of {ref, label}"),
                _p("kind", "change, manual, expiry, quota, capacity, external"),
                _p("mechanism", "how the one led to the other"),
                _p("cause", "in words"),
                _p("fix", "what ended it, in words"),
                _p("shape", "how the cause looked in the graph: kinds, types, effects, attributes, way, direction"),
                _p("incident", "ref of the incident that it explains"),
                _p("confirmed_by", "who said so"),
                _p("confirmed_at", "RFC 3339"),
                _p("retracted_by", "who took it back"),
                _p("retracted_at", "RFC 3339"),
                _p("reason", "why it was taken back"),
                _p("used_by", "when it was taken back: ids of the investigations whose ranking it had moved"),
            ),
        ),
        Kind(
            "CostItem",
            "What one thing cost in one month, day by day, as a bill tells it. One entity for account, service, usage type and resource; a version a month.",
            (
                _i("provider", "aws, gcp, azure …"),
                _i("account_id", "cloud account, project or subscription"),
                _i("service", "as billed: AmazonEC2, Compute Engine …"),
                _i("month", "2026-10"),
                _p("usage_type", "as billed: EU-BoxUsage:m6i.large …"),
                _p("line_type", "usage, tax, credit, refund, fee, commitment, discount"),
                _p("operation", "as billed"),
                _i("region", "region"),
                _p("resource_id", "id or ARN, where the bill names one"),
                _i("environment", "environment, by tag or account"),
                _i("team", "team, by tag"),
                _i("workload", "the service of ours that it is for, by tag"),
                _p("tags", "tags of the bill, key -> value"),
                _p("currency", "ISO 4217"),
                _p("days", "date -> amount"),
                _p("amount", "sum of the days"),
                _p("quantity", "how much was used in the month, in `unit`"),
                _p("unit", "Hrs, GB-Mo, Requests …"),
                _p("basis", "unblended, amortized, net"),
                _p("estimated", "true while the bill is not final"),
            ),
        ),
        Kind(
            "Finding",
            "Drift, waste or risk that was found. Holds from when it was first seen until it was gone.",
            (
                _i("finding_id", "its id, drift_… or waste_…"),
                _i("type", "drift, waste, risk; drift_scan for what one scan tells beside its findings"),
                _i("kind", "of drift: changed, missing, unmanaged; of waste: unattached, idle, old …"),
                _i("state", "open, accepted"),
                _i("severity", "critical, high, medium, low, info"),
                _i("environment", "environment, where known"),
                _p("title", "one line"),
                _p("first_seen_at", "RFC 3339"),
                _p("saving_per_month", "amount, where it costs"),
                _p("currency", "ISO 4217"),
                _p("result", "the whole finding, JSON text of its schema"),
                _p("citations", "what it cites, JSON text"),
            ),
        ),
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
                _p(
                    "removed",
                    "of a File: lines that went, without indentation, from the first on up to 2,000 characters",
                ),
                _p("added", "of a File: lines that came, likewise"),
                _p(
                    "sections",
                    "of a File: lines that open or name what the changed lines stand in: a key, a job, a resource",
                ),
                _p("moved_from", "for moved: {directory, address, path} before"),
                _p("score", "for moved: likeness 0 to 1"),
            ),
        ),
        RelationType("AUTHORED_BY", "a change, Issue or Release", "Account", "Who wrote it."),
        RelationType("COMMITTED_BY", "Commit", "Account", "Who committed it, when not the author."),
        RelationType("CO_AUTHORED_BY", "Commit", "Account", "Named in a Co-authored-by trailer."),
        RelationType(
            "REVIEWED_BY",
            "a change",
            "Account",
            "Named in a Reviewed-by trailer or a review.",
            (_p("state", "approved, changes_requested, commented, dismissed"), _p("url", "permalink")),
        ),
        RelationType(
            "APPROVED_BY", "a change", "Account", "Named in an Acked-by or Approved-by trailer, or an approving review."
        ),
        RelationType("MERGED_BY", "PullRequest", "Account", "Who merged it."),
        RelationType(
            "COMMENTED_BY", "PullRequest", "Account", "Wrote a comment on it (the discriminator: its passage)."
        ),
        RelationType(
            "PART_OF",
            "Commit; Message; Thread; Alert; Resource",
            "PullRequest; Thread; Channel; Incident; CloudAccount or Resource",
            "The commit came with this pull request; the message is of this thread, the thread of this channel; the alert belongs to this incident; the resource to this account or component.",
            (_p("rule", "what said so, where it was inferred"),),
        ),
        RelationType("MERGED_AS", "PullRequest", "Commit", "The commit that brought it to its base branch."),
        RelationType("CLOSES", "PullRequest", "Issue", "It says that it closes the issue."),
        RelationType(
            "PERFORMED_BY", "AuditEvent, Deployment, WorkflowRun", "Account", "Who did it, started it or triggered it."
        ),
        RelationType(
            "ASSUMED_BY",
            "Account",
            "Account",
            "The role session was opened by the other account; holds while its credentials do.",
        ),
        RelationType(
            "DEPLOYS",
            "Deployment",
            "Commit",
            "The code that it put into effect; everything before it on its mainline came along.",
        ),
        RelationType("RAN_ON", "WorkflowRun", "Commit", "The commit that the pipeline ran on."),
        RelationType("TRIGGERED_BY", "Deployment", "WorkflowRun", "The pipeline run that made it."),
        RelationType(
            "MENTIONS",
            "anything with words",
            "anything",
            "Its text names the other by a link, a full id or a number with its repository.",
            (_p("text", "as written"),),
        ),
        RelationType(
            "ABOUT",
            "Alert, Incident, ClusterEvent, Document, Credential, Learning, CostItem, Finding",
            "anything",
            "What it is about.",
            (_p("rule", "the label, annotation or field that said so"),),
        ),
        RelationType("POSTED_BY", "Message", "Account", "Who wrote it."),
        RelationType(
            "REACTED", "Account", "Message", "Reacted with an emoji (the discriminator).", (_p("emoji", "its name"),)
        ),
        RelationType("MEMBER_OF", "Account", "Team, Channel", "Is a member.", (_p("role", "as told"),)),
        RelationType(
            "ON_CALL_FOR",
            "Account, Team",
            "Service, Team",
            "Is on call; holds for the shift.",
            (_p("schedule", "name of the schedule"), _p("level", "escalation level")),
        ),
        RelationType("ACKNOWLEDGED_BY", "Alert, Incident", "Account", "Who took it on."),
        RelationType("RESOLVED_BY", "Alert, Incident", "Account", "Who resolved it."),
        RelationType(
            "RUNS_ON",
            "Service",
            "Resource",
            "The service runs there.",
            (_p("rule", "the label, tag or field that said so"),),
        ),
        RelationType(
            "BUILT_FROM",
            "Service, Repository",
            "Repository, Directory",
            "Where its code is.",
            (_p("rule", "what said so"),),
        ),
        RelationType(
            "PLANS",
            "Plan",
            "Resource or Block",
            "It would change it.",
            (
                _p("effect", "created, updated, deleted, moved"),
                _p("replace", "true when deleted and created anew"),
                _p("address", "full instance address"),
                _p("moved_from", "full instance address before, where it would be moved"),
                _ATTRIBUTES,
            ),
        ),
        RelationType("PLANNED_FROM", "Plan", "Commit", "The code that it was made from."),
        RelationType(
            "CAUSED_BY",
            "Incident, Investigation",
            "anything",
            "The confirmed cause.",
            (_p("rule", "what said so"), _p("by", "who confirmed it"), _p("text", "as worded")),
        ),
        RelationType(
            "FIXED_BY",
            "Incident, Investigation",
            "a change",
            "What ended it.",
            (_p("rule", "what said so"), _p("text", "as worded")),
        ),
        RelationType(
            "INVESTIGATES",
            "Investigation",
            "anything",
            "The symptom is about it.",
            (_p("label", "what it was called"), _p("how", "how it was recognised"), _p("confidence", "0 to 1")),
        ),
        RelationType(
            "SUSPECTS",
            "Investigation",
            "anything",
            "It may be the cause, or what the cause touched (the discriminator: its rank).",
            (
                _p("role", "change, target"),
                _p("rank", "1 is the likeliest"),
                _p("probability", "0 to 1"),
                _p("kind", "kind of cause"),
                _p("mechanism", "how it would have led to the symptom"),
            ),
        ),
        RelationType("RECORDED", "Investigation", "Recording", "What it was run with, in parts."),
        RelationType(
            "RECALLED",
            "Investigation",
            "Learning, Incident",
            "It was remembered as like this one.",
            (_p("similarity", "0 to 1"), _p("used", "true when it moved the ranking")),
        ),
        RelationType("LEARNED_FROM", "Learning", "Investigation", "Where it was learned."),
        RelationType("CONFIRMED_BY", "Learning", "Account or Person", "Who confirmed the cause."),
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
            "Block, Resource or Service",
            "Block, Resource or Service",
            "The first refers to the second.",
            (_p("via", "attribute paths that hold the reference"), _p("rule", "what said so, where no attribute did")),
        ),
        RelationType(
            "CONTAINS",
            "Module, Block, Repository",
            "Block, Module",
            "A module holds its blocks; a module call holds the module it calls.",
        ),
        RelationType("PROVIDES", "Service", "Api", "The service offers the interface.", (_p("rule", "what said so"),)),
        RelationType("DECLARES", "Block", "Resource", "The code of which this is an instance."),
        RelationType(
            "CONFIGURES",
            "Block",
            "Resource",
            "A module call whose arguments are inputs of the module that declares the instance.",
        ),
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
            "Two names of the same instance; reads join them, unless `NOT_SAME_AS` says otherwise.",
            (_p("rule", "what said so"), _p("confidence", "0 to 1"), _p("evidence", "what the rule saw, in words")),
        ),
        RelationType(
            "NOT_SAME_AS",
            "any ref",
            "any ref",
            "Somebody split these two: a `SAME_AS` between them, either way round, joins nothing while this holds.",
            (_p("by", "who said so"), _p("reason", "why")),
        ),
    )
}

ACTOR_RELATIONS = ("AUTHORED_BY", "COMMITTED_BY", "CO_AUTHORED_BY", "MERGED_BY", "PERFORMED_BY")
"""Relations from a change to who did it; `ChangeQuery.by` follows them."""

JOINING = ("SAME_AS", "NOT_SAME_AS")
"""Relations that say what is one thing; reads follow them and list them only when asked for by name."""

INDEXED: dict[str, frozenset[str]] = {
    kind.name: frozenset(p.name for p in kind.properties if p.indexed) for kind in KINDS.values()
}
"""Indexed properties by kind."""
