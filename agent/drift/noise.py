"""Noise rules applied: what is no drift is taken away and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from agent.drift.model import AttributeDrift, Ignored
from agent.drift.noise_rules import RULES
from agent.drift.observed import Observed, Rule, fits
from agent.model import AttributeState


def without_noise(
    observed: Sequence[Observed], own: Sequence[Rule] = ()
) -> tuple[tuple[Observed, ...], tuple[Ignored, ...]]:
    """What is left, and by rule how much was taken away: attributes of a changed instance, or whole instances."""
    rules = (*own, *RULES)
    counted: Counter[tuple[str, str]] = Counter()
    left: list[Observed] = []
    for one in observed:
        fitting = [rule for rule in rules if rule.fits(one)]
        whole = next((r for r in fitting if _whole(r, one)), None)
        if whole is not None:
            counted[whole.name, whole.reason] += 1
            continue
        kept: list[AttributeDrift] = []
        for attribute in one.attributes:
            rule = next((r for r in fitting if _of_attribute(r, attribute, one)), None)
            if rule is None:
                kept.append(attribute)
            else:
                counted[rule.name, rule.reason] += 1
        if kept or one.kind != "changed":
            left.append(replace(one, attributes=tuple(kept)))
    return tuple(left), tuple(Ignored(rule=n, reason=r, count=c) for (n, r), c in sorted(counted.items()))


def _whole(rule: Rule, one: Observed) -> bool:
    if rule.attribute != "*":
        return False
    if rule.test:
        test = _OF_THINGS.get(rule.test)
        return test is not None and test(one)
    return True


def _of_attribute(rule: Rule, attribute: AttributeDrift, one: Observed) -> bool:
    if one.kind != "changed" or not fits(rule.attribute, attribute.path):
        return False
    if not rule.test:
        return rule.attribute != "*"
    test = _OF_ATTRIBUTES.get(rule.test)
    return test is not None and test(attribute, one)


# -- tests of one attribute


def _empty(attribute: AttributeDrift, one: Observed) -> bool:
    del one
    return _nothing(attribute.desired) and _nothing(attribute.actual)


def _same_json(attribute: AttributeDrift, one: Observed) -> bool:
    del one
    desired, actual = _document(attribute.desired), _document(attribute.actual)
    return desired is not None and desired == actual


def _same_scalar(attribute: AttributeDrift, one: Observed) -> bool:
    del one
    desired, actual = attribute.desired, attribute.actual
    return desired.state == actual.state == "value" and plain_scalar(desired.value) == plain_scalar(actual.value)


def _computed(attribute: AttributeDrift, one: Observed) -> bool:
    del one
    return attribute.desired.state == "unknown"


def _tags_repeated(attribute: AttributeDrift, one: Observed) -> bool:
    path = attribute.path.replace("tags_all", "tags", 1)
    return any(other.path == path for other in one.attributes)


def _default(attribute: AttributeDrift, one: Observed) -> bool:
    """The code says nothing of it, and what is there is what servers fill in: nothing, no, zero."""
    del one
    return attribute.desired.state == "absent" and attribute.actual.value in (False, 0, "", None, "default", "Default")


def _autoscaled(attribute: AttributeDrift, one: Observed) -> bool:
    return one.autoscaled and attribute.path.rpartition(".")[2] == "replicas"


def _nothing(state: AttributeState) -> bool:
    return state.state == "absent" or (state.state == "value" and state.value in (None, "", [], {}, ()))


def _document(state: AttributeState) -> object:
    """The JSON document that a text holds, with its lists in an order of their own (a policy's actions are a set); None for no document."""
    text = state.value
    if state.state != "value" or not isinstance(text, str) or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return _ordered(json.loads(text))
    except ValueError:
        return None


def _ordered(value: object) -> object:
    if isinstance(value, dict):
        return {key: _ordered(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        items = [_ordered(item) for item in cast("list[object]", value)]
        return items[0] if len(items) == 1 else sorted(items, key=lambda i: json.dumps(i, sort_keys=True))
    return value


def plain_scalar(value: object) -> object:
    """Numbers and switches as text, texts without case where they are switches; anything else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold()
    return value


# -- tests of a whole thing


def _default_network(one: Observed) -> bool:
    attributes = one.attributes_there
    if any(attributes.get(name) is True for name in ("is_default", "default_for_az", "default")):
        return True
    if one.type == "aws_security_group":
        return attributes.get("name") == "default" or attributes.get("group_name") == "default"
    if one.type in ("aws_route_table", "AWS::EC2::RouteTable"):
        return any(p.split(".")[-1] == "main" and v is True for p, v in attributes.items())
    if one.type.startswith("kubernetes:"):
        return one.address in ("kubernetes", "kube-root-ca.crt")
    return one.address in ("default", "dopt-default")


def _service_linked(one: Observed) -> bool:
    path = str(one.attributes_there.get("path") or "")
    return "/aws-service-role/" in one.cloud_id or path.startswith("/aws-service-role/")


_PARENT_TAGS = (
    *("aws:autoscaling:groupName", "aws:cloudformation:stack-name", "aws:ec2launchtemplate:id", "eks:cluster-name"),
    *("eks:nodegroup-name", "kubernetes.io/cluster/", "elasticbeanstalk:environment-name", "aws:elasticmapreduce:"),
    *("karpenter.sh/", "node.k8s.amazonaws.com/", "elbv2.k8s.aws/cluster", "ingress.k8s.aws/", "aws:backup:"),
)


def _made_by_parent(one: Observed) -> bool:
    if any(str(tag).startswith(_PARENT_TAGS) for tag in one.tags or {}):
        return True
    attributes = one.attributes_there
    managed = attributes.get("requester_managed") is True or bool(attributes.get("attachments_of_a_service"))
    return (
        managed
        or "owner_references" in attributes
        or any(p.startswith("metadata.owner_references") for p in attributes)
    )


def _managed_by_tool(one: Observed) -> bool:
    """Helm and Argo CD mark what they made: it is in some code, though in no state."""
    tags = one.tags or {}
    return tags.get("app.kubernetes.io/managed-by") == "Helm" or any(
        str(tag) in ("argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name") for tag in tags
    )


def _provider_managed(one: Observed) -> bool:
    attributes = one.attributes_there
    return (
        attributes.get("key_manager") == "AWS"
        or one.address.startswith("alias/aws/")
        or ":aws:policy/" in one.cloud_id
        or ":iam::aws:" in one.cloud_id
        or (one.type in ("aws_iam_role", "aws_iam_policy") and ":role/service-role/" in one.cloud_id)
    )


_OF_ATTRIBUTES: Mapping[str, Callable[[AttributeDrift, Observed], bool]] = {
    "empty": _empty,
    "same_json": _same_json,
    "same_scalar": _same_scalar,
    "computed": _computed,
    "tags_repeated": _tags_repeated,
    "default": _default,
    "autoscaled": _autoscaled,
}
_OF_THINGS: Mapping[str, Callable[[Observed], bool]] = {
    "default_network": _default_network,
    "service_linked": _service_linked,
    "made_by_parent": _made_by_parent,
    "provider_managed": _provider_managed,
    "managed_by_tool": _managed_by_tool,
}
