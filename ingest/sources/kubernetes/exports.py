"""A cluster as files: what `kubectl get … -o json` printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graph.model import Quarantined
from ingest.source import SourceDataInvalid
from ingest.sources.deployments.files import FileInvalid, decode_json, find_files
from ingest.sources.kubernetes.reading import Reading, list_kind, members

_SUFFIXES = (".json", ".json.gz")
_HINT = "write them with `kubectl get deployments,services,… --all-namespaces -o json`"


def read_files(path: str, namespaces: Sequence[str], without: Sequence[str]) -> list[Reading]:
    """What the files hold, for each namespace that is asked for or for the whole cluster.

    Raises:
        SourceDataInvalid: there are no files, or none of them holds an object of a cluster.
        SourceUnavailable: they cannot be read now.
    """
    found = Reading(strict=False)
    for file in find_files(path, _SUFFIXES, "Kubernetes objects"):
        try:
            document = decode_json(file.read())
        except FileInvalid as error:
            found.quarantined.append(Quarantined(file.path, str(error)))
            continue
        kind = list_kind(document)
        if kind is not None:
            found.take(members(document), kind, file.path)
            found.complete |= {kind} - {""}
        else:
            found.take(cast("list[object]", document) if isinstance(document, list) else [document], "", file.path)
    if not found.objects and not found.complete:
        reason = f": {found.quarantined[0].reason}" if found.quarantined else ""
        raise SourceDataInvalid(f"{path} holds no object of a cluster{reason}", _HINT)
    found.complete |= {one.kind for one in found.objects}
    found.complete -= set(without)
    found.objects = [one for one in found.objects if one.kind not in without]
    return _by_namespace(found, namespaces) if namespaces else [found]


def _by_namespace(found: Reading, namespaces: Sequence[str]) -> list[Reading]:
    parts: list[Reading] = []
    for namespace in sorted(set(namespaces)):
        objects = [one for one in found.objects if one.namespace == namespace]
        parts.append(Reading(namespace, objects, set(found.complete), [], strict=False))
    if parts:
        parts[0].quarantined = found.quarantined
    return parts
