"""What a start takes from the data folder and from the service manager's credentials."""

import logging
from pathlib import Path

import pytest

from edgenode.cli.configure import effective
from edgenode.core.errors import DataFolderError
from edgenode.crypto import SigningKey
from edgenode.daemon.config.load import Config
from edgenode.daemon.datadir import open_data_folder
from edgenode.daemon.running import read_token

SEED = "5e" * 32
TOKEN = "operator-" * 6


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of credentials, still empty."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


async def test_credentials_take_the_place_of_files(offered: Path, tmp_path: Path) -> None:
    (offered / "edgenode.node-key").write_text(f"{SEED}\n")
    (offered / "edgenode.operator-token").write_text(f"{TOKEN}\n")
    # Read-only, and with the mask of an access list where others' rights stand.
    (offered / "edgenode.node-key").chmod(0o440)
    async with open_data_folder(tmp_path / "data") as data:
        assert data.key.public_key == SigningKey(bytes.fromhex(SEED)).public_key
        assert (data.token, data.key_is_new) == (TOKEN, False)
        assert not (tmp_path / "data" / "node.key").exists()
        assert not (tmp_path / "data" / "operator.token").exists()
        assert read_token(tmp_path / "data") == TOKEN


async def test_without_credentials_files_are_made(offered: Path, tmp_path: Path) -> None:
    async with open_data_folder(tmp_path / "data") as data:
        assert data.key_is_new
        assert data.token == (tmp_path / "data" / "operator.token").read_text().strip()


async def test_two_keys_are_one_too_many(offered: Path, tmp_path: Path) -> None:
    async with open_data_folder(tmp_path / "data") as data:
        own = (tmp_path / "data" / "node.key").read_text()
    (offered / "edgenode.node-key").write_text(own)
    async with open_data_folder(tmp_path / "data") as again:
        assert again.key.public_key == data.key.public_key
    (offered / "edgenode.node-key").write_text(SEED)
    with pytest.raises(DataFolderError, match="another key than the credential"):
        async with open_data_folder(tmp_path / "data"):
            pass


@pytest.mark.parametrize(
    ("name", "message"), [("edgenode.node-key", "damaged"), ("edgenode.operator-token", "no token")]
)
async def test_a_credential_that_cannot_be_one_is_refused(
    offered: Path, tmp_path: Path, name: str, message: str
) -> None:
    (offered / name).write_text("?")
    with pytest.raises(DataFolderError, match=message):
        async with open_data_folder(tmp_path / "data"):
            pass


def test_the_state_directory_stands_in_for_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "edgenode.toml"
    config.write_text("")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert effective(config, None).data_dir == Config().data_dir
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}:/another")
    assert effective(config, None).data_dir == tmp_path
    assert effective(config, tmp_path / "given").data_dir == tmp_path / "given"
    config.write_text('data_dir = "/srv/node"')
    assert effective(config, None).data_dir == Path("/srv/node")


def test_reading_a_credential_leaves_its_mode_alone(
    offered: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = offered / "edgenode.operator-token"
    path.write_text(TOKEN)
    path.chmod(0o440)
    with caplog.at_level(logging.WARNING):
        assert read_token(tmp_path) == TOKEN
    assert path.stat().st_mode & 0o777 == 0o440
    assert not caplog.records
