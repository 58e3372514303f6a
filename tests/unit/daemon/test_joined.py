"""What is kept of invitations, and when it is in force."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgenode.core.errors import BadInvitation, DataFolderError, JoinConflict
from edgenode.core.invite import Invitation
from edgenode.daemon.config.load import load_config
from edgenode.daemon.config.sections import Config
from edgenode.daemon.finding.joined import forget, keep, read_settings, with_joined
from edgenode.store.joined import MAX_NODES, read_joined

NODE, OTHER = "ab" * 32, "cd" * 32
SECRET = "c4f1d2a09b8e7765c4f1d2a09b8e7764"
SECOND = "d4f1d2a09b8e7765c4f1d2a09b8e7764"
PLACES = [("192.0.2.7", 4242)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the configuration, which is not there yet."""
    return tmp_path / "edgenode.toml"


def take(file: Path, network: str, *, node_id: str = NODE, secret: str = "") -> None:
    invitation = Invitation(network, node_id, PLACES, secret=secret)
    keep(invitation, read_settings(file), file.parent)


def network_of(file: Path) -> tuple[str, str]:
    """Return the id in force, and the file of the secret."""
    config = load_config(file) if file.exists() else Config()
    network = with_joined(replace(config, data_dir=file.parent), file).network
    return network.id, network.secret_file


def test_the_settings_own_network_is_not_laid_down(file: Path) -> None:
    take(file, "brightchain")
    joined = read_joined(file.parent)
    assert (joined.network, joined.secret) == ("", False)
    assert [(node.node_id, node.addresses) for node in joined.nodes] == [(NODE, tuple(PLACES))]
    file.write_text('network = "mine"\n')
    assert network_of(file) == ("mine", "")


def test_another_network_and_its_secret(file: Path) -> None:
    take(file, "home", secret=SECRET)
    secret_file = file.parent / "network.secret"
    assert network_of(file) == ("home", str(secret_file))
    assert secret_file.read_text().strip() == SECRET
    for path in (secret_file, file.parent / "joined.json"):
        assert path.stat().st_mode & 0o777 == 0o600
    # A second invitation there, without the secret, does not take it away.
    take(file, "home", node_id=OTHER)
    assert network_of(file) == ("home", str(secret_file))
    assert len(read_joined(file.parent).nodes) == 2
    # One to another network does.
    take(file, "office")
    assert network_of(file) == ("office", "")
    assert not secret_file.exists()


@pytest.mark.parametrize("text", ['network = "mine"\n', '[network]\nid = "mine"\n'])
def test_what_the_file_says_goes_before(file: Path, text: str) -> None:
    take(file, "home", secret=SECRET)
    file.write_text(text)
    assert network_of(file) == ("mine", "")  # and no secret of another network
    with pytest.raises(JoinConflict, match=r'network\.id is "mine"') as caught:
        take(file, "home")
    assert str(file) in str(caught.value)
    file.write_text(text.replace("mine", "home"))
    assert network_of(file)[1] != ""


def test_even_where_it_says_the_default(file: Path) -> None:
    file.write_text('[network]\nid = "brightchain"\n')
    with pytest.raises(JoinConflict):
        take(file, "home")


@pytest.mark.parametrize("key", ["secret", "secret_file"])
def test_another_secret_in_the_file(file: Path, key: str) -> None:
    other = file.parent / "other"
    other.write_text(SECOND)
    value = SECOND if key == "secret" else str(other)
    file.write_text(f'[network]\n{key} = "{value}"\n')
    with pytest.raises(JoinConflict, match=f"network.{key} is another secret") as caught:
        take(file, "brightchain", secret=SECRET)
    assert SECRET not in str(caught.value)
    assert SECOND not in str(caught.value)
    take(file, "brightchain", secret=SECOND)
    assert not (file.parent / "network.secret").exists()


def test_a_credential_goes_before(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "edgenode.network-secret").write_text(SECOND)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    with pytest.raises(JoinConflict, match=r"credential edgenode\.network-secret"):
        take(file, "brightchain", secret=SECRET)
    take(file, "brightchain", secret=SECOND)


def test_a_secret_that_is_none(file: Path) -> None:
    with pytest.raises(BadInvitation, match="no random one"):
        take(file, "home", secret="ab" * 20)
    assert read_joined(file.parent).nodes == ()


def test_a_configuration_that_is_wrong(file: Path) -> None:
    file.write_text("network = 7\n")
    with pytest.raises(JoinConflict, match=r"edgenode\.toml:1"):
        take(file, "home")


def test_no_more_than_so_many_are_kept_and_none_twice(file: Path) -> None:
    for number in range(MAX_NODES + 3):
        take(file, "brightchain", node_id=f"{number:064x}")
    take(file, "brightchain", node_id=f"{5:064x}")
    ids = [int(node.node_id, 16) for node in read_joined(file.parent).nodes]
    assert ids == [3, 4, *range(6, MAX_NODES + 3), 5]


def test_forgetting(file: Path) -> None:
    take(file, "brightchain", node_id=OTHER)
    take(file, "home", secret=SECRET)
    assert not forget("nobody", file.parent)
    assert forget("home", file.parent)
    assert network_of(file) == ("brightchain", "")
    assert not (file.parent / "network.secret").exists()
    assert [node.node_id for node in read_joined(file.parent).nodes] == [OTHER]
    assert forget(OTHER, file.parent)
    assert read_joined(file.parent).nodes == ()
    assert not forget(OTHER, file.parent)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "[]",
        '{"network": 7, "nodes": []}',
        '{"network": {"id": "a b", "secret": false}, "nodes": []}',
        '{"network": {"id": "a"}, "nodes": []}',
        '{"nodes": [{"nodeId": "ab", "network": "a", "addresses": []}]}',
        json.dumps(
            {
                "nodes": [
                    {
                        "nodeId": NODE,
                        "network": "a",
                        "addresses": [{"address": "example.org", "port": 1}],
                    }
                ]
            }
        ),
    ],
)
def test_a_damaged_file_is_told(file: Path, wrong: str) -> None:
    (file.parent / "joined.json").write_text(wrong)
    with pytest.raises(DataFolderError, match=r"joined\.json is damaged"):
        network_of(file)
