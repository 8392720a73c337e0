"""How sources name what several of them speak of: one function per thing, so that the same thing has the same ref everywhere.

A ref made here from a *strong* name (a commit's hash, an ARN, a Kubernetes UID) is the same in every source, and nothing needs to be
joined. A source that knows a thing under a name of its own (a Terraform instance address) keeps its own ref and states `SAME_AS` to
the ref of the strong name, with the rule that told. Weak names (a display name, a tag) never become refs: they are aliases.
"""

from __future__ import annotations

import re

from graph.model import EntityRef, ref
from ingest import aws_names

ENVIRONMENTS = {
    "prod": ("prod", "production", "prd", "live"),
    "staging": ("staging", "stage", "stg"),
    "dev": ("dev", "development", "develop"),
    "test": ("test", "testing", "qa"),
    "preview": ("preview",),
}
"""Names of environments that mean the same, by the name we keep. Anything else stays as it is told."""

_ENVIRONMENT = {alias: name for name, aliases in ENVIRONMENTS.items() for alias in aliases}
_SLUG = re.compile(r"[^a-z0-9]+")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def commit(sha: str) -> EntityRef:
    """A commit by its full hash.

    Raises:
        ValueError: it is not a full hash in lower-case hex.
    """
    if _SHA.fullmatch(sha) is None:
        raise ValueError("a commit is named by its full hash")
    return EntityRef("Commit:" + sha)


def is_commit_hash(text: str) -> bool:
    """Whether this is a full commit hash in lower-case hex."""
    return _SHA.fullmatch(text) is not None


def repository(name: str) -> EntityRef:
    """A repository by `owner/name` (of GitLab with all its groups), spelled as the forge does."""
    return ref("Repository", name)


def pull_request(repository_name: str, number: int) -> EntityRef:
    """A pull or merge request."""
    return ref("PullRequest", repository_name, str(number))


def issue(repository_name: str, number: int | str) -> EntityRef:
    """An issue by its number, or a ticket by its key with an empty repository."""
    return ref("Issue", repository_name, str(number))


def workflow_run(system: str, repository_name: str, run_id: str) -> EntityRef:
    """A pipeline run by its id on `github` or `gitlab`."""
    return ref("WorkflowRun", system, repository_name, run_id)


def deployment(system: str, scope: str, deployment_id: str) -> EntityRef:
    """A deployment by its id on a system; `scope` is the repository, cluster or file that numbers it."""
    return ref("Deployment", system, scope, deployment_id)


def file(repository_name: str, path: str) -> EntityRef:
    """A file of a repository."""
    return ref("File", repository_name, path)


def environment_name(told: str) -> str:
    """The name we keep of an environment: lower case, `production` as `prod` (`ENVIRONMENTS`); a path's last part counts."""
    name = told.strip().lower()
    return _ENVIRONMENT.get(name, name)


def environment(told: str) -> EntityRef:
    """An environment, by any of the names that mean it."""
    return ref("Environment", environment_name(told))


def service_name(told: str) -> str:
    """The name we keep of a service: `Checkout API` is `checkout-api`. Empty when nothing is left."""
    return _SLUG.sub("-", told.strip().lower()).strip("-")


def service(told: str) -> EntityRef:
    """A service, by its name."""
    return ref("Service", service_name(told))


def account(system: str, login: str) -> EntityRef:
    """An account by its login or id on a system: github, gitlab, slack, aws, gcp, azure, kubernetes, pagerduty, opsgenie, catalog …

    For `git` it is the mail address. For `aws` it is the ARN as `ingest.aws_names.principal` gives it. Case does not count.
    """
    return ref("Account", system, login.strip().lower())


def team(system: str, handle: str) -> EntityRef:
    """A team by its handle on a system; `org/team` on GitHub, the entity's name in a catalog."""
    return ref("Team", system, handle.strip().lower())


def channel(system: str, channel_id: str) -> EntityRef:
    """A chat channel by its id."""
    return ref("Channel", system, channel_id)


def thread(system: str, channel_id: str, thread_ts: str) -> EntityRef:
    """A conversation by its channel's id and the timestamp of its first message."""
    return ref("Thread", system, channel_id, thread_ts)


def message(system: str, channel_id: str, ts: str) -> EntityRef:
    """A message by its channel's id and its timestamp."""
    return ref("Message", system, channel_id, ts)


def alert(system: str, scope: str, alert_id: str, started_at: str = "") -> EntityRef:
    """One firing of an alert: fingerprint or id there, and when it began where an id is used again."""
    return ref("Alert", system, scope, alert_id, started_at)


def incident(system: str, incident_id: str) -> EntityRef:
    """An incident by its id on a system."""
    return ref("Incident", system, incident_id)


def cloud_account(provider: str, account_id: str) -> EntityRef:
    """An AWS account, GCP project or Azure subscription."""
    return ref("CloudAccount", provider, account_id.strip().lower())


def cloud_resource(cloud_id: str) -> EntityRef:
    """The very instance that a strong id names, in every source.

    `cloud_id` is an ARN (`ingest.aws_names` makes one where an API tells only an id), `k8s:<cluster>/<uid>`, a GCP full resource name
    (`//compute.googleapis.com/…`), an Azure resource id (case does not count), a Pulumi URN or a CloudFormation stack id. States that
    know an instance under another name state `SAME_AS` to this ref.
    """
    name = aws_names.canonical(cloud_id.strip())
    if name.lower().startswith("/subscriptions/"):
        name = name.lower()
    return ref("Resource", "cloud", name)


def audit_event(system: str, event_id: str) -> EntityRef:
    """An entry of an audit log by its id: cloudtrail, gcp, azure."""
    return ref("AuditEvent", system, event_id)


def credential(provider: str, credential_id: str) -> EntityRef:
    """A certificate, access key or secret by its ARN, key id, serial number with issuer, or path."""
    return ref("Credential", provider, credential_id)
