"""The sources there are, by name. A source is imported when it is opened, so that one can be listed without its libraries.

To add one: write its module under `ingest/sources/`, with a settings dataclass whose docstring describes each field, and add
a line to `SOURCES`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

import msgspec

from ingest.source import Source, SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.webhook import WebhookReader


@dataclasses.dataclass(frozen=True, slots=True)
class SourceEntry:
    """Where a source is found: `module:Class` of the source and of its settings dataclass, and one line about it.

    `webhook` is `module:function` of its `ingest.webhook.WebhookReader`, for a source that takes webhooks.
    """

    name: str
    source: str
    settings: str
    doc: str
    webhook: str = ""


def _package(name: str, classes: str, doc: str, *, webhook: bool = False) -> SourceEntry:
    """A source in a package of its own: `source.py` holds `<classes>Source` and `<classes>Settings`, `webhook.py` `read_webhook`."""
    package = f"ingest.sources.{name}"
    return SourceEntry(
        name,
        f"{package}.source:{classes}Source",
        f"{package}.source:{classes}Settings",
        doc,
        f"{package}.webhook:read_webhook" if webhook else "",
    )


SOURCES: Mapping[str, SourceEntry] = {
    entry.name: entry
    for entry in (
        SourceEntry(
            "git",
            "ingest.sources.git.source:GitSource",
            "ingest.sources.git.source:GitSettings",
            "The history of a git repository: commits, files, blocks of configuration and what changed in them.",
        ),
        SourceEntry(
            "terraform_state",
            "ingest.sources.terraform_state.source:TerraformStateSource",
            "ingest.sources.terraform_state.settings:TerraformStateSettings",
            "Terraform and OpenTofu state: the resources that exist, from a file, a directory or an S3 bucket.",
        ),
        _package(
            "github",
            "GitHub",
            "Pull requests, reviews, deployments, workflow runs and releases of a GitHub repository.",
            webhook=True,
        ),
        _package(
            "gitlab",
            "GitLab",
            "Merge requests, approvals, pipelines and deployments of a GitLab project.",
            webhook=True,
        ),
        _package(
            "slack",
            "Slack",
            "Threads, decisions and members of Slack channels, from an export or the Web API.",
            webhook=True,
        ),
        _package("cloudtrail", "CloudTrail", "Who called which AWS API: CloudTrail log files, or LookupEvents."),
        _package("aws", "Aws", "What really runs in an AWS account, its AWS Config history and its service quotas."),
        _package(
            "kubernetes",
            "Kubernetes",
            "Workloads, their rollouts and events, Helm releases and Argo CD applications of a cluster.",
        ),
        _package(
            "deployments",
            "Deployments",
            "Deployments from any tool: CDEvents, a JSON webhook, CSV and JSON lines.",
            webhook=True,
        ),
        _package("terraform_plan", "TerraformPlan", "Terraform plans as JSON: what would change."),
        _package("pulumi", "Pulumi", "Pulumi stacks and previews."),
        _package("cloudformation", "CloudFormation", "CloudFormation stacks, their resources, events and templates."),
        _package(
            "alerts",
            "Alerts",
            "Alerts and incidents of Alertmanager, Grafana, PagerDuty, Opsgenie and CloudWatch.",
            webhook=True,
        ),
        _package("catalog", "Catalog", "Services, teams, owners and on-call from Backstage files, CODEOWNERS and CSV."),
        _package("gcp", "Gcp", "Google Cloud: Cloud Asset Inventory exports and Cloud Audit Logs."),
        _package("azure", "Azure", "Azure: Resource Graph exports and the Activity Log."),
        _package(
            "secrets", "Secrets", "Names, ages and expiry of certificates, access keys and secrets; never a value."
        ),
        _package("documents", "Documents", "Runbooks, decisions and post-mortems in Markdown."),
        _package(
            "costs", "Costs", "What AWS, Google Cloud and Azure bill: exports by file, FOCUS, and AWS Cost Explorer."
        ),
    )
}


@dataclasses.dataclass(frozen=True, slots=True)
class SettingDoc:
    """One field of a source's settings. `default` is its JSON text, empty when the field must be given."""

    name: str
    type: str
    default: str


def open_source(name: str, settings: Mapping[str, object]) -> Source:
    """The source of this name with these settings.

    Raises:
        SourceDataInvalid: there is no such source, or a setting is missing, unknown or of the wrong type; one sentence says which.
    """
    entry = _entry(name)
    settings_class = _load(entry.settings)
    names = [field.name for field in dataclasses.fields(_as_dataclass(settings_class))]
    hint = f"{name} takes {', '.join(names)}"
    if unknown := sorted(set(map(str, settings)) - set(names)):
        raise SourceDataInvalid(f"the source {name} has no setting {unknown[0]!r}", hint)
    try:
        converted: object = msgspec.convert(dict(settings), settings_class)
    except msgspec.ValidationError as error:
        raise SourceDataInvalid(f"the settings of the source {name} cannot be used: {_sentence(error)}", hint) from None
    return cast("Callable[[object], Source]", _load(entry.source))(converted)


def setting_docs(name: str) -> tuple[SettingDoc, ...]:
    """The settings a source takes, in order, for the reference and for messages. Raises `SourceDataInvalid` like `open_source`."""
    fields = dataclasses.fields(_as_dataclass(_load(_entry(name).settings)))
    return tuple(SettingDoc(f.name, str(f.type), _default(f)) for f in fields)


def settings_class(name: str) -> type[object]:
    """The settings dataclass of a source. Raises `SourceDataInvalid` like `open_source`."""
    return _load(_entry(name).settings)


def source_doc(name: str) -> SourceDoc | None:
    """What the source's module says of itself; None when it says nothing. Raises `SourceDataInvalid` like `open_source`."""
    module = import_module(_entry(name).source.partition(":")[0])
    found: object = getattr(module, "DOC", None)
    return found if isinstance(found, SourceDoc) else None


def webhook_reader(name: str) -> WebhookReader | None:
    """What reads a source's webhooks; None when it takes none. Raises `SourceDataInvalid` like `open_source`."""
    path = _entry(name).webhook
    return cast("WebhookReader", _load(path)) if path else None


def _entry(name: str) -> SourceEntry:
    if name not in SOURCES:
        raise SourceDataInvalid(f"there is no source {name!r}", f"the sources are {', '.join(sorted(SOURCES))}")
    return SOURCES[name]


def _load(path: str) -> type[object]:
    module, _, attribute = path.partition(":")
    return cast("type[object]", getattr(import_module(module), attribute))


def _as_dataclass(settings: type[object]) -> type[_Dataclass]:
    if not dataclasses.is_dataclass(settings):
        raise TypeError(f"{settings.__name__} must be a dataclass")
    return cast("type[_Dataclass]", settings)


@dataclasses.dataclass
class _Dataclass:
    """What `dataclasses.fields` accepts."""


def _default(field: dataclasses.Field[object]) -> str:
    if field.default is not dataclasses.MISSING:
        value: object = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return ""
    return msgspec.json.encode(value).decode()


def _sentence(error: msgspec.ValidationError) -> str:
    # msgspec: "Expected `str`, got `int` - at `$.path`" or "Object missing required field `path`"
    what, _, where = str(error).partition(" - at `$.")
    if what.startswith("Object missing required field"):
        return what.replace("Object missing required field", "it needs")
    return f"{where.rstrip('`') or 'it'}: {what[:1].lower()}{what[1:]}"
