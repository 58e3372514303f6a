"""Which addresses an invitation has, and what comes of taking one."""

import asyncio
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest

from edgenode.core.errors import BadInvitation, Busy, NoInvitation
from edgenode.core.invite import Invitation, decode_invitation, encode_invitation
from edgenode.daemon.config.sections import NetworkConfig
from edgenode.daemon.finding.inviting import Inviting, best_places, reach_of
from edgenode.discover.sighting import Sighting
from edgenode.link.dial import DialFailed, Dialler
from edgenode.link.table import LinkTable
from edgenode.store.joined import read_joined


def test_one_of_each_kind_first() -> None:
    addresses = [
        *("192.168.1.20:4242", "192.168.7.1:4242", "10.0.0.1:4242", "10.0.0.2:4242"),
        *("[fd00::1]:4242", "5.6.7.8:14242", "[2a00::1]:4242", "[fe80::1%eth0]:4242"),
    ]
    assert best_places(addresses) == [
        ("192.168.1.20", 4242),
        ("fd00::1", 4242),
        ("5.6.7.8", 14242),
        ("2a00::1", 4242),
    ]


def test_what_is_left_is_filled_up_in_order() -> None:
    assert best_places(["192.168.1.20:1", "192.168.1.21:1", "5.6.7.8:1", "[::]:1"]) == [
        ("192.168.1.20", 1),
        ("5.6.7.8", 1),
        ("192.168.1.21", 1),
    ]
    assert best_places(["[fe80::1%eth0]:1", "name.example:1"]) == []


@pytest.mark.parametrize(
    ("hosts", "reach"),
    [
        (["127.0.0.1", "::1"], "machine"),
        (["127.0.0.1", "192.168.1.2"], "local"),
        (["100.64.0.1"], "local"),
        (["192.168.1.2", "5.6.7.8"], "internet"),
        (["2a00::1"], "internet"),
    ],
)
def test_from_where_it_is_reached(hosts: list[str], reach: str) -> None:
    assert reach_of([(host, 1) for host in hosts]) == reach


OWN, OTHER = "ab" * 32, "cd" * 32
PLACES = [("192.0.2.7", 4242), ("192.0.2.8", 4242)]
SECRET = "c4f1d2a09b8e7765c4f1d2a09b8e7764"


class Scene:
    """A node with nobody linked; each dial fails once `answered` is set."""

    def __init__(self, folder: Path, *, secret: str = "") -> None:
        self.dialled: list[tuple[str, int, str]] = []
        self.sighted: list[Sighting] = []
        self.addresses: list[str] = ["192.0.2.1:4242"]
        self.began, self.answered = asyncio.Event(), asyncio.Event()
        self.inviting = Inviting(
            own_id=OWN,
            network=NetworkConfig(secret=secret),
            is_secret=lambda text: text == secret,
            config_file=folder / "none.toml",
            data_dir=folder,
            addresses=lambda: self.addresses,
            links=cast("LinkTable", {}),
            dialler=cast("Dialler", self),
            live=Mock(),
            sighted=self.sighted.append,
        )

    async def dial(self, host: str, port: int, node_id: str, *, within_s: float) -> None:
        assert within_s <= 5
        self.dialled.append((host, port, node_id))
        self.began.set()
        await self.answered.wait()
        raise DialFailed("no answer")


def line(*, node_id: str = OTHER, secret: str = "", closed: bool = False) -> str:
    return encode_invitation(
        Invitation("brightchain", node_id, PLACES, secret=secret, closed=closed)
    )


async def test_each_address_is_tried_and_the_node_is_expected_there(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.answered.set()
    outcome = await scene.inviting.join(line())
    assert outcome["state"] == "not-linked"
    assert outcome["detail"] == "192.0.2.7:4242: no answer; 192.0.2.8:4242: no answer"
    assert scene.dialled == [(host, port, OTHER) for host, port in PLACES]
    # Later, and after a restart, discovery goes on trying.
    places = [(sighting.how, sighting.host, sighting.port) for sighting in scene.sighted]
    assert places == [("invitation", host, port) for host, port in PLACES]
    again = Scene(tmp_path)
    await again.inviting.open()
    assert again.sighted == scene.sighted


async def test_one_at_a_time(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    first = asyncio.create_task(scene.inviting.join(line()))
    await scene.began.wait()
    with pytest.raises(Busy):
        await scene.inviting.join(line())
    scene.answered.set()
    await first
    await scene.inviting.join(line())


async def test_the_nodes_own_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInvitation, match="this very node"):
        await Scene(tmp_path).inviting.join(line(node_id=OWN))
    assert read_joined(tmp_path).nodes == ()


async def test_a_closed_network_without_its_secret_is_not_dialled(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    outcome = await scene.inviting.join(line(closed=True))
    assert (outcome["state"], scene.dialled) == ("not-linked", [])
    assert "secret is needed too" in str(outcome["detail"])
    outcome = await scene.inviting.join(line(secret=SECRET))
    assert (outcome["state"], scene.dialled) == ("restart", [])


async def test_what_is_told_of_a_closed_network(tmp_path: Path) -> None:
    scene = Scene(tmp_path, secret=SECRET)
    for with_secret in (False, True):
        told = await scene.inviting.invitation(with_secret=with_secret)
        found = decode_invitation(str(told["line"]))
        assert (found.closed, found.secret) == (True, SECRET if with_secret else "")
        assert (told["closed"], told["secret"]) == (True, with_secret)
    scene.addresses = ["[fe80::1%eth0]:4242"]
    with pytest.raises(NoInvitation, match="no address yet"):
        await scene.inviting.invitation(with_secret=False)


async def test_forgetting(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.answered.set()
    await scene.inviting.join(line())
    assert await scene.inviting.forget(OTHER) == {"name": OTHER, "restart": False}
    assert await scene.inviting.forget(OTHER) is None
    assert (await scene.inviting.joined())["nodes"] == []
