"""Settings of the cloudformation source."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CloudFormationSettings:
    """What to read and how to get in.

    Attributes:
        account_id: the account, 12 digits; it names the scope, and credentials of another account are refused.
        name: name of the scope, in place of the account's id.
        path: a file or a directory of what `aws cloudformation describe-stacks`, `describe-stack-events`, `describe-stack-resources` and `describe-change-set` print (`.json`, `.jsonl`). The account is then asked only with `live: true`.
        live: whether the account itself is asked. Not set: yes, unless there is a `path`.
        regions: regions to read; empty: `region`.
        change_sets: whether change sets are read.
        environment: environment of stacks that no tag speaks of.
        environments: stack name -> environment, before tags.
        environment_tags: keys of tags that name the environment; the first that is there counts.
        service_tags: keys of tags that name the service; the first that is there counts.
        region: region that is asked first, and the only one without `regions`.
        profile: profile of the AWS configuration files.
        access_key_id: access key; without it the SDK finds credentials as every AWS tool does.
        secret_access_key: its secret.
        session_token: token of temporary credentials.
        role_arn: role to assume for reading.
        external_id: external id that the role asks for.
        endpoint_url: another server that speaks AWS.
    """

    account_id: str
    name: str = ""
    path: str = ""
    live: bool | None = None
    regions: tuple[str, ...] = ()
    change_sets: bool = True
    environment: str = ""
    environments: dict[str, str] = field(default_factory=dict[str, str])
    environment_tags: tuple[str, ...] = ("environment", "Environment", "env", "Env", "stage", "Stage")
    service_tags: tuple[str, ...] = ("service", "Service", "app", "App")
    region: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
