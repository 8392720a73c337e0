"""Backstage descriptors: `catalog-info.yaml` and its like, several documents a file.

Format: https://backstage.io/docs/features/software-catalog/descriptor-format, annotations:
https://backstage.io/docs/features/software-catalog/well-known-annotations
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import cast

import yaml

from graph.model import Quarantined
from ingest.repository_files import RepositoryFile
from ingest.sources.catalog.entries import Entry, Origin, Target, target

API_VERSION = "backstage.io/"
KINDS = frozenset({"component", "system", "domain", "resource", "api", "group", "user"})
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_FORGE = re.compile(r"https?://(?:www\.)?(?:github|gitlab)\.[A-Za-z0-9.-]+/([A-Za-z0-9._/-]+)")
_NAMES = ("backstage.io/kubernetes-id", "argocd/app-name", "sentry.io/project-slug", "datadoghq.com/service-name")
_IDS = (
    "pagerduty.com/service-id",
    "opsgenie.com/service-id",
    "opsgenie.com/component-id",
    "datadoghq.com/dashboard-id",
)
_REPOSITORIES = ("github.com/project-slug", "gitlab.com/project-slug", "bitbucket.org/project-slug")
_ACCOUNTS = {
    "github.com/user-login": "github",
    "gitlab.com/user-login": "gitlab",
    "gitlab.com/username": "gitlab",
    "slack.com/user-id": "slack",
    "pagerduty.com/user-id": "pagerduty",
}
_TEAMS = {"github.com/team-slug": "github", "gitlab.com/team-path": "gitlab"}
_CHANNELS = ("slack.com/channel", "slack-channel", "slack.com/channel-name", "slack/channel")
_TIERS = ("tier", "criticality", "service-tier")


def read_descriptors(file: RepositoryFile, at: int) -> Iterator[Entry | Quarantined]:
    """The entries of a file; a document that cannot be read is quarantined with its line. What is no descriptor is passed over."""
    if API_VERSION not in (text := file.text()):
        return
    for line, document in _documents(text):
        if API_VERSION not in document:
            continue
        locator, url = file.cite(line)
        loaded = _load(document)
        if isinstance(loaded, int):
            yield Quarantined(file.cite(line + loaded)[0], "the document is no YAML")
            continue
        told = _mapping(loaded)
        if not _text(told.get("apiVersion")).startswith(API_VERSION) or _text(told.get("kind")).lower() not in KINDS:
            continue
        entry = _entry(told, Origin(locator, url, at))
        yield entry if entry is not None else Quarantined(locator, "the entry has no metadata.name")


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """(first line, text) of each document. Split by hand, so that one that is broken leaves the others readable."""
    starts = [0, *(m.start() for m in _SEPARATOR.finditer(text) if m.start() > 0), len(text)]
    for start, end in pairwise(starts):
        document = text[start:end]
        blank = len(document) - len(document.removeprefix("---").lstrip())
        if document[blank:]:
            yield text.count("\n", 0, start + blank) + 1, document[blank:]


def _load(document: str) -> object:
    """The document; a number is the line, counted from 0, at which it is broken."""
    try:
        # The loader keeps each anchor once, however often it is referred to: a "billion laughs" stays small, for nothing here walks it.
        loaded: object = yaml.load(document, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line if error.problem_mark is not None else 0
    except (yaml.YAMLError, ValueError, RecursionError):
        return 0
    return None if isinstance(loaded, int) else loaded


def _entry(told: Mapping[str, object], origin: Origin) -> Entry | None:
    metadata, spec = _mapping(told.get("metadata")), _mapping(told.get("spec"))
    name = _text(metadata.get("name"))
    if not name:
        return None
    kind = _text(told.get("kind")).lower()
    namespace = _text(metadata.get("namespace")) or "default"
    annotations, labels = _texts(metadata.get("annotations")), _texts(metadata.get("labels"))
    profile = _mapping(spec.get("profile"))
    links = [_text(_mapping(link).get("url")) for link in _list(metadata.get("links"))]
    owner = target(_text(spec.get("owner")), "group", namespace)

    def targets(field: str, default: str) -> tuple[Target, ...]:
        found = (target(_text(item), default, namespace) for item in _list(spec.get(field)))
        return tuple(one for one in found if one is not None)

    parent = "subdomainOf" if kind == "domain" else "domain" if kind == "system" else "parent"
    cloud_ids = [v for v in annotations.values() if v.startswith("arn:") and v.count(":") >= 5]
    return Entry(
        kind=kind,
        name=name,
        origin=origin,
        namespace=namespace,
        title=_text(metadata.get("title")) or _text(profile.get("displayName")),
        description=_text(metadata.get("description")),
        type=_text(spec.get("type")),
        lifecycle=_text(spec.get("lifecycle")),
        tier=_tier(labels, annotations, spec, metadata),
        system=target(_text(spec.get("system")), "system", namespace),
        owner=owner,
        owner_rule="catalog spec.owner",
        channel=next((annotations[key] for key in _CHANNELS if annotations.get(key)), ""),
        url=next(filter(None, links), ""),
        email=_text(profile.get("email")).lower(),
        names=tuple(annotations[key] for key in _NAMES if annotations.get(key)),
        ids=tuple(annotations[key] for key in _IDS if annotations.get(key)),
        links=tuple(filter(None, links)),
        repositories=tuple(_repositories(annotations)),
        accounts=tuple(
            (system, annotations[key].removeprefix("@"))
            for key, system in (_ACCOUNTS if kind == "user" else _TEAMS).items()
            if annotations.get(key)
        ),
        cloud_ids=tuple(cloud_ids) if kind == "resource" else (),
        depends_on=targets("dependsOn", "component"),
        dependency_of=targets("dependencyOf", "component"),
        provides=targets("providesApis", "api"),
        consumes=targets("consumesApis", "api"),
        part_of=target(_text(spec.get(parent)), "group" if kind == "group" else "domain", namespace),
        members=tuple(t.name for t in targets("members", "user")),
        member_of=targets("memberOf", "group"),
    )


def _repositories(annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in _REPOSITORIES:
        if "/" in (slug := annotations.get(key, "").strip("/ ")):
            yield slug, f"annotation {key}"
            return
    location = annotations.get("backstage.io/source-location", "")
    if (found := _FORGE.match(location.removeprefix("url:"))) is not None:
        # GitLab separates the repository's path, which may be long, by `/-/`; GitHub's has two parts.
        path = found[1].partition("/-/")[0] if "/-/" in found[1] else "/".join(found[1].split("/")[:2])
        if "/" in (path := path.strip("/").removesuffix(".git")):
            yield path, "annotation backstage.io/source-location"


def _tier(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    spec: Mapping[str, object],
    metadata: Mapping[str, object],
) -> str:
    for key in _TIERS:
        if found := labels.get(key) or _text(spec.get(key)):
            return found
    for key, value in sorted({**labels, **annotations}.items()):
        if key.rpartition("/")[2] in _TIERS:
            return value
    tags = (_text(tag).lower() for tag in _list(metadata.get("tags")))
    return next((tag for tag in tags if re.fullmatch(r"tier-?\d", tag)), "")


# -- narrowing


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def _texts(value: object) -> dict[str, str]:
    return {str(key): text for key, item in _mapping(value).items() if (text := _text(item))}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, (str, int, float)) else ""
