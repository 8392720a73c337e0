"""A person with the account that they have on every system. Names, mails and logins differ between systems, as they do."""

from __future__ import annotations

from dataclasses import dataclass

from examples.formats.github import GitHubUser
from examples.formats.output import letters, number_id
from examples.formats.slack import SlackUser
from examples.git_writer import Identity


@dataclass(frozen=True, slots=True)
class Person:
    """A person or bot. Empty: no account there.

    Attributes:
        key: what the generator calls them; on no system.
        name: full name as the catalog has it.
        email: work mail.
        git_name, git_email: as their commits say; the mail can be a private or a noreply one.
        github: login. gitlab: username.
        slack_name: handle; slack_display: display name; slack_real: real name there.
        iam_user: IAM user in the cloud accounts.
        sso: role session name in the cloud (mail or user name).
        kubernetes: user name in the cluster's audit and annotations.
        pagerduty: name there.
        catalog: entity name of the User in the catalog.
        team: team's name.
    """

    key: str
    name: str
    email: str
    git_name: str = ""
    git_email: str = ""
    github: str = ""
    gitlab: str = ""
    slack_name: str = ""
    slack_display: str = ""
    slack_real: str = ""
    iam_user: str = ""
    sso: str = ""
    kubernetes: str = ""
    pagerduty: str = ""
    catalog: str = ""
    team: str = ""
    title: str = ""
    bot: bool = False

    @property
    def identity(self) -> Identity:
        """Their git identity."""
        return Identity(self.git_name or self.name, self.git_email or self.email)

    @property
    def github_user(self) -> GitHubUser:
        """Their GitHub account."""
        return GitHubUser(self.github, number_id("github", self.github, digits=7), self.bot)

    @property
    def slack_id(self) -> str:
        """Their Slack user id."""
        return "U0" + letters("slack", self.key, self.email, length=9)

    @property
    def slack_user(self) -> SlackUser:
        """Their Slack account."""
        return SlackUser(
            id=self.slack_id,
            name=self.slack_name,
            real_name=self.slack_real or self.name,
            display_name=self.slack_display,
            email=self.email,
            title=self.title,
            bot=self.bot,
        )

    @property
    def pagerduty_id(self) -> str:
        """Their PagerDuty user id."""
        return "P" + letters("pagerduty", self.key, self.email, length=6)
