"""What the cloud's audit log holds: the pipeline's sessions, edits by hand, refused calls, and all the reading that goes on."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from examples.applies import Apply
from examples.arns import Arns
from examples.company import PEOPLE, REGION, TODAY, person
from examples.formats import aws_calls
from examples.formats.aws_calls import ApiCall
from examples.formats.cloudtrail import CLI, CONSOLE, TERRAFORM, AuditEvent, Principal, oidc_login
from examples.formats.output import uuid_of

SEED = 23
ADMIN, READER = "AdministratorAccess", "ReadOnlyAccess"
PAYWELL_RANGE = "203.0.113.64/26"
"""Whence the payment provider calls back."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A call that a person made. `console`: through single sign-on in the browser, else as an IAM user with the CLI."""

    who: str
    environment: str
    at: datetime
    call: ApiCall
    console: bool = True
    refused: bool = False


def hands() -> list[Hand]:
    """Everything that was changed, or tried, by hand."""
    prod, staging = Arns("prod"), Arns("staging")

    def at(month: int, day: int, hour: int, minute: int, second: int) -> datetime:
        return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)

    def search(paths: list[str]) -> ApiCall:
        return aws_calls.modify_rule(prod.rule("search"), paths, prod.target_group("search"), 40)

    callbacks = aws_calls.authorize_ingress(prod.edge_group, PAYWELL_RANGE, 443, "Paywell callbacks")
    return [
        Hand("ines", "prod", at(5, 19, 15, 2, 11), callbacks),
        Hand("omar", "prod", at(7, 14, 16, 41, 37), search(["/search/*", "/suggest/*"])),
        Hand("omar", "prod", at(7, 16, 9, 12, 5), search(["/search/*"])),
        Hand("lena", "prod", at(8, 24, 13, 53, 48), aws_calls.set_rule_priority(prod.rule("payments"), 5), refused=True),
        Hand("yuki", "staging", at(10, 14, 10, 20, 59), aws_calls.modify_idle_timeout(staging.load_balancer, 120), console=False),
    ]  # fmt: skip


def audit_events(applies: list[Apply]) -> list[AuditEvent]:
    """All events, in order of time."""
    rng = random.Random(SEED)
    events = [event for apply in applies for event in _session(rng, apply)]
    events += [_by_hand(rng, hand) for hand in hands()]
    events += _noise(rng)
    return sorted(events, key=lambda e: (e.at, e.id))


def _event(call: ApiCall, at: datetime, who: Principal, agent: str, ip: str, *, read: bool = False) -> AuditEvent:
    return AuditEvent(
        id=uuid_of("event", call.name, at.isoformat(), who.arn, call.arn),
        at=at,
        principal=who,
        source=call.source,
        name=call.name,
        region=REGION,
        request=call.request,
        response=call.response,
        user_agent=agent,
        source_ip=ip,
        read_only=read,
    )


def _refused(event: AuditEvent, code: str, message: str) -> AuditEvent:
    return replace(event, response=None, error_code=code, error_message=message)


def _session(rng: random.Random, apply: Apply) -> list[AuditEvent]:
    """Log in, look around, change."""
    ip = f"20.{rng.randrange(40, 90)}.{rng.randrange(1, 250)}.{rng.randrange(1, 250)}"
    who, at = apply.principal, apply.started_at + timedelta(seconds=15)
    out = [oidc_login(who, at, REGION, ip)]
    for source, name in (
        ("elasticloadbalancing.amazonaws.com", "DescribeRules"),
        ("ec2.amazonaws.com", "DescribeSecurityGroups"),
    ):
        at += timedelta(seconds=4)
        out.append(_event(aws_calls.describe(source, name), at, who, TERRAFORM, ip, read=True))
    at += timedelta(seconds=rng.randrange(20, 40))
    for call in apply.calls:
        event = _event(call, at, who, TERRAFORM, ip)
        if not apply.succeeded:
            message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
            event = _refused(event, "InvalidParameterCombinationException", message)
        out.append(event)
        at += timedelta(seconds=2)
    return out


def _by_hand(rng: random.Random, hand: Hand) -> AuditEvent:
    who, account = person(hand.who), Arns(hand.environment).account_id
    set_ = READER if hand.refused else ADMIN
    principal = (
        Principal("sso", account, set_, who.sso) if hand.console else Principal("iam_user", account, who.iam_user)
    )
    command = "".join("-" + c.lower() if c.isupper() else c for c in hand.call.name).lstrip("-")
    agent = CONSOLE if hand.console else CLI.format(command=f"{hand.call.source.partition('.')[0]}.{command}")
    event = _event(hand.call, hand.at, principal, agent, f"198.51.100.{rng.randrange(2, 250)}")
    message = f"User: {principal.arn} is not authorized to perform: elasticloadbalancing:{hand.call.name}"
    return _refused(event, "AccessDenied", message) if hand.refused else event


def _noise(rng: random.Random) -> list[AuditEvent]:
    """People looking at things in the console, and logging in; the last ninety days of it."""
    reads = (
        ("ec2.amazonaws.com", "DescribeInstances"),
        ("ec2.amazonaws.com", "DescribeSecurityGroups"),
        ("rds.amazonaws.com", "DescribeDBInstances"),
        ("elasticloadbalancing.amazonaws.com", "DescribeRules"),
        ("logs.amazonaws.com", "FilterLogEvents"),
        ("sts.amazonaws.com", "GetCallerIdentity"),
    )
    staff = [p for p in PEOPLE if p.iam_user]
    out: list[AuditEvent] = []
    for _ in range(70):
        who, account = rng.choice(staff), Arns(rng.choice(("staging", "prod"))).account_id
        at = TODAY - timedelta(seconds=rng.randrange(3600, 90 * 86400))
        ip = f"198.51.100.{rng.randrange(2, 250)}"
        call = aws_calls.describe(*rng.choice(reads))
        out.append(_event(call, at, Principal("sso", account, READER, who.sso), CONSOLE, ip, read=True))
    for _ in range(8):
        who, account = rng.choice(staff), Arns(rng.choice(("staging", "prod"))).account_id
        at = TODAY - timedelta(seconds=rng.randrange(3600, 90 * 86400))
        call = ApiCall("signin.amazonaws.com", "ConsoleLogin", {}, {"ConsoleLogin": "Success"})
        browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
        login = _event(call, at, Principal("iam_user", account, who.iam_user), browser, "198.51.100.9")
        out.append(replace(login, request=None))
    return out
