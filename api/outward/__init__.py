"""The performers: each writes one sort of thing on one system, and alone holds the credentials for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from api.action_log import LOG_NAME, ActionLog, thing_of, unfinished
from api.errors import SettingsError
from api.gateway import ActionRequest, Gateway, Outcome, Performer, Sight
from api.outward.settings import GithubSettings, MailSettings, SlackSettings, read
from graph.clock import Instant, instant

if TYPE_CHECKING:
    from api.settings import Settings

SYSTEMS = ("github", "slack", "mail")


def open_gateway(settings: Settings) -> Gateway:
    """The gateway with a performer for each system that `outward:` gives credentials to. Raises `SettingsError`."""
    return Gateway(settings, performers(settings))


def performers(settings: Settings) -> dict[str, Performer]:
    """By system, those that `outward:` gives credentials to; each loads its SDK when it is first used.

    Raises:
        SettingsError: a system is not known, or what it needs is missing.
    """
    given = settings.outward
    unknown = sorted(set(given) - set(SYSTEMS))
    if unknown:
        raise SettingsError(f"outward: there is no {unknown[0]!r}", f"it may hold {', '.join(SYSTEMS)}")
    found: dict[str, Performer] = {}
    if "github" in given:
        found["github"] = _github(read(GithubSettings, "github", given["github"], ("token",)))
    if "slack" in given:
        found["slack"] = _slack(read(SlackSettings, "slack", given["slack"], ("token",)), settings)
    if "mail" in given:
        found["mail"] = _mail(read(MailSettings, "mail", given["mail"], ("host", "from")))
    return found


def _github(given: GithubSettings) -> Performer:
    def opened() -> Performer:
        from api.outward.github import GithubPerformer

        return GithubPerformer(given)

    return _WhenUsed(opened, "complete")


def _slack(given: SlackSettings, settings: Settings) -> Performer:
    log = ActionLog(settings.data_directory / LOG_NAME)

    def tried(request: ActionRequest) -> tuple[Instant, ...]:
        """When this host tried it and nobody knows how it ended."""
        entries = log.of(thing_of(request.action, request.target, request.key))
        return tuple(instant(e.at) for e in unfinished(entries, failed=True))

    def opened() -> Performer:
        from api.outward.slack import SlackPerformer

        return SlackPerformer(given, tried)

    return _WhenUsed(opened, "window")


def _mail(given: MailSettings) -> Performer:
    def opened() -> Performer:
        from api.outward.mail import MailPerformer

        return MailPerformer(given)

    return _WhenUsed(opened, "none")


class _WhenUsed:
    """A performer that is made when it is first used: its SDK takes longer to load than a dry run."""

    def __init__(self, opened: Callable[[], Performer], sight: Sight) -> None:
        self.sight: Sight = sight
        self._opened = opened
        self._performer: Performer | None = None
        self._lock = Lock()

    def find(self, request: ActionRequest) -> Outcome | None:
        """As the performer does."""
        return self._get().find(request)

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        """As the performer does."""
        return self._get().perform(request, found)

    def _get(self) -> Performer:
        with self._lock:
            if self._performer is None:
                self._performer = self._opened()
            return self._performer
