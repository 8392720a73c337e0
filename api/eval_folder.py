"""An incident as one folder: `incident.yaml` says what was seen, when, and what it was; `lore.yaml` beside it names the facts. See docs/evals.md."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from api.errors import SettingsError, UsageError
from api.settings import CONFIG_NAME, Settings, load
from api.wiring import PATH_SETTINGS, is_remote
from graph.clock import Instant, instant

INCIDENT_NAME = "incident.yaml"
NOTHING = "none"
"""What `expected.cause` says when the right answer is to name no cause."""
WINDOW_DAYS = 7.0
_MOST_DAYS = 3_650
_SEE = "docs/evals.md says what it may hold"
_REPOSITORY_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class _Expected(msgspec.Struct, forbid_unknown_fields=True):
    cause: str | list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    symptom: str
    at: str
    expected: _Expected
    why: str = ""
    environment: str = ""
    window_days: float = WINDOW_DAYS


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident of which the cause is known.

    Attributes:
        name: the folder's name.
        folder: where it and its facts are.
        symptom, at, environment, window_days: what is investigated.
        expected: names of the cause, of which any is right; empty when no cause is to be named.
        why: how that is known, for people.
    """

    name: str
    folder: Path
    symptom: str
    at: Instant
    expected: tuple[str, ...]
    why: str = ""
    environment: str = ""
    window_days: float = WINDOW_DAYS


def find_folders(places: Sequence[Path]) -> list[Path]:
    """The incidents' folders: a place is one itself, or holds some. Folders whose name begins with `.` or `_` are passed over.

    Raises:
        UsageError: a place is not there, or holds none.
    """
    found: list[Path] = []
    for place in places:
        if not place.is_dir():
            raise UsageError(
                f"there is no folder {place}", f"name folders that hold {INCIDENT_NAME}, or a folder of such"
            )
        if (place / INCIDENT_NAME).exists():
            found.append(place)
            continue
        inside = sorted(p for p in place.iterdir() if p.is_dir() and p.name[0] not in "._")
        if not inside:
            raise UsageError(f"{place} holds no incidents", f"an incident is a folder with {INCIDENT_NAME} in it")
        found += inside
    return list(dict.fromkeys(found))


def read_incident(folder: Path) -> Incident:
    """What a folder's `incident.yaml` says.

    Raises:
        SettingsError: it is missing, or does not say what is needed; one sentence says which.
    """
    import yaml

    path = folder / INCIDENT_NAME
    try:
        # Every scalar stays the text that it is: the start of a hash such as 12e4567 is no number, a time is read below.
        document: object = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except FileNotFoundError:
        raise SettingsError(f"{folder} has no {INCIDENT_NAME}", _SEE) from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", "it must be a readable UTF-8 file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise SettingsError(f"{path} is not YAML{line}", _SEE) from None
    try:
        told = msgspec.convert(document or {}, _File, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}", _SEE) from None
    return _checked(folder, path, told)


def _checked(folder: Path, path: Path, told: _File) -> Incident:
    if not told.symptom.strip():
        raise SettingsError(f"{path} has no symptom", "write what was seen, as the alert or the people told it")
    try:
        at = instant(told.at)
    except ValueError:
        raise SettingsError(f"{path}: at {told.at!r} is not a time", "write it like 2026-03-04T14:05:00Z") from None
    if not 0 < told.window_days <= _MOST_DAYS:
        raise SettingsError(
            f"{path}: window_days must be above zero and at most {_MOST_DAYS}", "leave it out for seven days"
        )
    cause = told.expected.cause
    names = tuple(n.strip() for n in ([cause] if isinstance(cause, str) else cause))
    if names == (NOTHING,):
        names = ()
    elif not names or not all(names) or NOTHING in names:
        raise SettingsError(
            f"{path}: expected.cause names nothing",
            f"list the names that are right (a commit, owner/name#12, an id), or write {NOTHING} when no cause is to be named",
        )
    return Incident(
        name=folder.resolve().name,
        folder=folder,
        symptom=told.symptom,
        at=at,
        expected=names,
        why=" ".join(told.why.split()),
        environment=told.environment,
        window_days=told.window_days,
    )


def read_settings(incident: Incident, scratch: Path) -> Settings:
    """The settings of an incident's `lore.yaml`, with a store of its own in `scratch`, where git bundles are unpacked too.

    Raises:
        SettingsError: there is no `lore.yaml`, it cannot be read or names no source, or a bundle cannot be unpacked.
    """
    config = incident.folder / CONFIG_NAME
    if not config.is_file():
        raise SettingsError(
            f"{incident.folder} has no {CONFIG_NAME}", "list the incident's facts in it as sources, by relative paths"
        )
    settings = load(config)
    if not settings.sources:
        raise SettingsError(f"{config} names no sources", "an incident needs facts: list them under `sources:`")
    return msgspec.structs.replace(
        settings,
        store=f"sqlite:///{scratch}/lore.db",
        standby=None,
        data_directory=scratch,
        sources=tuple(
            {name: _unpacked(incident, name, given, scratch / f"{i}") for name, given in entry.items()}
            for i, entry in enumerate(settings.sources)
        ),
        observations=tuple(
            {name: _beside(incident.folder, given) for name, given in entry.items()} for entry in settings.observations
        ),
    )


def _beside(folder: Path, given: dict[str, object]) -> dict[str, object]:
    """Paths from where `lore.yaml` is."""
    return {
        key: str(folder.resolve() / value)
        if key in PATH_SETTINGS and isinstance(value, str) and not is_remote(value)
        else value
        for key, value in given.items()
    }


def _unpacked(incident: Incident, source: str, given: dict[str, object], scratch: Path) -> dict[str, object]:
    """A source's settings; where it reads a `git bundle`, those of a bare repository made of it."""
    path = given.get("path")
    if not isinstance(path, str) or is_remote(path) or Path(path).suffix != ".bundle":
        return given
    bundle = (incident.folder / path).resolve()
    git = shutil.which("git")
    if git is None:
        raise SettingsError("the program git was not found", "install git and put it on the PATH")
    scratch.mkdir(parents=True, exist_ok=True)
    name = _REPOSITORY_NAMES.sub("-", bundle.stem) or "repository"
    into = scratch / name
    # A bundle is a stranger's: only files may be read by git, and no template brings hooks.
    limits = ("-c", "protocol.allow=never", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        [git, *limits, "clone", "--quiet", "--mirror", "--template=", "--", str(bundle), str(into)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"},
        check=False,
    )
    if done.returncode != 0:
        raise SettingsError(
            f"{path}, which {source} reads, is no git bundle that can be unpacked",
            "write it with `git bundle create repository.bundle HEAD --all`",
        )
    return cast("dict[str, object]", {"name": name, **given, "path": str(into)})
