"""What a person in a terminal is told of the router."""

from pathlib import Path

import pytest

from edgenode.daemon.config.sections import NatConfig, ServerConfig
from edgenode.daemon.greeting import AskedOfRouters, greeting
from edgenode.daemon.reach import reachparts
from edgenode.daemon.reach.reachparts import asked_of_routers
from edgenode.reach.gateways import Network
from edgenode.reach.method import Gateway

NETWORK = Network(
    (
        Gateway("192.168.1.1", "eth0", "192.168.1.20", ipv6=False),
        Gateway("fe80::1", "eth0", "2a00::1", ipv6=True),
        Gateway("fe80::1", "eth0", "2a00::2", ipv6=True),
    ),
    ("192.168.1.20",),
    ("2a00::1", "2a00::2"),
)


def said(asked: AskedOfRouters) -> str:
    text = greeting(
        node_id="ab" * 32, http_port=4280, ws_port=4242, data_dir=Path("/data"), asked=asked
    )
    assert all(len(line) <= 100 for line in text.splitlines())
    return " ".join(text.split())


def test_who_is_asked_for_what_and_how_to_avoid_it() -> None:
    text = said(AskedOfRouters(["192.168.1.1", "fe80::1"], ["PCP", "UPnP"], "TCP", 4242))
    assert "(192.168.1.1, fe80::1) is asked by PCP or UPnP to pass TCP port 4242" in text
    assert "Stopping the node undoes it" in text
    assert "enabled = false" in text


def test_nobody_is_asked() -> None:
    text = said(AskedOfRouters(["192.168.1.1"], [], "TCP", 4242))
    assert "asked for nothing" in text
    assert "192.168.1.1" not in text
    text = said(AskedOfRouters([], ["PCP"], "TCP", 4242))
    assert "No router was found" in text
    assert "enabled = false" in text


@pytest.mark.parametrize(
    ("nat", "server", "methods"),
    [
        (NatConfig(), ServerConfig(), ["PCP", "NAT-PMP", "UPnP"]),
        (NatConfig(methods=("upnp",)), ServerConfig(), ["UPnP"]),
        (NatConfig(enabled=False), ServerConfig(), []),
        (NatConfig(private=True), ServerConfig(), []),
        (NatConfig(), ServerConfig(upnp=False), []),
        (NatConfig(), ServerConfig(ws_bind="127.0.0.1"), []),
        (NatConfig(), ServerConfig(ws_bind="::1"), []),
        (NatConfig(), ServerConfig(ws_bind="192.168.1.20"), ["PCP", "NAT-PMP", "UPnP"]),
    ],
)
def test_what_the_settings_ask(
    nat: NatConfig, server: ServerConfig, methods: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachparts, "find_network", lambda: NETWORK)
    asked = asked_of_routers(nat, server, 4242)
    assert asked == (["192.168.1.1", "fe80::1"], methods, "TCP", 4242)


def test_the_port_that_is_named_is_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Network:
        raise OSError

    monkeypatch.setattr(reachparts, "find_network", fail)
    assert asked_of_routers(NatConfig(public=5000, port=6000), ServerConfig(), 4242).port == 5000
    assert asked_of_routers(NatConfig(port=6000), ServerConfig(), 4242) == (
        [],
        ["PCP", "NAT-PMP", "UPnP"],
        "TCP",
        6000,
    )


def test_how_to_link_without_editing_a_file() -> None:
    text = said(AskedOfRouters([], [], "TCP", 4242))
    assert "--data-dir /data invite" in text
    assert "--data-dir /data join LINE" in text
    assert "[bootstrap]" not in text
