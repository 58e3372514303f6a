"""Each check of `edgenode doctor`, with what it looks at made up."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from edgenode.cli.doctor import mdns
from edgenode.cli.doctor.check import FAILURE, OK, WARNING, Check, worst
from edgenode.cli.doctor.clock import (
    EARLIEST_S,
    check_clock,
    kernel_says_synchronised,
    peers_agree,
)
from edgenode.cli.doctor.disk import check_disk, nearest_existing
from edgenode.cli.doctor.gateway import check_gateway
from edgenode.cli.doctor.identity import check_identity
from edgenode.cli.doctor.ipv6 import check_ipv6
from edgenode.cli.doctor.mdns import can_share, check_mdns, holders
from edgenode.cli.doctor.memory import check_memory
from edgenode.cli.doctor.ports import check_free, check_served
from edgenode.cli.doctor.reachability import check_reachability
from edgenode.cli.doctor.wear import check_wear
from edgenode.core.reachability import REACHABLE, VERDICTS
from edgenode.daemon.reach.network import Gateway

MIB = 1024 * 1024
ADVICE = "Do this."


def good(check: Check) -> str:
    """Return what was found, all of which is well."""
    assert (check.state, check.remedy) == (OK, "")
    return check.what


def bad(check: Check, state: str) -> str:
    """Return what was found, for which there is a remedy."""
    assert check.state == state
    assert check.remedy
    return check.what


def test_the_worst_of_all_counts() -> None:
    states = {state: Check("x", state, "y") for state in (OK, WARNING, FAILURE)}
    assert worst([]) == OK
    assert worst([states[OK], states[WARNING], states[OK]]) == WARNING
    assert worst([states[FAILURE], states[WARNING]]) == FAILURE


def reachability(**changes: Any) -> dict[str, Any]:
    return {
        "verdict": "mapped",
        "verified": True,
        "method": "pcp",
        "externalAddress": "5.6.7.8",
        "externalPort": 4243,
        "advice": ADVICE,
        "confirmations": 2,
        **changes,
    }


def test_reachability() -> None:
    where = "mapped by pcp at 5.6.7.8:4243, "
    assert good(check_reachability(reachability())) == where + "confirmed by 2 nodes"
    one = check_reachability(reachability(confirmations=1))
    assert good(one) == where + "confirmed by 1 node"
    unconfirmed = good(check_reachability(reachability(verified=False)))
    assert unconfirmed == where + "not confirmed yet by a node on another network"
    by6 = reachability(verdict="ipv6-only", method=None, externalAddress="2a01::1")
    assert good(check_reachability(by6)).startswith("ipv6-only at [2a01::1]:4243, ")
    nowhere = check_reachability(reachability(externalAddress=None, externalPort=None))
    assert good(nowhere) == "mapped by pcp, confirmed by 2 nodes"


@pytest.mark.parametrize("verdict", [name for name in VERDICTS if name not in REACHABLE])
def test_not_reachable(verdict: str) -> None:
    check = check_reachability(reachability(verdict=verdict, verified=False))
    assert bad(check, WARNING)
    assert check.remedy == ADVICE
    assert verdict in check.what or "not known yet" in check.what


def test_a_verdict_of_a_later_version_is_shown_as_it_is() -> None:
    assert "later" in bad(check_reachability({"verdict": "later", "advice": ADVICE}), WARNING)
    assert check_reachability({}).state == WARNING


def test_gateway() -> None:
    def none_silent(_: object) -> frozenset[str]:
        return frozenset()

    home = Gateway("192.168.1.1", "eth0", "192.168.1.20", False)
    other = Gateway("192.168.2.1", "wlan0", "192.168.2.20", False)
    six = Gateway("fe80::1", "eth0", "2a01::20", True)
    assert "no default router" in bad(check_gateway([], none_silent), FAILURE)
    shown = good(check_gateway([home, six, six._replace(own_address="2a01::21")], none_silent))
    assert shown == "192.168.1.1 (eth0), fe80::1 (eth0)"
    mute = frozenset({home.address})
    assert "does not answer" in bad(check_gateway([home], lambda _: mute), FAILURE)
    assert good(check_gateway([home, other], lambda _: mute))


def test_a_port_that_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert good(check_served("peer port", "127.0.0.1", port)) == f"port {port} is served"
    assert "no connection" in bad(check_served("peer port", "127.0.0.1", port), FAILURE)


def test_a_port_that_is_free_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = check_free("peer port", "[server] ws_port", "127.0.0.1", port)
        assert "another program" in bad(taken, FAILURE)
        assert "[server] ws_port" in taken.remedy
    assert good(check_free("peer port", "x", "127.0.0.1", port)) == f"port {port} is free"
    # It is not kept.
    assert good(check_free("peer port", "x", "127.0.0.1", port))
    assert good(check_free("peer port", "x", "", 0))
    assert bad(check_free("peer port", "x", "192.0.2.55", 4242), FAILURE)


def test_ipv6(tmp_path: Path) -> None:
    switch = tmp_path / "disable_ipv6"
    assert good(check_ipv6(["2a01::20"], switch)) == "2a01::20"
    assert "kernel" in good(check_ipv6([], switch))
    switch.write_text("0\n")
    assert "network" in good(check_ipv6([], switch))
    switch.write_text("1\n")
    assert "switched off" in bad(check_ipv6([], switch), WARNING)


def test_clock() -> None:
    now = EARLIEST_S + 1
    assert "years" in bad(check_clock(now - 2, True, True, None), FAILURE)
    assert good(check_clock(now, True, None, None)) == "synchronised"
    assert bad(check_clock(now, False, None, None), WARNING) == "nobody keeps it"
    assert "does not say" in good(check_clock(now, None, None, None))
    assert good(check_clock(now, False, True, None)) == "synchronised"
    assert "agrees with those of peers" in good(check_clock(now, False, False, True))
    assert "minutes off" in bad(check_clock(now, True, True, False), WARNING)


def test_the_clocks_of_peers() -> None:
    peers: list[dict[str, Any]] = [
        {"remoteAddress": address, "clockOffset": 0}
        for address in ("1.1.1.1", "2.2.2.2", "3.3.3.3")
    ]
    gone: list[dict[str, Any]] = [
        {"address": "9.9.9.9"},
        {"remoteAddress": "8.8.8.8", "clockOffset": None},
    ]
    assert peers_agree(peers + gone) is True
    assert peers_agree(peers[:2] + gone) is None
    assert peers_agree([peer | {"clockOffset": 3_600_000} for peer in peers]) is False


def test_the_kernel_is_asked_and_nothing_is_set() -> None:
    assert kernel_says_synchronised() in (True, False, None)


def test_mdns() -> None:
    assert "switched off" in good(check_mdns(enabled=False, shareable=False, names=[]))
    assert good(check_mdns(enabled=True, shareable=True, names=[])) == "free"
    shared = check_mdns(enabled=True, shareable=True, names=["avahi-daemon", "edgenode"])
    assert "avahi-daemon, edgenode" in good(shared)
    alone = check_mdns(enabled=True, shareable=False, names=["selfish"])
    assert "selfish alone" in bad(alone, WARNING)
    unseen = check_mdns(enabled=True, shareable=False, names=[])
    assert "another program" in bad(unseen, WARNING)


def test_who_has_a_udp_port() -> None:
    own = Path("/proc/self/comm").read_text().strip()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as selfish:
        selfish.bind(("", 0))
        port = selfish.getsockname()[1]
        assert holders(port) == [own]
        assert not can_share(port)
    assert holders(port) == []
    assert can_share(port)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        six.bind(("::1", port))
        assert holders(port) == [own]
        assert not can_share(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sharing:
        sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sharing.bind(("", port))
        assert can_share(port)


def test_programs_that_cannot_be_seen(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    line = "0: 00000000:14E9 00000000:0000 07 0:0 00:0 0 0 0 777 2 0 0\n"
    (tmp_path / "net" / "udp").write_text("header\n" + line)
    (tmp_path / "123").mkdir()  # no fd: another user's
    (tmp_path / "124" / "fd").mkdir(parents=True)
    (tmp_path / "124" / "fd" / "3").symlink_to("socket:[777]")  # no comm: it has just ended
    assert holders(mdns.PORT, tmp_path) == ["a program that has just ended"]


def disk(**changes: int) -> os.statvfs_result:
    fields = {
        "f_bsize": MIB,
        "f_frsize": MIB,
        "f_blocks": 10_000,
        "f_bfree": 5_000,
        "f_bavail": 5_000,
        "f_files": 1_000,
        "f_ffree": 500,
        "f_favail": 500,
        "f_flag": 0,
        "f_namemax": 255,
        **changes,
    }
    return os.statvfs_result(fields.values())


def test_disk(tmp_path: Path) -> None:
    def check(reserve: int = 256 * MIB, **changes: int) -> Check:
        return check_disk(tmp_path, disk(**changes), reserve)

    assert good(check()) == f"4.9 GiB free of 9.8 GiB at {tmp_path}"
    assert "will be full" in bad(check(f_bavail=511), WARNING)
    assert good(check(f_bavail=512))
    assert "no more blocks" in bad(check(f_bavail=256), FAILURE)
    assert bad(check(f_bavail=257), WARNING)
    assert bad(check(f_bavail=0, reserve=0), FAILURE)
    assert "no file" in bad(check(f_favail=0), FAILURE)
    assert good(check(f_files=0, f_favail=0))  # btrfs counts none
    assert "read-only" in bad(check(f_flag=os.ST_RDONLY), FAILURE)


def test_the_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path
    assert nearest_existing(tmp_path) == tmp_path
    assert nearest_existing(Path("/a-name/that-is/nowhere")) == Path("/")


@pytest.mark.parametrize(
    ("life", "spare", "state", "what"),
    [
        ("0x01 0x01", "0x01", OK, "up to 10 %"),
        ("0x01 0x08", "0x01", OK, "up to 80 %"),
        ("0x09 0x01", "0x01", WARNING, "up to 90 %"),
        ("0x0a 0x00", "0x00", WARNING, "up to 100 %"),
        ("0x02 0x02", "0x02", WARNING, "up to 20 %"),
        ("0x0b 0x01", "0x01", FAILURE, "worn out"),
        ("0x01 0x01", "0x03", FAILURE, "worn out"),
        ("0x00 0x00", "0x00", OK, "no storage here"),
        ("garbage", "0x03", OK, "no storage here"),
    ],
)
def test_wear(tmp_path: Path, life: str, spare: str, state: str, what: str) -> None:
    device = tmp_path / "mmcblk0" / "device"
    device.mkdir(parents=True)
    (device / "life_time").write_text(life + "\n")
    (device / "pre_eol_info").write_text(spare + "\n")
    (tmp_path / "mmcblk1" / "device").mkdir(parents=True)  # an SD card: it tells nothing
    check = check_wear(tmp_path)
    assert check.state == state
    assert what in check.what
    assert bool(check.remedy) == (state != OK)


def test_no_storage_that_tells(tmp_path: Path) -> None:
    assert "no storage here" in good(check_wear(tmp_path))


@pytest.mark.parametrize(
    ("mib", "state"), [(1000, OK), (64, OK), (63, WARNING), (16, WARNING), (15, FAILURE)]
)
def test_memory(tmp_path: Path, mib: int, state: str) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable:  {mib * 1024} kB\n")
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "status").write_text("Name:\tx\nVmRSS:\t   40960 kB\n")
    check = check_memory(77, tmp_path)
    assert check.state == state
    assert check.what.endswith("the node takes 40.0 MiB")
    assert bool(check.remedy) == (state != OK)
    for pid in (None, 78):
        assert "the node" not in check_memory(pid, tmp_path).what


def test_memory_that_is_not_told(tmp_path: Path) -> None:
    assert "does not say" in good(check_memory(None, tmp_path))


def test_identity() -> None:
    fine: list[dict[str, Any]] = [
        {"nodeId": None, "address": "a.example", "lastError": "no answer"},
        {"nodeId": "x", "address": "b.example"},
        {"nodeId": "x", "address": "c.example", "lastError": "duplicate"},
        {"nodeId": "x", "address": "cloned.example", "lastError": 7},
    ]
    assert good(check_identity("ab" * 32, fine)).startswith("ab" * 8 + ",")
    for error in ("clone", "clone: reached this node itself"):
        cloned = [*fine, {"nodeId": None, "address": "d.example", "lastError": error}]
        assert "d.example" in bad(check_identity("ab" * 32, cloned), FAILURE)
