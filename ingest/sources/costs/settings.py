"""Settings of the costs source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class CostsSettings:
    """Where bills are, and what their tags mean.

    Attributes:
        path: a file or a directory (read recursively) of bills: `.csv`, `.csv.gz`, `.jsonl`, `.ndjson` (also `.gz`) and `.parquet`.
        name: name of this bill; give one to each of several sources of this kind.
        layout: how files belong together where no manifest says it. `directories`: those of a directory are one export, and of two
            exports that tell of the same month of the same payer the newer one counts; `together`: all files are parts of one export;
            `each`: every file is a whole export of its months.
        basis: which cost is taken: `unblended` (as invoiced), `amortized` (commitments spread over what they cover) or `net` (after
            discounts), where the bill has it. Never mixed.
        cost_explorer: whether the AWS Cost Explorer API is asked; each request costs 0.01 USD.
        group_by: the two groups of Cost Explorer: `SERVICE`, `USAGE_TYPE`, `LINKED_ACCOUNT`, `REGION`, or `TAG:environment`.
        days: how far back Cost Explorer is asked at first.
        environments: account, project or subscription id -> environment, where no tag tells it.
        environment_tag: keys of tags that name the environment; the first that is there counts. Case, `user:` and `-` do not.
        team_tag: keys of tags that name the team.
        service_tag: keys of tags that name the service of yours that it is for.
        tags: keys of further tags that are kept and can be grouped by. Every other tag is left out.
        max_items: most lines (service, usage type, resource …) kept a month; what comes beyond is added up without its resource.
        region: region of the Cost Explorer API.
        profile: profile of the AWS configuration files.
        access_key_id: access key; without it the SDK finds credentials as every AWS tool does.
        secret_access_key: its secret.
        session_token: token of temporary credentials.
        role_arn: role to assume for reading.
        external_id: external id that the role asks for.
        endpoint_url: another server that speaks AWS.
    """

    path: str = ""
    name: str = "costs"
    layout: Literal["directories", "together", "each"] = "directories"
    basis: Literal["unblended", "amortized", "net"] = "unblended"
    cost_explorer: bool = False
    group_by: tuple[str, ...] = ("SERVICE", "USAGE_TYPE")
    days: int = 180
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    environment_tag: tuple[str, ...] = ("environment", "env", "stage")
    team_tag: tuple[str, ...] = ("team", "owner")
    service_tag: tuple[str, ...] = ("service", "app")
    tags: tuple[str, ...] = ()
    max_items: int = 20_000
    region: str = "us-east-1"
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
