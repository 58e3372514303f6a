"""The `edgenode` command: arguments, dispatch and exit codes.

What a subcommand needs is imported when it runs: each starts fast, and `run` loads nothing that
only the others use.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from edgenode.cli import exits
from edgenode.cli.arguments import parser
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import drop_stdout, prepare_streams, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgenode.cli.client import Node


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    prepare_streams()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        drop_stdout()
        return exits.BROKEN_PIPE
    except CommandFailed as error:
        say(str(error))
        try:
            sys.stdout.flush()
        except OSError:
            drop_stdout()
        return error.code
    return code


def _dispatch(arguments: Sequence[str] | None) -> int:
    try:
        options = parser().parse_args(arguments)
    except SystemExit as done:  # argparse has printed help, version or a usage error
        return done.code if isinstance(done.code, int) else exits.USAGE
    from edgenode.daemon.config.load import ConfigError  # noqa: PLC0415 - not for --help

    try:
        return _COMMANDS[options.command](options)
    except ConfigError as error:
        for problem in error.problems:
            say(str(problem))
        return exits.BAD_CONFIG


def _run(options: Namespace) -> int:
    from edgenode.daemon.lean import keep_file_types_out, keep_openssl_out  # noqa: PLC0415

    keep_openssl_out()  # before asyncio is imported, which would load it
    keep_file_types_out()  # before aiohttp is imported, which would read it
    from edgenode.cli.configure import in_force  # noqa: PLC0415

    config_path, data_dir = _places(options)
    config = in_force(config_path, data_dir)
    from edgenode.daemon.config.load import DEFAULT_PATH  # noqa: PLC0415
    from edgenode.daemon.main import run  # noqa: PLC0415 - not for a wrong configuration

    return run(config, any_port=options.any_port, config_file=config_path or DEFAULT_PATH)


def _id(options: Namespace) -> int:
    if options.action == "rotate":
        from edgenode.cli.configure import in_force  # noqa: PLC0415
        from edgenode.cli.identity import rotate  # noqa: PLC0415

        config = in_force(*_places(options))
        return rotate(config.data_dir, config.network.id, as_json=options.json)
    from edgenode.cli.show import show_id  # noqa: PLC0415

    return show_id(_node(options), as_json=options.json)


def _status(options: Namespace) -> int:
    from edgenode.cli.show import show_status  # noqa: PLC0415

    return show_status(_node(options), as_json=options.json)


def _peers(options: Namespace) -> int:
    from edgenode.cli.show import show_peers  # noqa: PLC0415

    return show_peers(_node(options), as_json=options.json)


def _discover(options: Namespace) -> int:
    from edgenode.cli.discover import discover, watch  # noqa: PLC0415

    show = watch if options.watch else discover
    return show(_node(options), as_json=options.json)


def _invite(options: Namespace) -> int:
    from edgenode.cli.invite import invite  # noqa: PLC0415

    return invite(_node(options), with_secret=options.with_secret, as_json=options.json)


def _join(options: Namespace) -> int:
    from edgenode.daemon.lean import keep_openssl_out  # noqa: PLC0415

    keep_openssl_out()  # before http.client is imported, which would load it
    from edgenode.cli.configure import effective  # noqa: PLC0415
    from edgenode.cli.join import forget, join, show  # noqa: PLC0415
    from edgenode.daemon.config.load import DEFAULT_PATH  # noqa: PLC0415

    config_path, data_dir = _places(options)
    folder = effective(config_path, data_dir).data_dir

    def find() -> "Node":
        return _node(options)

    if options.list:
        return show(find, folder, as_json=options.json)
    if options.forget:
        return forget(find, options.forget, folder, as_json=options.json)
    return join(find, options.line, folder, config_path or DEFAULT_PATH, as_json=options.json)


def _top(options: Namespace) -> int:
    from edgenode.cli.top import top  # noqa: PLC0415

    return top(_node(options), as_json=options.json)


def _put(options: Namespace) -> int:
    from edgenode.cli.blocks import put  # noqa: PLC0415

    return put(_node(options), options.files, as_json=options.json)


def _get(options: Namespace) -> int:
    from edgenode.cli.blocks import get  # noqa: PLC0415
    from edgenode.daemon.hashing import new_block_hasher  # noqa: PLC0415

    return get(_node(options), options.id, options.output, new_block_hasher)


def _delete(options: Namespace) -> int:
    from edgenode.cli.blocks import delete  # noqa: PLC0415

    return delete(_node(options), options.id, as_json=options.json)


def _pin(options: Namespace) -> int:
    from edgenode.cli.pins import pin  # noqa: PLC0415

    return pin(_node(options), options.id, as_json=options.json)


def _unpin(options: Namespace) -> int:
    from edgenode.cli.pins import unpin  # noqa: PLC0415

    return unpin(_node(options), options.id, as_json=options.json)


def _pins(options: Namespace) -> int:
    from edgenode.cli.pins import pins  # noqa: PLC0415

    return pins(_node(options), as_json=options.json)


def _blocks(options: Namespace) -> int:
    from edgenode.cli.records import blocks  # noqa: PLC0415

    return blocks(_node(options), as_json=options.json)


def _meta(options: Namespace) -> int:
    from edgenode.cli.records import meta  # noqa: PLC0415

    return meta(_node(options), options.id, as_json=options.json)


def _temp(options: Namespace) -> int:
    from edgenode.cli.records import temp  # noqa: PLC0415

    return temp(_node(options), options.id, options.wanted, as_json=options.json)


def _health(options: Namespace) -> int:
    from edgenode.cli.records import health  # noqa: PLC0415

    return health(_node(options), as_json=options.json)


def _doctor(options: Namespace) -> int:
    from edgenode.daemon.lean import keep_openssl_out  # noqa: PLC0415

    keep_openssl_out()  # before http.client is imported, which would load it
    from edgenode.cli.configure import effective  # noqa: PLC0415
    from edgenode.cli.doctor.report import doctor  # noqa: PLC0415

    return doctor(effective(*_places(options)), as_json=options.json)


def _blacklist(options: Namespace) -> int:
    from edgenode.cli.blacklist import show  # noqa: PLC0415

    return show(_node(options), as_json=options.json)


def _blacklist_add(options: Namespace) -> int:
    from edgenode.cli.blacklist import add  # noqa: PLC0415

    return add(_node(options), options.address, options.duration, as_json=options.json)


def _blacklist_remove(options: Namespace) -> int:
    from edgenode.cli.blacklist import remove  # noqa: PLC0415

    return remove(_node(options), options.address, as_json=options.json)


def _watch(options: Namespace) -> int:
    from edgenode.daemon.lean import keep_openssl_out  # noqa: PLC0415

    keep_openssl_out()  # before asyncio and http.client are imported, which would load it
    from edgenode.cli.watch import watch  # noqa: PLC0415

    return watch(_node(options), options.rooms or [], as_json=options.json)


def _open(options: Namespace) -> int:
    from edgenode.cli.configure import effective  # noqa: PLC0415
    from edgenode.cli.open import open_page  # noqa: PLC0415

    config_path, data_dir = _places(options)
    only_folder = data_dir is not None and config_path is None
    http_bind = "" if only_folder else effective(config_path, data_dir).server.http_bind
    return open_page(_node(options), http_bind, as_json=options.json)


def _export(options: Namespace) -> int:
    from edgenode.cli.configure import effective  # noqa: PLC0415
    from edgenode.cli.moving import export_to  # noqa: PLC0415

    data_dir = effective(*_places(options)).data_dir
    return export_to(data_dir, options.file, identity_only=options.identity)


def _import(options: Namespace) -> int:
    from edgenode.cli.configure import effective  # noqa: PLC0415
    from edgenode.cli.moving import import_from  # noqa: PLC0415

    return import_from(effective(*_places(options)).data_dir, options.file)


def _membership_key(options: Namespace) -> int:
    from edgenode.cli.membership import new_key  # noqa: PLC0415

    return new_key(options.file, as_json=options.json)


def _membership_sign(options: Namespace) -> int:
    from edgenode.cli.membership import sign  # noqa: PLC0415

    return sign(options.key, options.network, options.id, options.days)


def _membership_show(options: Namespace) -> int:
    from edgenode.cli.membership import show  # noqa: PLC0415

    return show(options.file, as_json=options.json)


def _config_check(options: Namespace) -> int:
    from edgenode.cli.configure import check  # noqa: PLC0415

    return check(_places(options)[0], as_json=options.json)


def _config_show(options: Namespace) -> int:
    from edgenode.cli.configure import show  # noqa: PLC0415

    return show(*_places(options), as_json=options.json)


_COMMANDS = {
    "run": _run,
    "id": _id,
    "status": _status,
    "peers": _peers,
    "discover": _discover,
    "invite": _invite,
    "join": _join,
    "top": _top,
    "put": _put,
    "get": _get,
    "delete": _delete,
    "pin": _pin,
    "unpin": _unpin,
    "pins": _pins,
    "blocks": _blocks,
    "meta": _meta,
    "temp": _temp,
    "health": _health,
    "doctor": _doctor,
    "blacklist": _blacklist,
    "blacklist list": _blacklist,
    "blacklist add": _blacklist_add,
    "blacklist remove": _blacklist_remove,
    "watch": _watch,
    "open": _open,
    "export": _export,
    "import": _import,
    "membership new-key": _membership_key,
    "membership sign": _membership_sign,
    "membership show": _membership_show,
    "config check": _config_check,
    "config show": _config_show,
}


def _places(options: Namespace) -> tuple[Path | None, Path | None]:
    """Return --config and --data-dir, each None where it is not given."""
    return getattr(options, "config", None), getattr(options, "data_dir", None)


def _node(options: Namespace) -> "Node":
    """Find the running node. With --data-dir alone no configuration file is needed for that."""
    from edgenode.cli.client import connect  # noqa: PLC0415

    config_path, data_dir = _places(options)
    if data_dir is not None and config_path is None:
        return connect(data_dir, "")
    from edgenode.cli.configure import effective  # noqa: PLC0415

    config = effective(config_path, data_dir)
    return connect(config.data_dir, config.server.http_bind)
