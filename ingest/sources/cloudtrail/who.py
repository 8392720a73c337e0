"""Who called: the accounts behind a record's user identity, and the names they go by.

Identity types: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graph.model import Alias, Entity, EntityRef, Fact, Value
from ingest import aws_names, names
from ingest.redact import redact_text
from ingest.sources.cloudtrail.records import Record, UserIdentity

_MAIL = re.compile(r"[^\s@/:]{1,64}@[^\s@/:]{1,190}\.[^\s@/:.]{2,24}")
_MACHINE = re.compile(
    r"(?:^|[-_./])(?:ci|cd|cicd|bot|robot|terraform|tofu|atlantis|spacelift|pulumi|github|github-?actions?|gitlab|gitlab-?(?:ci|runner)|jenkins|circleci"
    r"|buildkite|codebuild|codepipeline|awscodebuild|argo-?cd|flux|deployer|automation|runner|pipeline|svc|service-?account|lambda|karpenter)(?:$|[-_./\d])",
    re.I,
)
_MACHINE_PROVIDERS = ("actions.githubusercontent.com", "gitlab", "/oidc.eks.", "circleci.com", "buildkite.com")
"""Identity providers of pipelines and pods."""
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_TYPES = {
    "IAMUser": "user",
    "AssumedRole": "role_session",
    "Role": "role",
    "Root": "root",
    "FederatedUser": "federated_user",
    "SAMLUser": "federated_user",
    "WebIdentityUser": "federated_user",
    "AWSAccount": "account",
    "AWSService": "service",
    "IdentityCenterUser": "sso_user",
    "Directory": "federated_user",
}
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@dataclass(frozen=True, slots=True)
class Actor:
    """An account with what is known of it.

    Attributes:
        ref: the account.
        login: the name it is kept under: an ARN, or what stands for one.
        type: user, role_session, sso_session, root, service …
        name: what people call it: the user's or the session's name.
        email: mail address, when the name is one.
        bot: True for a machine.
        keys: access key ids that it used.
        role: role name of a session.
        arn: its ARN as told, which for a session of AWS SSO is not the login; empty for who has none.
    """

    ref: EntityRef
    login: str
    type: str
    name: str
    email: str = ""
    bot: bool = False
    keys: tuple[str, ...] = ()
    role: str = ""
    arn: str = ""


def caller(record: Record) -> Actor | None:
    """The account that made the call; None when the record names nobody."""
    identity = record.user_identity
    if identity is None:
        return None
    keys = (identity.access_key_id,) if identity.access_key_id else ()
    if identity.arn and aws_names.parse(identity.arn) is not None:
        return from_arn(identity.arn, keys)
    login, name = _without_arn(identity, record)
    if not login:
        return None
    kind = _TYPES.get(identity.type or "", identity.type or "unknown")
    bot = kind == "service" or _is_machine(name) or any(provider in login for provider in _MACHINE_PROVIDERS)
    return _actor(login, kind, name, bot=bot, keys=keys, arn=login if kind in ("user", "root") else "")


def from_arn(arn: str, keys: tuple[str, ...] = ()) -> Actor:
    """The account that an ARN of IAM or STS names. What is said of it follows from the ARN alone: every event says the same."""
    login = aws_names.principal(arn)
    session, role = aws_names.session_name(login), aws_names.role_name(login)
    if session:
        # A made-up session name names nobody: then the role's name is all there is.
        sso = role.startswith("AWSReservedSSO_")
        name = role if session == "*" else session
        bot = not sso and (session == "*" or _is_machine(session) or _is_machine(role))
        mail = _MAIL.fullmatch(session) is not None
        kind = "sso_session" if sso else "role_session"
        return _actor(
            login, kind, name, bot=bot and not mail, keys=keys, role=role, arn=arn if session != "*" else login
        )
    parts = aws_names.parse(arn)
    resource = parts.resource if parts is not None else ""
    kinds = {"user": "user", "role": "role", "root": "root", "federated-user": "federated_user"}
    kind = kinds.get(resource.partition("/")[0], "unknown")
    name = "root" if resource == "root" else resource.rpartition("/")[2]
    return _actor(login, kind, name, bot=_is_machine(name), keys=keys, arn=login)


def source_identity(record: Record) -> Actor | None:
    """The one who stands behind a role session, as the identity provider set it; it stays the same from role to role."""
    identity = record.user_identity
    context = identity.session_context if identity is not None else None
    told = context.source_identity if context is not None else None
    if identity is None or not told or told == aws_names.session_name(identity.arn or ""):
        return None
    login = f"{identity.account_id or record.account_id}/source-identity/{told}"
    return _actor(login, "source_identity", told, bot=_is_machine(told))


def facts_of(actor: Actor) -> Iterator[Fact]:
    """The account and its names. What they say follows from the actor alone, so that it is the same in every event."""
    properties: dict[str, Value] = {
        "system": "aws",
        "login": actor.login,
        "name": actor.name,
        "type": actor.type,
        "bot": actor.bot,
    }
    if actor.email:
        properties["email"] = actor.email
    yield Entity(actor.ref, properties)
    if actor.arn:
        yield from (Alias(actor.ref, "arn", arn) for arn in dict.fromkeys((actor.login, actor.arn)))
    if actor.name and actor.type != "root":
        yield Alias(actor.ref, "login", actor.name)
    if actor.email:
        yield Alias(actor.ref, "email", actor.email)
    for key in actor.keys:
        yield from (Alias(actor.ref, "id", name) for name in key_names(key))


def key_names(access_key_id: str) -> tuple[str, ...]:
    """What an access key is called: `AKIA…WXYZ`, and its whole id where redaction does not take that for a secret."""
    short = f"{access_key_id[:4]}…{access_key_id[-4:]}"
    return (short, access_key_id) if redact_text(access_key_id) == access_key_id else (short,)


def _actor(
    login: str, kind: str, name: str, *, bot: bool, keys: tuple[str, ...] = (), role: str = "", arn: str = ""
) -> Actor:
    email = name.lower() if _MAIL.fullmatch(name) else ""
    return Actor(names.account("aws", login), login, kind, name, email, bot and not email, keys, role, arn)


def _without_arn(identity: UserIdentity, record: Record) -> tuple[str, str]:
    """Login and name of an identity that tells no ARN."""
    account = identity.account_id or record.account_id
    if identity.type == "AWSService" or (identity.invoked_by and not identity.principal_id):
        service = identity.invoked_by or record.event_source
        return service, service
    if identity.on_behalf_of is not None and identity.on_behalf_of.user_id:
        user = identity.on_behalf_of.user_id
        return f"{identity.on_behalf_of.identity_store_arn or account}/{user}", identity.user_name or user
    user = identity.user_name if identity.user_name != _HIDDEN else None
    if identity.type == "IAMUser" and user and account:
        return f"arn:aws:iam::{account}:user/{user}", user
    if identity.type == "Root" and account:
        return f"arn:aws:iam::{account}:root", "root"
    if user:
        return f"{identity.identity_provider or account or identity.type}/{user}", user
    if identity.principal_id and identity.type != "IAMUser":
        return f"{account}/{identity.principal_id}", identity.principal_id
    return "", ""


def _is_machine(name: str) -> bool:
    return _INSTANCE.fullmatch(name) is not None or (_MACHINE.search(name) is not None and not _MAIL.fullmatch(name))
