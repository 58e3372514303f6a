"""Whom a node takes for its network, and where it keeps what that needs."""

import logging
from pathlib import Path

import pytest

from edgenode.core.errors import DataFolderError, ProtocolError
from edgenode.core.hello import Hello
from edgenode.core.membership import Membership, encode_text, sign_membership
from edgenode.crypto import SigningKey
from edgenode.daemon.config.sections import FLEET, FleetConfig, NetworkConfig
from edgenode.daemon.guard import belonging
from edgenode.daemon.guard.belonging import Belonging, load_belonging, warn_if_exposed

SECRET = "c4f1d2a09b8e7765" * 2
OPERATOR = SigningKey(b"o" * 32)
NODE = SigningKey(b"n" * 32).public_key.hex()
NOW = 1_700_000_000_000


class FakeLink:
    def __init__(self, hello: Hello) -> None:
        self.peer = hello
        self.node_id = hello.node_id
        self.closed = ""

    def close(self, reason: str) -> None:
        self.closed = reason


def hello(until: int) -> Hello:
    signed = sign_membership(
        Membership(NODE, until), "brightchain", OPERATOR.public_key, NOW, OPERATOR.sign
    )
    return Hello(
        network="brightchain",
        node_id=NODE,
        expected_node_id="",
        nonce=bytes(32),
        ephemeral_key=bytes(32),
        instance=bytes(16),
        membership=signed,
    )


def test_an_open_network_takes_everybody() -> None:
    opened = load_belonging(NetworkConfig(), FleetConfig(), Path("/nowhere"))
    assert not opened.closed
    assert opened.refusal(NODE, False) == ""


def test_who_gets_a_session() -> None:
    def of(secret: str, *members: str) -> Belonging:
        return Belonging(
            NetworkConfig(members=members),
            FleetConfig(),
            secret=secret,
            membership=None,
            trusted_now_ms=lambda: NOW,
        )

    for closed in (of(SECRET), of(SECRET, NODE), of("", NODE), of("", FLEET)):
        assert closed.closed
        assert closed.refusal(NODE, True) == ""
        assert closed.refusal("ab" * 32, False) == "not-a-member"
    assert of("", NODE).refusal(NODE, False) == ""
    # To be listed is not to know the secret.
    assert of(SECRET, NODE).refusal(NODE, False) == "not-a-member"


def test_a_link_ends_with_its_membership() -> None:
    now = NOW
    closed = Belonging(
        NetworkConfig(members=(FLEET,)),
        FleetConfig(operators=(OPERATOR.public_key.hex(),)),
        secret="",
        membership=None,
        trusted_now_ms=lambda: now,
    )
    short, long = FakeLink(hello(NOW + 1)), FakeLink(hello(NOW + 10))
    closed.look([short, long])  # type: ignore[list-item]
    assert (short.closed, long.closed) == ("", "")
    now = NOW + 2
    closed.look([short, long])  # type: ignore[list-item]
    assert (short.closed, long.closed) == ("not-a-member", "")


def test_the_clock_counts_unless_it_is_known_to_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, trusted in ((True, True), (None, True), (False, False)):
        monkeypatch.setattr(belonging, "clock_is_set", lambda said=said: said)
        assert (belonging.trusted_now_ms() is not None) is trusted


def test_the_secret_from_a_file_and_a_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    network = NetworkConfig(secret_file=str(file))
    with pytest.raises(DataFolderError, match="cannot be read"):
        load_belonging(network, FleetConfig(), tmp_path)
    for wrong in ("", "short", "a" * 64, "x" * 4000):
        file.write_text(wrong)
        with pytest.raises(DataFolderError, match="holds no secret") as caught:
            load_belonging(network, FleetConfig(), tmp_path)
        assert not wrong or wrong not in str(caught.value)
    file.write_text(f" {SECRET}\n")
    assert load_belonging(network, FleetConfig(), tmp_path).closed
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "edgenode.network-secret").write_text(SECRET)
    assert load_belonging(NetworkConfig(), FleetConfig(), tmp_path).closed


def test_the_membership_of_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "membership.json"
    for wrong in ("", "{}", "x" * 5000):
        file.write_text(wrong)
        with pytest.raises(DataFolderError, match=r"membership\.json holds no membership"):
            load_belonging(NetworkConfig(), FleetConfig(), tmp_path)
    signed = hello(NOW).membership
    assert signed is not None
    file.write_bytes(encode_text(signed))
    load_belonging(NetworkConfig(), FleetConfig(), tmp_path)
    file.unlink()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "edgenode.membership").write_text("{}")
    with pytest.raises(DataFolderError, match=r"edgenode\.membership holds no"):
        load_belonging(NetworkConfig(), FleetConfig(), tmp_path)


def test_an_exposed_secret_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config, file = tmp_path / "edgenode.toml", tmp_path / "secret"
    for path in (config, file):
        path.touch(0o640)
        path.chmod(0o640)
    warn_if_exposed(config, NetworkConfig(secret=SECRET))
    warn_if_exposed(config, NetworkConfig(secret_file=str(file)))
    config.chmod(0o644)
    warn_if_exposed(config, NetworkConfig())
    warn_if_exposed(config, NetworkConfig(secret_file=str(file)))
    assert not caplog.records
    warn_if_exposed(config, NetworkConfig(secret=SECRET))
    file.chmod(0o604)
    warn_if_exposed(config, NetworkConfig(secret_file=str(file)))
    assert [record.event for record in caplog.records] == ["secret-exposed"] * 2  # type: ignore[attr-defined]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert SECRET not in caplog.text


def test_both_sides_ask_for_members() -> None:
    closed = Belonging(
        NetworkConfig(members=("cd" * 32,)),
        FleetConfig(),
        secret="",
        membership=None,
        trusted_now_ms=lambda: NOW,
    )
    identity = closed.identity(b"k" * 32, lambda message: message)
    admit = identity.secrets(identity.channel(initiator=True)).admit
    assert admit is not None
    with pytest.raises(ProtocolError, match="not a member"):
        admit(hello(NOW))
