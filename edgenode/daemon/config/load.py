"""Loading the configuration: a TOML file, checked whole, into frozen records."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from edgenode.daemon.config.records import meta, read_record
from edgenode.daemon.config.rules import Key
from edgenode.daemon.config.sections import FLEET, Config

__all__ = ["DEFAULT_PATH", "Config", "ConfigError", "Problem", "load_config", "parse_config"]

DEFAULT_PATH = Path("/etc/edgenode/edgenode.toml")

MAX_FILE_BYTES = 1024 * 1024
"""A thousand times the example; a mistaken path (a block, a device) must not fill the memory."""

MAX_PROBLEMS = 50
"""A file of another kind has a problem on every line; nobody reads more than these."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where (`line` and `key` as far as known), what, and the remedy."""

    file: str
    line: int | None
    key: str
    message: str
    remedy: str

    def __str__(self) -> str:
        """Write it on one line, as compilers do."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        return f"{text}; {self.remedy}" if self.remedy else text


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds all that was found, at least one."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_config(path: Path | None = None) -> Config:
    """Read the file, or the defaults where no path is given and `DEFAULT_PATH` does not exist.

    Raises ConfigError with every problem found.
    """
    chosen = DEFAULT_PATH if path is None else path
    try:
        with chosen.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        if path is None:
            return Config()
        raise _failed(chosen, "no such file", "correct the path, or leave --config out") from None
    except PermissionError:
        remedy = "run as its owner or as root, or leave it readable"
        raise _failed(chosen, "this user may not read it", remedy) from None
    except OSError as error:
        raise _failed(chosen, error.strerror or str(error), "name a readable file") from None
    if len(data) > MAX_FILE_BYTES:
        raise _failed(chosen, f"larger than {MAX_FILE_BYTES} bytes", "name a configuration file")
    try:
        text = data.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _failed(chosen, "not UTF-8", "save the file as UTF-8", line) from None
    return parse_config(text, str(chosen))


def parse_config(text: str, file: str) -> Config:
    """Read TOML text; `file` is its name in errors. Raises ConfigError with every problem."""
    import tomllib  # noqa: PLC0415 - not loaded where there is no file

    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(file, str(error), text)]) from None
    except RecursionError:
        raise ConfigError([Problem(file, None, "", "nested too deeply", "flatten it")]) from None
    found: list[tuple[Key, str, str]] = []

    def report(key: Key, message: str, remedy: str) -> None:
        if len(found) < MAX_PROBLEMS:
            found.append((key, message, remedy))

    config = read_record(Config, tree, (), report, _homes())
    if config is not None:
        _check_together(config, found)
    if config is None or found:
        raise ConfigError(_located(found, text, file))
    return config


def _check_together(config: Config, found: list[tuple[Key, str, str]]) -> None:
    """Check what rules for single settings cannot: pairs that exclude each other."""
    server, discovery, network = config.server, config.discovery, config.network
    if network.secret and network.secret_file:
        remedy = "keep one of the two"
        found.append((("network", "secret_file"), "there is a secret as well", remedy))
    if FLEET in network.members and not config.fleet.operators:
        message = f'"{FLEET}" is nobody, since [fleet] operators is empty'
        found.append((("network", "members"), message, "name the fleet's key there"))
    if server.ws_port == server.http_port != 0:
        message = f"both http_port and ws_port are {server.ws_port}"
        found.append((("server", "ws_port"), message, "give each its own"))
    if discovery.node_timeout <= discovery.broadcast_interval:
        message = f"not longer than broadcast_interval ({discovery.broadcast_interval})"
        remedy = "make it longer, or neighbours are forgotten between announcements"
        found.append((("discovery", "node_timeout"), message, remedy))


def _located(found: list[tuple[Key, str, str]], text: str, file: str) -> list[Problem]:
    from edgenode.daemon.config.lines import key_lines, line_of  # noqa: PLC0415 - errors only

    lines = key_lines(text)
    problems = [
        Problem(file, line_of(key, lines), _dotted(key), message, remedy)
        for key, message, remedy in found
    ]
    return sorted(problems, key=lambda problem: problem.line or 0)


def _dotted(key: Key) -> str:
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else ascii(part)
        text += f".{name}" if text else name
    return text


def _homes() -> dict[str, str]:
    """Say for each setting where it belongs."""
    homes: dict[str, str] = {}
    for item in fields(Config):
        if meta(item).rule is not None:
            homes[item.name] = "at the top, above the first [section]"
            continue
        if meta(item).short:
            homes[item.name] = "at the top, above the first [section]"
        record: Any = item.default_factory
        for inner in fields(record):
            place = f"in [{item.name}]"
            homes[inner.name] = f"{homes[inner.name]} and {place}" if inner.name in homes else place
    return homes


def _syntax(file: str, message: str, text: str) -> Problem:
    """Take the line out of the reader's message, which ends "(at line 3, column 5)"."""
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if place is None:
        return Problem(file, None, "", message, "correct it")
    line = int(place[1]) if place[1] else len(text.splitlines())
    return Problem(file, line, "", message[: place.start()], "see https://toml.io for the syntax")


def _failed(file: Path, message: str, remedy: str, line: int | None = None) -> ConfigError:
    return ConfigError([Problem(str(file), line, "", message, remedy)])
