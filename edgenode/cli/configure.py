"""`edgenode config check` and `config show`."""

from dataclasses import replace
from pathlib import Path

from edgenode.cli import exits
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import out, out_json, say
from edgenode.core.errors import DataFolderError
from edgenode.daemon.config.load import DEFAULT_PATH, Config, ConfigError, load_config
from edgenode.daemon.config.toml import masked, plain, to_toml
from edgenode.daemon.service import state_directory


def effective(config_path: Path | None, data_dir: Path | None) -> Config:
    """Load the configuration, with the data folder of the command line in the place of its own.

    Where neither names one, it is the folder that the service manager has made.
    """
    config = load_config(config_path)
    if data_dir is None and config.data_dir == Config().data_dir:
        data_dir = state_directory()
    return config if data_dir is None else replace(config, data_dir=data_dir.absolute())


def in_force(config_path: Path | None, data_dir: Path | None) -> Config:
    """Load the configuration as `effective`, with the network that was joined by invitation.

    Raises CommandFailed where what is kept of that cannot be read.
    """
    from edgenode.daemon.finding.joined import with_joined  # noqa: PLC0415 - not where a file is checked

    config = effective(config_path, data_dir)
    try:
        return with_joined(config, config_path or DEFAULT_PATH)
    except DataFolderError as error:
        raise CommandFailed(exits.FAILED, str(error)) from None


def check(config_path: Path | None, *, as_json: bool) -> int:
    """Say whether the configuration can be used, and all that is wrong with it."""
    file = DEFAULT_PATH if config_path is None else config_path
    problems = []
    try:
        load_config(config_path)
    except ConfigError as error:
        problems = error.problems
    if as_json:
        out_json({"file": str(file), "ok": not problems, "problems": [plain(p) for p in problems]})
    else:
        for problem in problems:
            say(str(problem))
        if not problems:
            unwritten = config_path is None and not file.exists()
            out(f"{file}: not there, the defaults hold" if unwritten else f"{file}: ok")
    return exits.BAD_CONFIG if problems else exits.OK


def show(config_path: Path | None, data_dir: Path | None, *, as_json: bool) -> int:
    """Print every setting in force, as TOML or JSON, but for secrets."""
    try:
        config = masked(in_force(config_path, data_dir))
    except CommandFailed as error:  # for the node's own user alone
        say(f"{error}; shown is what holds without it")
        config = masked(effective(config_path, data_dir))
    if as_json:
        out_json(plain(config))
    else:
        out(to_toml(config).rstrip("\n"))
    return exits.OK
