"""Mail: over TLS, readable with and without HTML, and never sent a second time when nobody can tell whether it was."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import socketserver
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.errors import OutwardUnavailable, SettingsError
from api.gateway import ActionRequest, Gateway, Yes
from api.outward import open_gateway
from api.outward.mail import MailPerformer
from api.outward.settings import MailSettings
from api.settings import Settings
from tests.gateway_writer import start
from tests.local_server import free_port

ANN = Yes("ann", "--yes")
PASSWORD = "mail" + "-password"
LETTER = ActionRequest(
    "mail.message",
    "team@acme.example",
    "weekly-40",
    {"subject": "Week 40 – ä", "text": "plain", "html": '<p>rich <img src="cid:cost.png"></p>'},
    {"cost.png": b"\x89PNG"},
)


@dataclass
class Post:
    """A mail server: speaks SMTP, keeps what it takes, and breaks where a test says so."""

    port: int = 0
    ca_file: str = ""
    starttls: bool = True
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list[tuple[str, list[str], bytes]])
    logins: list[str] = field(default_factory=list[str])
    replies: dict[str, str] = field(default_factory=dict[str, str])
    """By command, another reply than 250."""
    hang_up_at: str = ""
    """A command, `content` (before the message is kept) or `kept` (after it)."""
    kills: bool = False
    """Kill `victim` there first."""
    victim: int = 0
    victim_known: threading.Event = field(default_factory=threading.Event)

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(content, policy=policy.default) for _, _, content in self.taken]


class HungUp(Exception):
    pass


@contextmanager
def post_office(directory: Path) -> Generator[Post]:
    post = Post()
    context = _certificate(directory, post)

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def at(self, where: str) -> None:
            if post.hang_up_at == where:
                if post.kills:
                    assert post.victim_known.wait(10)
                    os.kill(post.victim, signal.SIGKILL)
                raise HungUp

        def handle(self) -> None:
            try:
                self.talk()
            except (HungUp, OSError):
                self.connection.close()

        def talk(self) -> None:
            self.say("220 ready")
            sender, recipients, secure = "", list[str](), False
            while line := self.rfile.readline().decode().strip():
                verb = line.split()[0].upper()
                self.at(verb)
                if verb == "EHLO":
                    more = ["AUTH PLAIN"] if secure else ["STARTTLS"] if post.starttls else []
                    for one in ["here", *more][:-1]:
                        self.say(f"250-{one}")
                    self.say(f"250 {['here', *more][-1]}")
                elif verb == "STARTTLS":
                    self.say("220 go")
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                    secure = True
                elif verb == "AUTH":
                    post.logins.append(line)
                    self.say(post.replies.get(verb, "235 welcome"))
                elif verb == "DATA":
                    self.say("354 go")
                    content = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        content += part
                    self.at("content")
                    if verb not in post.replies:
                        post.taken.append((sender, recipients, content))
                    self.at("kept")
                    self.say(post.replies.get(verb, "250 kept"))
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    address = line.partition("<")[2].partition(">")[0]
                    if verb == "MAIL":
                        sender = address
                    reply = post.replies.get(f"{verb} {address}", post.replies.get(verb, "250 ok"))
                    if verb == "RCPT" and reply.startswith("250"):
                        recipients.append(address)
                    self.say(reply)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None
    post.port = int(server.server_address[1])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield post
    finally:
        server.shutdown()
        server.server_close()


def _certificate(directory: Path, post: Post) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    both = directory / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    ca = directory / "ca.pem"
    ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    post.ca_file = str(ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.fixture
def post(tmp_path: Path) -> Generator[Post]:
    with post_office(tmp_path) as running:
        yield running


def given(post: Post, **changed: object) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "port": post.port,
        "from": "infralore <lore@acme.example>",
        "username": "lore",
        "password": PASSWORD,
        "ca_file": post.ca_file,
        "timeout_s": 5,
        **changed,
    }


def opened(home: Path, post: Post, **changed: object) -> Gateway:
    return open_gateway(Settings(store="", outward={"mail": given(post, **changed)}, data_directory=home / "data"))


def test_a_mail_has_a_text_an_html_with_its_pictures_and_an_id_from_its_key(post: Post, tmp_path: Path) -> None:
    outcome = opened(tmp_path, post).execute(LETTER, ANN)
    assert (outcome.status, outcome.id) == ("done", "<weekly-40.infralore@acme.example>")
    (letter,) = post.letters
    assert post.taken[0][:2] == ("lore@acme.example", ["team@acme.example"])
    assert (letter["Subject"], letter["To"], letter["Message-ID"]) == ("Week 40 – ä", "team@acme.example", outcome.id)
    kinds = [part.get_content_type() for part in letter.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = next(part for part in letter.walk() if part.get_content_type() == "image/png")
    assert (picture["Content-ID"], picture.get_payload(decode=True)) == ("<cost.png>", b"\x89PNG")
    assert len(post.logins) == 1


def test_a_mail_without_html_is_plain(post: Post, tmp_path: Path) -> None:
    opened(tmp_path, post).execute(replace(LETTER, payload={"subject": "x", "text": "plain"}, files={}), ANN)
    assert post.letters[0].get_content_type() == "text/plain"


def test_the_same_key_sends_once_and_what_changed_is_not_sent_under_it(post: Post, tmp_path: Path) -> None:
    gateway = opened(tmp_path, post)
    changed = replace(LETTER, payload={"subject": "x", "text": "other"})
    assert [gateway.execute(r, ANN).status for r in (LETTER, LETTER, changed)] == ["done", "already", "refused"]
    assert len(post.taken) == 1


def test_recipients_that_the_server_refuses_are_named(post: Post, tmp_path: Path) -> None:
    post.replies["RCPT gone@acme.example"] = "550 no such user"
    gateway = opened(tmp_path, post)
    outcome = gateway.execute(replace(LETTER, target="team@acme.example, gone@acme.example"), ANN)
    assert (outcome.status, "refused gone@acme.example" in outcome.detail) == ("done", True)
    alone = gateway.execute(replace(LETTER, target="gone@acme.example"), ANN)
    assert (alone.status, "550 no such user" in alone.detail) == ("refused", True)


@pytest.mark.parametrize("where", ["EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT"])
def test_a_connection_that_breaks_before_the_message_is_tried_again(post: Post, tmp_path: Path, where: str) -> None:
    gateway = opened(tmp_path, post)
    post.hang_up_at = where
    with pytest.raises(OutwardUnavailable, match="cannot be reached"):
        gateway.execute(LETTER, ANN)
    post.hang_up_at = ""
    assert (gateway.execute(LETTER, ANN).status, len(post.taken)) == ("done", 1)


@pytest.mark.parametrize(("where", "kept"), [("content", 0), ("kept", 1)])
def test_a_connection_that_breaks_while_the_message_is_taken_leaves_it_unknown_and_it_is_not_sent_again(
    post: Post, tmp_path: Path, where: str, kept: int
) -> None:
    gateway = opened(tmp_path, post)
    post.hang_up_at = where
    first = gateway.execute(LETTER, ANN)
    assert (first.status, "unknown whether it was sent" in first.detail) == ("failed", True)
    post.hang_up_at = ""
    again = gateway.execute(LETTER, ANN)
    assert (again.status, "unknown whether it was sent" in again.detail, len(post.taken)) == ("refused", True, kept)
    assert gateway.execute(replace(LETTER, key="weekly-40-again"), ANN).status == "done"


@pytest.mark.parametrize("where", ["EHLO", "MAIL", "content", "kept"])
def test_a_writer_that_is_killed_in_the_middle_is_not_repeated(post: Post, tmp_path: Path, where: str) -> None:
    """It cannot know how far it came: the log only tells that it began."""
    post.hang_up_at = where
    post.kills = True
    process = start(tmp_path / "data", {"mail": given(post)}, LETTER)
    assert process.pid is not None
    post.victim = process.pid
    post.victim_known.set()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
    post.hang_up_at = ""
    outcome = opened(tmp_path, post).execute(LETTER, ANN)
    assert (outcome.status, "unknown" in outcome.detail) == ("refused", True)
    assert len(post.taken) == (1 if where == "kept" else 0)


@pytest.mark.parametrize(
    ("replies", "status", "words"),
    [
        ({"AUTH": "535 no"}, "refused", "password"),
        ({"MAIL": "550 not you"}, "refused", "550 not you"),
        ({"MAIL": "451 later"}, "unavailable", "451 later"),
        ({"RCPT": "450 greylisted"}, "unavailable", "greylisted"),
        ({"DATA": "452 full"}, "unavailable", "full"),
        ({"DATA": "554 spam"}, "refused", "spam"),
    ],
)
def test_what_the_server_says_becomes_a_sentence_and_a_remedy(
    post: Post, tmp_path: Path, replies: dict[str, str], status: str, words: str
) -> None:
    post.replies = replies
    gateway = opened(tmp_path, post)
    if status == "unavailable":
        with pytest.raises(OutwardUnavailable, match=words):
            gateway.execute(LETTER, ANN)
    else:
        outcome = gateway.execute(LETTER, ANN)
        assert (outcome.status, words in outcome.detail) == ("refused", True)
    assert PASSWORD.encode() not in (tmp_path / "data" / "actions.db").read_bytes()
    post.replies = {}
    assert gateway.execute(LETTER, ANN).status == "done", "nothing was sent before"


def test_no_password_goes_over_a_line_without_tls(post: Post, tmp_path: Path) -> None:
    post.starttls = False
    outcome = opened(tmp_path, post).execute(LETTER, ANN)
    assert (outcome.status, "no TLS" in outcome.detail, post.logins) == ("refused", True, [])
    with pytest.raises(SettingsError, match="without TLS"):
        MailPerformer(MailSettings(host="x", sender="a@b.example", security="none", username="u"))


def test_a_certificate_that_nobody_vouches_for_is_refused(post: Post, tmp_path: Path) -> None:
    outcome = opened(tmp_path, post, ca_file="").execute(LETTER, ANN)
    assert (outcome.status, "ca_file" in outcome.detail, post.taken) == ("refused", True, [])


def test_a_relay_on_this_host_needs_no_tls(post: Post, tmp_path: Path) -> None:
    gateway = opened(tmp_path, post, security="none", username="", password="")
    assert (gateway.execute(LETTER, ANN).status, len(post.taken)) == ("done", 1)


def test_a_server_that_is_away_is_unavailable(post: Post, tmp_path: Path) -> None:
    with pytest.raises(OutwardUnavailable, match="cannot be reached"):
        opened(tmp_path, post, port=free_port()).execute(LETTER, ANN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "nobody"},
        {"target": "a@b.example, nobody"},
        {"payload": {"text": "x"}},
        {"payload": {"subject": "x", "html": "<p>"}},
    ],
)
def test_a_mail_that_cannot_be_meant_is_refused(post: Post, tmp_path: Path, wrong: dict[str, object]) -> None:
    outcome = opened(tmp_path, post).execute(replace(LETTER, **wrong), ANN)  # pyright: ignore[reportArgumentType]
    assert (outcome.status, post.taken) == ("refused", [])


def test_a_subject_cannot_add_headers(post: Post, tmp_path: Path) -> None:
    opened(tmp_path, post).execute(replace(LETTER, payload={"subject": "x\r\nBcc: eve@evil.example", "text": "t"}), ANN)
    assert post.letters[0]["Bcc"] is None
    assert post.taken[0][1] == ["team@acme.example"]
