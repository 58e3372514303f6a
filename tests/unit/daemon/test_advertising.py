"""This node's own advertisements."""

from edgenode.core.advertisement import decode_advertisement
from edgenode.core.events import Announce
from edgenode.core.signed import check
from edgenode.crypto import SigningKey, verify
from edgenode.daemon.finding.advertising import Advertiser, own_places


def announce(ws_port: int) -> Announce:
    return Announce(
        version="0.1.0", http_port=1, ws_port=ws_port, capabilities=["blocks"], region="eu"
    )


def test_each_has_a_number_of_its_own() -> None:
    key = SigningKey(bytes(32))
    advertiser = Advertiser(
        network="brightchain", key=key, epoch=7, announce=announce, wall_ms=lambda: 5
    )
    for number, address in enumerate(("8.8.8.8", "2600::1", ""), 1):
        signed = advertiser.sign(address, 4000 + number)
        check(signed, "advertisement", "brightchain", verify)
        assert (signed.epoch, signed.seq, signed.timestamp_ms) == (7, number, 5)
        said = decode_advertisement(signed)
        assert (said.node_id, said.address, said.port) == (
            key.public_key.hex(),
            address,
            4000 + number,
        )
        assert (said.capabilities, said.version) == (["blocks"], "0.1.0")


def test_one_open_place_of_each_family() -> None:
    addresses = [
        "8.8.8.8:5000",
        "8.8.4.4:5001",
        "[2600::1]:5002",
        "[2600::2]:5003",
        "192.168.1.1:4242",
        "[fd00::1]:4242",
    ]
    assert own_places(addresses, lambda _: 1) == [("8.8.8.8", 5000), ("2600::1", 5002)]
    assert own_places(addresses, lambda host: int(":" in host)) == [("2600::1", 5002)]
    assert own_places(addresses, lambda _: 0) == []
    assert own_places(addresses[4:], lambda _: 1) == []
    assert own_places(["host.example:4242"], lambda _: 1) == []
