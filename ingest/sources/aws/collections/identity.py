"""IAM roles, users, groups and the account's own policies, from the one call that tells all of it.

API: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from __future__ import annotations

from graph.model import Value
from ingest.sources.aws.table import Collection, arn_at, renamed
from ingest.sources.aws.values import Item, at, items_at, text_at


def _attached(item: Item) -> list[Value]:
    return sorted((text_at(p, "policy_arn") for p in items_at(item, "attached_managed_policies")), key=str)


def _inline(item: Item, path: str) -> list[Value]:
    policies = sorted(items_at(item, path), key=lambda p: text_at(p, "policy_name"))
    return [{"name": text_at(p, "policy_name"), "policy": at(p, "policy_document")} for p in policies]


def _role(item: Item) -> Item:
    shape = renamed(
        item,
        {"role_name": "name", "role_id": "unique_id", "assume_role_policy_document": "assume_role_policy"},
        # When it was last used changes each day.
        without=("role_last_used", "role_policy_list", "attached_managed_policies", "instance_profile_list"),
    )
    shape["inline_policy"] = _inline(item, "role_policy_list")
    shape["managed_policy_arns"] = _attached(item)
    shape["instance_profile_names"] = sorted(
        text_at(p, "instance_profile_name") for p in items_at(item, "instance_profile_list")
    )
    return shape


def _user(item: Item) -> Item:
    shape = renamed(
        item,
        {"user_name": "name", "user_id": "unique_id"},
        without=("user_policy_list", "attached_managed_policies", "group_list", "password_last_used"),
    )
    shape["inline_policy"] = _inline(item, "user_policy_list")
    shape["managed_policy_arns"] = _attached(item)
    groups = at(item, "group_list")
    shape["groups"] = sorted(str(g) for g in groups) if isinstance(groups, list) else None
    return shape


def _group(item: Item) -> Item:
    shape = renamed(
        item,
        {"group_name": "name", "group_id": "unique_id"},
        without=("group_policy_list", "attached_managed_policies"),
    )
    shape["inline_policy"] = _inline(item, "group_policy_list")
    shape["managed_policy_arns"] = _attached(item)
    return shape


def _policy(item: Item) -> Item:
    shape = renamed(
        item,
        {"policy_name": "name", "policy_id": "policy_id"},
        # How often it is attached is said by what it is attached to.
        without=("policy_version_list", "attachment_count", "permissions_boundary_usage_count"),
    )
    for version in items_at(item, "policy_version_list"):
        if at(version, "is_default_version") is True:
            shape["policy"] = at(version, "document")
    return shape


def _instance_profile(item: Item) -> Item:
    shape = renamed(item, {"instance_profile_name": "name", "instance_profile_id": "unique_id"}, without=("roles",))
    shape["role_arns"] = sorted(text_at(role, "arn") for role in items_at(item, "roles"))
    return shape


IDENTITY: tuple[Collection, ...] = (
    Collection(
        type="aws_iam_role",
        service="iam",
        operation="get_account_authorization_details",
        items="role_detail_list",
        arn=arn_at("arn"),
        parameters={"Filter": ["Role"]},
        is_global=True,
        config_type="AWS::IAM::Role",
        names={"unique_id": "id"},
        id="name",
        name="name",
        created="create_date",
        shape=_role,
    ),
    Collection(
        type="aws_iam_user",
        service="iam",
        operation="get_account_authorization_details",
        items="user_detail_list",
        arn=arn_at("arn"),
        parameters={"Filter": ["User"]},
        is_global=True,
        config_type="AWS::IAM::User",
        names={"unique_id": "id"},
        id="name",
        name="name",
        created="create_date",
        shape=_user,
    ),
    Collection(
        type="aws_iam_group",
        service="iam",
        operation="get_account_authorization_details",
        items="group_detail_list",
        arn=arn_at("arn"),
        parameters={"Filter": ["Group"]},
        is_global=True,
        config_type="AWS::IAM::Group",
        names={"unique_id": "id"},
        id="name",
        name="name",
        created="create_date",
        shape=_group,
    ),
    Collection(
        type="aws_iam_policy",
        service="iam",
        operation="get_account_authorization_details",
        items="policies",
        arn=arn_at("arn"),
        parameters={"Filter": ["LocalManagedPolicy"]},
        is_global=True,
        config_type="AWS::IAM::Policy",
        names={"policy_id": "id"},
        name="name",
        created="create_date",
        shape=_policy,
    ),
    Collection(
        type="aws_iam_instance_profile",
        service="iam",
        operation="list_instance_profiles",
        items="instance_profiles",
        arn=arn_at("arn"),
        is_global=True,
        names={"unique_id": "id"},
        id="name",
        name="name",
        created="create_date",
        shape=_instance_profile,
    ),
)
