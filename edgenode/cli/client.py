"""Talking to the running node over its HTTP port."""

import json
import select
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import clean
from edgenode.core.errors import DecodeError
from edgenode.core.strictjson import decode
from edgenode.daemon.running import RUN_FILE, TOKEN_FILE, read_run_info, read_token

CONNECT_TIMEOUT_S = 5
"""The node is on this machine: more than this means that it hangs."""

ANSWER_TIMEOUT_S = 180
"""Without a byte either way: a slow card flushing a 64 MiB block, or peers asked in turn."""

MAX_JSON_BYTES = 16 * 1024 * 1024
"""Thousands of peers; more would be no answer of a node."""

MAX_JSON_TOKENS = 1_000_000
"""Of those bytes: a value or key for each sixteen."""

CHUNK_BYTES = 256 * 1024
"""Read and written at a time: few system calls, and little memory."""


class Refused(CommandFailed):
    """The node answered with a problem (RFC 9457)."""

    def __init__(self, status: int, detail: str) -> None:
        codes = {401: exits.NOT_PERMITTED, 403: exits.NOT_PERMITTED, 404: exits.NOT_FOUND}
        begin = "the node refused the operator's token" if status == 401 else "the node answered"  # noqa: PLR2004
        super().__init__(
            codes.get(status, exits.FAILED), f"{begin}: {clean(detail)} (HTTP {status})"
        )


class _AnsweredEarly(Exception):
    """The node answered before it had the whole request."""


class _Connection(HTTPConnection):
    """Stops sending when the node answers: a refusal need not wait for the whole body."""

    def send(self, data: Any) -> None:
        """Send bytes. Raises _AnsweredEarly, and TimeoutError where the node takes no more."""
        rest = memoryview(data)
        while rest:
            answers, takes, _ = select.select([self.sock], [self.sock], [], ANSWER_TIMEOUT_S)
            if answers:
                raise _AnsweredEarly
            if not takes:
                raise TimeoutError
            rest = rest[self.sock.send(rest) :]


class Node:
    """The running node whose data folder is given. Its token is read only where it is needed."""

    def __init__(self, data_dir: Path, host: str, port: int, node_id: str) -> None:
        self._data_dir = data_dir
        self._host = host
        self._port = port
        self._node_id = node_id
        self._token: str | None = None

    def get_json(self, path: str) -> dict[str, Any]:
        """Get a JSON object that anyone may read.

        Once the token has been read it is sent, since nothing is limited for the operator.
        """
        with self.request("GET", path, token=self._token) as answer:
            return self.json(answer)

    def post_json(self, path: str, value: object) -> dict[str, Any]:
        """Post JSON as the operator; return the JSON object of the answer."""
        body = json.dumps(value).encode()
        with self.request(
            "POST",
            path,
            token=self.token(),
            body=[body],
            size=len(body),
            content_type="application/json",
        ) as answer:
            return self.json(answer)

    def url(self, path: str, *, host: str | None = None) -> str:
        """Return the whole URL of a path, at another `host` where that is where it is opened."""
        name = self._host if host is None else host
        return f"http://{f'[{name}]' if ':' in name else name}:{self._port}{path}"

    def token(self) -> str:
        """Read the operator's token, once it is clear that this very node would receive it."""
        if self._token is None:
            path = self._data_dir / TOKEN_FILE
            try:
                token = read_token(self._data_dir)
            except PermissionError:
                raise CommandFailed(
                    exits.NOT_PERMITTED,
                    f"this needs the operator's token, and this user may not read {path}: "
                    "use sudo, or run it as the user that the node runs as",
                ) from None
            except FileNotFoundError:
                raise CommandFailed(
                    exits.NOT_PERMITTED, f"there is no operator's token at {path}"
                ) from None
            except (OSError, ValueError) as error:
                raise CommandFailed(
                    exits.NOT_PERMITTED, f"cannot use the operator's token {path}: {error}"
                ) from None
            # A node that was killed leaves its run file, and its port to anyone.
            found = self.get_json("/node/info").get("nodeId")
            if found != self._node_id:
                raise CommandFailed(
                    exits.NOT_RUNNING,
                    f"the node of {self._data_dir} is not running: another one answers at its "
                    f"port {self._port}",
                )
            self._token = token
        return self._token

    def token_if_readable(self) -> str | None:
        """Read the operator's token, or None where this user may not."""
        try:
            return self.token()
        except CommandFailed as error:
            if error.code == exits.NOT_PERMITTED:
                return None
            raise

    @contextmanager
    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Iterable[bytes] | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> Iterator[HTTPResponse]:
        """Send a request; give the answer if it is a success, raise Refused if not.

        `body` is sent as it comes, with its `size` as Content-Length, or chunked without one.
        """
        headers = {"Accept": "application/json, */*"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = content_type
        if size is not None:
            headers["Content-Length"] = str(size)
        connection = self._connect()
        try:
            answer = self._exchange(connection, method, path, headers, body)
            if answer.status >= 300:  # noqa: PLR2004 - first status that is no success
                raise self._refused(answer)
            yield answer
        finally:
            connection.close()

    def chunks(self, answer: HTTPResponse) -> Iterator[bytes]:
        """Give the body of an answer as it comes; it may end early, as the length will show."""
        while True:
            try:
                data = answer.read(CHUNK_BYTES)
            except (OSError, HTTPException) as error:
                raise self._broken(error) from None
            if not data:
                return
            yield data

    def _connect(self) -> HTTPConnection:
        connection = _Connection(self._host, self._port, timeout=CONNECT_TIMEOUT_S)
        try:
            connection.connect()
        except ConnectionRefusedError:
            raise self.not_running() from None
        except OSError as error:
            raise self._broken(error) from None
        connection.sock.settimeout(ANSWER_TIMEOUT_S)
        return connection

    def _exchange(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Iterable[bytes] | None,
    ) -> HTTPResponse:
        try:
            # Whatever ended the sending, the node may have said why.
            with suppress(_AnsweredEarly, BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body=body, headers=headers)
            return connection.getresponse()
        except (OSError, HTTPException) as error:
            raise self._broken(error) from None

    def _refused(self, answer: HTTPResponse) -> Refused:
        try:
            problem = self.json(answer)
        except CommandFailed:
            problem = {}
        detail = problem.get("detail") or problem.get("title") or answer.reason
        return Refused(answer.status, str(detail))

    def json(self, answer: HTTPResponse) -> dict[str, Any]:
        """Read the JSON object of an answer."""
        try:
            data = answer.read(MAX_JSON_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise self._broken(error) from None
        try:
            value = decode(data, max_bytes=MAX_JSON_BYTES, max_tokens=MAX_JSON_TOKENS)
        except DecodeError:
            value = None
        if not isinstance(value, dict):
            raise CommandFailed(
                exits.FAILED, f"what answers at port {self._port} does not speak as a node does"
            )
        return value

    def not_running(self) -> CommandFailed:
        """Return the error for a node that nothing is heard of."""
        return CommandFailed(
            exits.NOT_RUNNING,
            f"the node of {self._data_dir} is not running: nothing answers at its port "
            f"{self._port}",
        )

    def _broken(self, error: Exception) -> CommandFailed:
        if isinstance(error, TimeoutError):
            why = "no answer in time"
        elif isinstance(error, OSError):
            why = error.strerror or "the connection was cut"
        else:
            why = "the answer is not HTTP"
        return CommandFailed(exits.FAILED, f"talking to the node at port {self._port}: {why}")


def connect(data_dir: Path, http_bind: str) -> Node:
    """Find the node that runs with this data folder; `http_bind` is where it listens."""
    path = data_dir / RUN_FILE
    try:
        info = read_run_info(data_dir)
    except (FileNotFoundError, NotADirectoryError):
        raise CommandFailed(
            exits.NOT_RUNNING,
            f"no node is running with the data folder {data_dir}: start it with 'edgenode run', "
            "or name another folder with --data-dir",
        ) from None
    except PermissionError:
        raise CommandFailed(
            exits.NOT_PERMITTED,
            f"this user may not read {path}: use sudo, or run it as the user that the node runs as",
        ) from None
    except (OSError, ValueError) as error:
        raise CommandFailed(exits.FAILED, f"cannot use {path}: {error}") from None
    return Node(data_dir, reachable(http_bind), info.http_port, info.node_id)


def reachable(http_bind: str) -> str:
    """Turn the address that the node listens at into one that can be called."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(http_bind, http_bind)  # noqa: S104
