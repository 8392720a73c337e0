"""A GitHub for tests: git objects, branches, pull requests and comments behind the REST API, strict where GitHub is.

It runs in this process on a port of its own, so that a test can look at what a killed writer left (`github.pulls`, `github.comments`). `on_request`
is called before and after each request is worked on: to kill the writer, to lose an answer, to change the world in between.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "test" + "-writer"
Json = dict[str, object]
Phase = Literal["before", "after"]
Hook = Callable[[int, str, str, Phase], None]


class Refusal(Exception):
    """Raised by the fake or by a hook: the answer is this status."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


class LostAnswer(Exception):
    """Raised by a hook: the connection closes without an answer."""


@dataclass
class Commit:
    tree: str
    parents: list[str]
    message: str


@dataclass
class Pull:
    number: int
    title: str
    body: str
    base: str
    branch: str
    head_sha: str
    state: str = "open"
    merged_at: str | None = None


@dataclass
class Comment:
    id: int
    issue: int
    login: str
    body: str
    edits: int = 0


@dataclass
class FakeGithub:
    repository: str = "acme/infra"
    login: str = "lore-bot"
    url: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    trees: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict[str, "dict[str, tuple[str, str]]"])
    """sha -> path -> (mode, blob sha), whole trees flattened; a directory's own tree is made when it is asked for."""
    commits: dict[str, Commit] = field(default_factory=dict[str, Commit])
    refs: dict[str, str] = field(default_factory=dict[str, str])
    pulls: list[Pull] = field(default_factory=list[Pull])
    comments: list[Comment] = field(default_factory=list[Comment])
    issues: set[int] = field(default_factory=set[int])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    on_request: Hook | None = None

    # -- what tests do and see

    def push(self, files: Mapping[str, bytes | None], branch: str = "main", message: str = "by hand") -> str:
        """A commit by a person on a branch."""
        parent = self.refs.get(branch) or self.refs.get("main")
        entries = dict(self.trees[self.commits[parent].tree]) if parent else {}
        for path, content in files.items():
            if content is None:
                entries.pop(path, None)
            else:
                entries[path] = ("100644", self._blob(content))
        self.refs[branch] = self._commit(self._tree(entries), [parent] if parent else [], message)
        return self.refs[branch]

    def files(self, branch: str) -> dict[str, bytes]:
        """What a branch holds."""
        tree = self.trees[self.commits[self.refs[branch]].tree]
        return {path: self.blobs[sha] for path, (_, sha) in tree.items()}

    def log(self, branch: str) -> list[str]:
        """Messages of a branch's first parents, newest first."""
        found: list[str] = []
        sha: str | None = self.refs[branch]
        while sha is not None:
            commit = self.commits[sha]
            found.append(commit.message)
            sha = commit.parents[0] if commit.parents else None
        return found

    def merge(self, number: int) -> None:
        """A person merges a pull request: its files land on the base."""
        pull = self._pull(number)
        entries = self.trees[self.commits[pull.head_sha].tree]
        self.refs[pull.base] = self._commit(self._tree(dict(entries)), [self.refs[pull.base], pull.head_sha], "merge")
        pull.state, pull.merged_at = "closed", "2026-10-02T10:00:00Z"

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.requests if method != "GET"]

    # -- git objects

    def _blob(self, content: bytes) -> str:
        sha = sha1(b"blob %d\0" % len(content) + content).hexdigest()
        self.blobs[sha] = content
        return sha

    def _tree(self, entries: dict[str, tuple[str, str]]) -> str:
        sha = sha1(json.dumps(sorted(entries.items())).encode()).hexdigest()
        self.trees[sha] = entries
        return sha

    def _commit(self, tree: str, parents: list[str], message: str) -> str:
        sha = sha1(json.dumps([tree, parents, message, len(self.commits)]).encode()).hexdigest()
        self.commits[sha] = Commit(tree, parents, message)
        return sha

    def _ancestors(self, sha: str) -> list[str]:
        found: list[str] = []
        todo = [sha]
        while todo:
            one = todo.pop(0)
            if one not in found:
                found.append(one)
                todo += self.commits[one].parents
        return found

    def _pull(self, number: int) -> Pull:
        found = next((p for p in self.pulls if p.number == number), None)
        if found is None:
            raise Refusal(404, "Not Found")
        return found

    # -- the API

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Json) -> tuple[int, object]:
        if (method, path) == ("GET", "/user"):
            return 200, {"login": self.login, "url": f"{self.url}/user"}
        root = f"/repos/{self.repository}"
        if not path.startswith(root):
            raise Refusal(404, "Not Found")
        rest = path[len(root) :]
        for verb, pattern, handle in self._routes():
            found = re.fullmatch(pattern, rest)
            if verb == method and found:
                return handle(found.groups(), query, body)
        raise Refusal(404, "Not Found")

    def _routes(
        self,
    ) -> list[tuple[str, str, Callable[[tuple[str, ...], Mapping[str, str], Json], tuple[int, object]]]]:
        return [
            ("GET", "", self._get_repository),
            ("GET", r"/git/ref/heads/(.+)", self._get_ref),
            ("POST", r"/git/refs", self._make_ref),
            ("PATCH", r"/git/refs/heads/(.+)", self._move_ref),
            ("GET", r"/git/commits/(\w+)", self._get_commit),
            ("GET", r"/git/trees/(\w+)", self._get_tree),
            ("POST", r"/git/blobs", self._make_blob),
            ("POST", r"/git/trees", self._make_tree),
            ("POST", r"/git/commits", self._make_commit),
            ("GET", r"/compare/(.+)\.\.\.(.+)", self._compare),
            ("GET", r"/pulls", self._list_pulls),
            ("POST", r"/pulls", self._make_pull),
            ("PATCH", r"/pulls/(\d+)", self._edit_pull),
            ("GET", r"/issues/(\d+)", self._get_issue),
            ("GET", r"/issues/(\d+)/comments", self._list_comments),
            ("POST", r"/issues/(\d+)/comments", self._make_comment),
            ("PATCH", r"/issues/comments/(\d+)", self._edit_comment),
        ]

    @property
    def _root(self) -> str:
        return f"{self.url}/repos/{self.repository}"

    def _get_repository(self, _: tuple[str, ...], __: Mapping[str, str], ___: Json) -> tuple[int, object]:
        owner, name = self.repository.split("/")
        return 200, {
            "url": self._root,
            "name": name,
            "full_name": self.repository,
            "owner": {"login": owner},
            "default_branch": "main",
        }

    def _ref_json(self, branch: str) -> Json:
        return {
            "ref": f"refs/heads/{branch}",
            "url": f"{self._root}/git/refs/heads/{branch}",
            "object": {"type": "commit", "sha": self.refs[branch]},
        }

    def _get_ref(self, parts: tuple[str, ...], _: Mapping[str, str], __: Json) -> tuple[int, object]:
        if parts[0] not in self.refs:
            raise Refusal(404, "Not Found")
        return 200, self._ref_json(parts[0])

    def _make_ref(self, _: tuple[str, ...], __: Mapping[str, str], body: Json) -> tuple[int, object]:
        branch = str(body["ref"]).removeprefix("refs/heads/")
        if branch in self.refs:
            raise Refusal(422, "Reference already exists")
        if str(body["sha"]) not in self.commits:
            raise Refusal(422, "Object does not exist")
        self.refs[branch] = str(body["sha"])
        return 201, self._ref_json(branch)

    def _move_ref(self, parts: tuple[str, ...], _: Mapping[str, str], body: Json) -> tuple[int, object]:
        branch, sha = parts[0], str(body["sha"])
        if branch not in self.refs or sha not in self.commits:
            raise Refusal(422, "Reference does not exist")
        if not body.get("force") and self.refs[branch] not in self._ancestors(sha):
            raise Refusal(422, "Update is not a fast forward")
        self.refs[branch] = sha
        for pull in self.pulls:
            if pull.branch == branch and pull.state == "open":
                pull.head_sha = sha
        return 200, self._ref_json(branch)

    def _commit_json(self, sha: str) -> Json:
        if sha not in self.commits:
            raise Refusal(404, "Not Found")
        commit = self.commits[sha]
        return {
            "sha": sha,
            "url": f"{self._root}/git/commits/{sha}",
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{self._root}/git/trees/{commit.tree}"},
            "parents": [{"sha": p} for p in commit.parents],
        }

    def _get_commit(self, parts: tuple[str, ...], _: Mapping[str, str], __: Json) -> tuple[int, object]:
        return 200, self._commit_json(parts[0])

    def _get_tree(self, parts: tuple[str, ...], _: Mapping[str, str], __: Json) -> tuple[int, object]:
        sha = self.commits[parts[0]].tree if parts[0] in self.commits else parts[0]
        if sha not in self.trees:
            raise Refusal(404, "Not Found")
        shown: dict[str, Json] = {}
        for path, (mode, blob) in self.trees[sha].items():
            first, slash, _rest = path.partition("/")
            if slash:
                inside = {p.partition("/")[2]: e for p, e in self.trees[sha].items() if p.startswith(first + "/")}
                shown[first] = {"path": first, "mode": "040000", "type": "tree", "sha": self._tree(inside)}
            else:
                shown[first] = {"path": first, "mode": mode, "type": "blob", "sha": blob}
        return 200, {
            "sha": sha,
            "url": f"{self._root}/git/trees/{sha}",
            "tree": list(shown.values()),
            "truncated": False,
        }

    def _make_blob(self, _: tuple[str, ...], __: Mapping[str, str], body: Json) -> tuple[int, object]:
        sha = self._blob(b64decode(str(body["content"])))
        return 201, {"sha": sha, "url": f"{self._root}/git/blobs/{sha}"}

    def _make_tree(self, _: tuple[str, ...], __: Mapping[str, str], body: Json) -> tuple[int, object]:
        entries = dict(self.trees[str(body["base_tree"])])
        for one in cast("list[Json]", body["tree"]):
            path = str(one["path"])
            if one["sha"] is None:
                if path not in entries:
                    raise Refusal(422, "GitRPC::BadObjectState")
                del entries[path]
            elif str(one["sha"]) not in self.blobs:
                raise Refusal(422, "tree.sha does not exist")
            else:
                entries[path] = (str(one["mode"]), str(one["sha"]))
        sha = self._tree(entries)
        return 201, {"sha": sha, "url": f"{self._root}/git/trees/{sha}", "tree": []}

    def _make_commit(self, _: tuple[str, ...], __: Mapping[str, str], body: Json) -> tuple[int, object]:
        sha = self._commit(
            str(body["tree"]), [str(p) for p in cast("list[object]", body["parents"])], str(body["message"])
        )
        return 201, self._commit_json(sha)

    def _compare(self, parts: tuple[str, ...], _: Mapping[str, str], __: Json) -> tuple[int, object]:
        base, head = self._ancestors(parts[0]), self._ancestors(parts[1])
        shared = next((c for c in head if c in base), None)
        if shared is None:
            raise Refusal(404, "No common ancestor")
        return 200, {
            "url": f"{self._root}/compare/{parts[0]}...{parts[1]}",
            "behind_by": len([c for c in base if c not in head]),
            "ahead_by": len([c for c in head if c not in base]),
            "merge_base_commit": {"sha": shared, "url": f"{self._root}/commits/{shared}"},
            "commits": [],
            "files": [],
        }

    def _pull_json(self, pull: Pull) -> Json:
        return {
            "number": pull.number,
            "url": f"{self._root}/pulls/{pull.number}",
            "html_url": f"https://github.example/{self.repository}/pull/{pull.number}",
            "title": pull.title,
            "body": pull.body,
            "state": pull.state,
            "merged_at": pull.merged_at,
            "head": {"ref": pull.branch, "sha": pull.head_sha},
            "base": {"ref": pull.base, "sha": self.refs[pull.base]},
        }

    def _list_pulls(self, _: tuple[str, ...], query: Mapping[str, str], __: Json) -> tuple[int, object]:
        owner = self.repository.partition("/")[0]
        wanted, state = query.get("head", ""), query.get("state", "open")
        shown = [p for p in self.pulls if state in ("all", p.state) and (not wanted or wanted == f"{owner}:{p.branch}")]
        return 200, [self._pull_json(p) for p in reversed(shown)]

    def _make_pull(self, _: tuple[str, ...], __: Mapping[str, str], body: Json) -> tuple[int, object]:
        branch, base = str(body["head"]), str(body["base"])
        if branch not in self.refs or base not in self.refs:
            raise Refusal(422, "Validation Failed: head or base is invalid")
        if any(p.branch == branch and p.state == "open" for p in self.pulls):
            raise Refusal(422, f"A pull request already exists for {self.repository.partition('/')[0]}:{branch}.")
        if self.trees[self.commits[self.refs[branch]].tree] == self.trees[self.commits[self.refs[base]].tree]:
            raise Refusal(422, f"No commits between {base} and {branch}")
        number = max([0, *self.issues, *(p.number for p in self.pulls)]) + 1
        made = Pull(number, str(body["title"]), str(body["body"]), base, branch, self.refs[branch])
        self.pulls.append(made)
        self.issues.add(made.number)
        return 201, self._pull_json(made)

    def _edit_pull(self, parts: tuple[str, ...], _: Mapping[str, str], body: Json) -> tuple[int, object]:
        pull = self._pull(int(parts[0]))
        pull.title, pull.body = str(body.get("title", pull.title)), str(body.get("body", pull.body))
        return 200, self._pull_json(pull)

    def _get_issue(self, parts: tuple[str, ...], _: Mapping[str, str], __: Json) -> tuple[int, object]:
        if int(parts[0]) not in self.issues:
            raise Refusal(404, "Not Found")
        return 200, {"number": int(parts[0]), "url": f"{self._root}/issues/{parts[0]}"}

    def _comment_json(self, comment: Comment) -> Json:
        return {
            "id": comment.id,
            "url": f"{self._root}/issues/comments/{comment.id}",
            "html_url": f"https://github.example/{self.repository}/pull/{comment.issue}#issuecomment-{comment.id}",
            "body": comment.body,
            "user": {"login": comment.login},
        }

    def _list_comments(self, parts: tuple[str, ...], query: Mapping[str, str], __: Json) -> tuple[int, object]:
        if int(parts[0]) not in self.issues:
            raise Refusal(404, "Not Found")
        found = [self._comment_json(c) for c in self.comments if c.issue == int(parts[0])]
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
        return 200, (size, page, found)

    def _make_comment(self, parts: tuple[str, ...], _: Mapping[str, str], body: Json) -> tuple[int, object]:
        if int(parts[0]) not in self.issues:
            raise Refusal(404, "Not Found")
        made = Comment(1000 + len(self.comments), int(parts[0]), self.login, str(body["body"]))
        self.comments.append(made)
        return 201, self._comment_json(made)

    def _edit_comment(self, parts: tuple[str, ...], _: Mapping[str, str], body: Json) -> tuple[int, object]:
        comment = next((c for c in self.comments if c.id == int(parts[0])), None)
        if comment is None:
            raise Refusal(404, "Not Found")
        if comment.login != self.login:
            raise Refusal(403, "Must have admin rights to Repository.")
        comment.body, comment.edits = str(body["body"]), comment.edits + 1
        return 200, self._comment_json(comment)


@contextmanager
def fake_github() -> Generator[FakeGithub]:
    """The server, up, with a repository that holds one file."""
    github = FakeGithub()
    github.push({"main.tf": b"a = 1\n", "modules/db/main.tf": b"size = 10\n", "README.md": b"hello\n"})
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # an answer leaves in one piece

        def log_message(self, format: str, *args: object) -> None:
            pass

        def work(self) -> None:
            url = urlsplit(self.path)
            path = unquote(url.path)
            query = {k: v[0] for k, v in parse_qs(url.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = cast("Json", json.loads(self.rfile.read(length) or b"{}"))
            try:
                with lock:
                    github.requests.append((self.command, path))
                    number = len(github.requests)
                    if github.on_request:
                        github.on_request(number, self.command, path, "before")
                    try:
                        if self.headers.get("Authorization") not in (f"token {TOKEN}", f"Bearer {TOKEN}"):
                            raise Refusal(401, "Bad credentials")
                        status, answer = github.answer(self.command, path, query, body)
                    finally:
                        if github.on_request:
                            github.on_request(number, self.command, path, "after")
                headers: dict[str, str] = {}
                if isinstance(answer, tuple):
                    size, page, found = cast("tuple[int, int, list[object]]", answer)
                    if len(found) > size * page:
                        headers["Link"] = f'<{github.url}{url.path}?per_page={size}&page={page + 1}>; rel="next"'
                    answer = found[size * (page - 1) : size * page]
            except Refusal as refusal:
                status, answer, headers = refusal.status, {"message": str(refusal)}, refusal.headers
            except LostAnswer:
                self.close_connection = True
                return
            sent = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(sent)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = work

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # a killed client is no error
    github.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
