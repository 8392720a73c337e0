"""Where states lie: a file, a directory or an S3 prefix, as a list of candidates that are read one at a time."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from graph.clock import Instant
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.terraform_state.settings import TerraformStateSettings

_STATE = re.compile(r"\.tfstate$")
_BACKUP = re.compile(r"\.tfstate(?:\.\d+)?\.backup$")
_SKIPPED = frozenset({".git", ".terraform"})
"""`.terraform/terraform.tfstate` is not a state but the settings of the backend."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a state.

    Attributes:
        path: relative to the location; a file given as the location has its own name.
        place: the path of which this is a version: for `x.tfstate.backup` that of `x.tfstate`.
        workspace: `default` where the path does not tell.
        written_at: last modification.
        locator: what a citation shows, without the instance: path, or `s3://bucket/key?versionId=…`.
        version: identifies the bytes without reading them (S3), empty where only reading tells.
        backup: whether an older serial than what was read before is expected here.
        read: fetches the bytes.
    """

    path: str
    place: str
    workspace: str
    written_at: Instant
    locator: str
    version: str
    backup: bool
    read: Callable[[], bytes]


def candidates(settings: TerraformStateSettings) -> tuple[Candidate, ...]:
    """Everything at the location that is named like a state, in a stable order.

    Raises:
        SourceUnavailable: the location cannot be reached now.
        SourceDataInvalid: there is no such location, it may not be read, or nothing there is named like a state.
    """
    if settings.location.startswith("s3://"):
        from ingest.sources.terraform_state.s3 import s3_candidates

        found = s3_candidates(settings)
    else:
        found = _file_candidates(Path(settings.location).expanduser())
    if not found:
        raise SourceDataInvalid(
            f"there is no Terraform state at {settings.location}",
            "state files end in .tfstate; with a remote backend run `terraform state pull > terraform.tfstate`",
        )
    return tuple(sorted(found, key=lambda c: (c.place, c.written_at, c.path, c.version)))


def content_digest(data: bytes) -> str:
    """What equal bytes share."""
    return blake2b(data, digest_size=12).hexdigest()


def workspace_of(path: str) -> str:
    """The workspace that a path tells: `terraform.tfstate.d/WORKSPACE/…` locally, `env:/WORKSPACE/…` in S3; else `default`."""
    steps = path.split("/")
    for marker in ("terraform.tfstate.d", "env:"):
        if marker in steps[:-2]:
            return steps[steps.index(marker) + 1]
    return "default"


def is_state_path(path: str) -> bool:
    """Whether a file of this path is named like a state or a backup of one."""
    return _STATE.search(path) is not None or _BACKUP.search(path) is not None


def place_of(path: str) -> tuple[str, bool]:
    """The path of the state a file is a version of, and whether the file is a backup."""
    place = _BACKUP.sub(".tfstate", path)
    return place, place != path


def _file_candidates(location: Path) -> Sequence[Candidate]:
    try:
        if location.is_dir():
            names = _walk(location)
            return [_file(location / name, name) for name in names]
        return [_file(location, location.name)]
    except FileNotFoundError:
        raise SourceDataInvalid(
            f"there is no {location}", "give a state file, a directory or s3://bucket/prefix"
        ) from None
    except PermissionError as error:
        raise SourceDataInvalid(f"{error.filename} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{location} cannot be read: {error.strerror}", "check the disk or the mount") from None


def _walk(root: Path) -> list[str]:
    found: list[str] = []
    for directory, names, files in os.walk(root, onerror=_raise):
        names[:] = sorted(n for n in names if n not in _SKIPPED)
        relative = Path(directory).relative_to(root).as_posix()
        found += [posixpath.normpath(posixpath.join(relative, f)) for f in sorted(files) if is_state_path(f)]
    return found


def _raise(error: OSError) -> None:
    raise error


def _file(file: Path, path: str) -> Candidate:
    place, backup = place_of(path)
    return Candidate(
        path=path,
        place=place,
        # The location itself may lie below terraform.tfstate.d.
        workspace=workspace_of(file.absolute().as_posix()),
        written_at=file.stat().st_mtime_ns // 1_000,
        locator=path,
        version="",
        backup=backup,
        read=lambda: _read(file),
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except PermissionError:
        raise SourceDataInvalid(f"{file} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{file} cannot be read: {error.strerror}", "check the disk or the mount") from None
