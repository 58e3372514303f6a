"""`[server] profile`: what it bounds is bounded in the running node."""

import asyncio
import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from unittest.mock import Mock

import pytest

from edgenode.core.errors import DataFolderError
from edgenode.daemon import main, node, parts
from edgenode.daemon.config.load import Config, parse_config
from edgenode.daemon.config.profile import PROFILES
from edgenode.daemon.datadir import DataFolder, open_data_folder
from edgenode.link.table import MAX_INBOUND, MAX_LINKS


def config_with(profile: str, folder: Path) -> Config:
    """A node that asks no router for anything."""
    text = f"""
data_dir = "{folder}"
[server]
profile = "{profile}"
http_bind = "127.0.0.1"
ws_bind = "127.0.0.1"
http_port = 0
ws_port = 0
upnp = false
[nat]
enabled = false
[discovery]
mdns = false
multicast = false
"""
    return parse_config(text, "file")


def test_every_profile_of_the_configuration_is_known(tmp_path: Path) -> None:
    for name in PROFILES:
        assert config_with(name, tmp_path).server.profile == name
    assert Config().server.profile in PROFILES


def test_low_power_is_less_of_everything() -> None:
    standard, low = PROFILES["standard"], PROFILES["low-power"]
    assert (standard.max_links, standard.max_inbound) == (MAX_LINKS, MAX_INBOUND)
    assert all(less < more for less, more in zip(low, standard, strict=True))
    assert low.max_inbound < low.max_links


class Made(Exception):
    """Enough of the node is made."""


@pytest.mark.parametrize("name", PROFILES)
async def test_links_and_cache_are_bounded_by_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}

    def links(_: str, **arguments: object) -> None:
        seen.update({name: bound for name, bound in arguments.items() if isinstance(bound, int)})
        raise Made

    def opened(path: Path, **bounds: int) -> AbstractAsyncContextManager[DataFolder]:
        seen.update(bounds)
        return open_data_folder(path, **bounds)

    monkeypatch.setattr(parts, "LinkTable", links)
    monkeypatch.setattr(node, "open_data_folder", opened)
    with pytest.raises(Made):
        await node.run_node(
            config_with(name, tmp_path),
            config_file=tmp_path / "none",
            any_port=True,
            stop=asyncio.Event(),
            on_ready=lambda *_: None,
            logs=Mock(),
        )
    wanted = PROFILES[name]._asdict()
    del wanted["max_threads"], wanted["outbound_target"]
    assert seen == wanted


@pytest.mark.parametrize("name", PROFILES)
def test_threads_are_bounded_by_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def threads(max_workers: int, _: str) -> None:
        seen.append(max_workers)
        raise DataFolderError("enough")

    monkeypatch.setattr(main, "ThreadPoolExecutor", threads)
    monkeypatch.setattr(main, "start_logging", Mock())
    umask = os.umask(0o022)
    try:
        config = config_with(name, tmp_path)
        assert main.run(config, any_port=True, config_file=tmp_path / "none") == 1
    finally:
        os.umask(umask)
    assert seen == [PROFILES[name].max_threads]


async def test_the_cache_of_the_database_is_as_large_as_said(tmp_path: Path) -> None:
    async with open_data_folder(tmp_path, database_cache_kib=512) as data:
        cache = await data.state.database.read(lambda c: c.execute("PRAGMA cache_size").fetchone())
        assert cache == (-512,)
