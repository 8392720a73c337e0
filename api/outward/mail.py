"""Mail, by SMTP. What was sent cannot be looked up: what was cut off while the server took it is never sent again, and the outcome says so."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, parseaddr
from mimetypes import guess_type
from typing import TYPE_CHECKING

from agent.evidence import inline
from api.errors import OutwardRefused, OutwardUnavailable, OutwardUnknown, SettingsError
from api.gateway import ActionRequest, Outcome, slug
from ingest.redact import redact_text

if TYPE_CHECKING:
    from api.outward.settings import MailSettings

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class MailPerformer:
    """`mail.message`; target: an address, or several with commas.

    Payload: subject, text, html (optional; beside the text). `files` are the pictures of the HTML: `<img src="cid:cost.png">` shows `cost.png`.
    """

    sight = "none"

    def __init__(self, given: MailSettings) -> None:
        if given.security == "none" and given.username:
            raise SettingsError("outward.mail would send a password without TLS", "set `security: starttls` or `tls`")
        if "@" not in parseaddr(given.sender)[1]:
            raise SettingsError("outward.mail.from is no mail address", "write it like infralore <lore@acme.example>")
        self._given = given

    def find(self, request: ActionRequest) -> Outcome | None:
        """Nothing: nobody can be asked."""
        del request

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        """Send it."""
        del found
        sender = parseaddr(self._given.sender)[1]
        recipients = _recipients(request.target)
        message = self._message(request, recipients)
        content = message.as_bytes(policy=policy.SMTP)
        with self._session() as smtp:
            with _before_data(self._given.host):
                code, reply = smtp.mail(sender)
                _expect(code, reply, "the sender")
                refused = [(r, *answer) for r in recipients if (answer := smtp.rcpt(r))[0] not in (250, 251)]
                if len(refused) == len(recipients):
                    _expect(refused[0][1], refused[0][2], "the recipient")
            code, reply = _hand_over(smtp, content)
            _expect(code, reply, "the message")
        left_out = f"; the server refused {', '.join(r for r, _, _ in refused)}" if refused else ""
        return Outcome("done", str(message["Message-ID"]), detail=f"sent to {inline(request.target, 120)}{left_out}")

    def _message(self, request: ActionRequest, recipients: Sequence[str]) -> EmailMessage:
        payload = request.payload
        if not payload.get("subject", "").strip() or not payload.get("text", "").strip():
            raise OutwardRefused("a mail needs a subject and a text, also beside HTML", "give both")
        message = EmailMessage()
        try:
            message["From"] = self._given.sender
            message["To"] = ", ".join(recipients)
            message["Subject"] = inline(payload["subject"], 300)
            message["Date"] = formatdate(usegmt=True)
            message["Message-ID"] = self.message_id(request)
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(payload["text"])
            if payload.get("html", "").strip():
                self._add_html(message, request)
        except (ValueError, MessageError):
            raise OutwardRefused("the mail's headers cannot be written", "check `from` and the addresses") from None
        return message

    def _add_html(self, message: EmailMessage, request: ActionRequest) -> None:
        message.add_alternative(request.payload["html"], subtype="html")
        html = message.get_body(("html",))
        for name, content in sorted(request.files.items()):
            if content is not None and isinstance(html, EmailMessage):
                kind, _, subtype = (guess_type(name)[0] or "application/octet-stream").partition("/")
                html.add_related(content, kind, subtype, cid=f"<{name}>", filename=name, disposition="inline")

    def message_id(self, request: ActionRequest) -> str:
        """The same for the same key: a server that took it twice can tell."""
        domain = parseaddr(self._given.sender)[1].rpartition("@")[2]
        return f"<{slug(request.key)}.infralore@{domain}>"

    @contextmanager
    def _session(self) -> Generator[smtplib.SMTP]:
        given = self._given
        with _before_data(given.host):
            smtp = self._connected(given.port or _PORTS[given.security])
        try:
            yield smtp
        finally:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()

    def _connected(self, port: int) -> smtplib.SMTP:
        given = self._given
        trusted = ssl.create_default_context(cafile=given.ca_file or None)
        if given.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(given.host, port, timeout=given.timeout_s, context=trusted)
        else:
            smtp = smtplib.SMTP(given.host, port, timeout=given.timeout_s)
        try:
            if given.security == "starttls":
                smtp.starttls(context=trusted)
            smtp.ehlo_or_helo_if_needed()
            if given.username:
                smtp.login(given.username, given.password)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _hand_over(smtp: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    """Send the message's text. From here on a connection that breaks leaves open whether the server kept it."""
    try:
        return smtp.data(content)
    except smtplib.SMTPDataError as error:
        return error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
    except (smtplib.SMTPException, OSError):
        raise OutwardUnknown(
            "the connection broke while the mail server took the message: it is unknown whether it was sent",
            "it is not sent again; ask a recipient, and use a new key to send it again",
        ) from None


def _expect(code: int, reply: bytes, what: str) -> None:
    """Raises what a reply means when it is not one of success."""
    if 200 <= code < 300:
        return
    told = inline(redact_text(reply.decode("utf-8", "replace")), 160)
    if 400 <= code < 500:
        raise OutwardUnavailable(f"the mail server does not take {what} now ({code} {told})", "try again later", 300.0)
    raise OutwardRefused(
        f"the mail server refuses {what} ({code} {told})",
        "check the addresses, and what the server lets this user send",
    )


@contextmanager
def _before_data(host: str) -> Generator[None]:
    """Nothing is sent yet: whatever breaks here may be tried again."""
    try:
        yield
    except smtplib.SMTPAuthenticationError:
        raise OutwardRefused(
            "the mail server refuses the password", "check `outward.mail.username` and `password`"
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise OutwardRefused(
            f"{host} offers no TLS or no login there", "check `outward.mail.port` and `security`"
        ) from None
    except ssl.SSLError as error:
        raise OutwardRefused(
            f"the mail server's certificate is not trusted ({inline(error.reason or 'TLS', 80)})",
            "set `outward.mail.ca_file` for an authority of your own",
        ) from None
    except (smtplib.SMTPException, OSError):
        raise OutwardUnavailable(
            f"the mail server {host} cannot be reached", "check `outward.mail.host` and `port`, then try again"
        ) from None


def _recipients(target: str) -> list[str]:
    found = [address for _, address in getaddresses([target])]
    if not found or any("@" not in a or not a.isascii() or any(c.isspace() for c in a) for a in found):
        raise OutwardRefused(
            f"{inline(target, 120)} is no mail address", "write it like team@acme.example; several with commas"
        )
    return found
