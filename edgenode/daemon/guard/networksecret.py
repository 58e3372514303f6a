"""The secret of a closed network, from where the settings have it."""

from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.daemon.config.rules import MAX_SECRET, MIN_SECRET, is_secret
from edgenode.daemon.config.sections import NetworkConfig
from edgenode.daemon.service import SECRET_CREDENTIAL, credential
from edgenode.store.secret import read_secret


def network_secret(network: NetworkConfig) -> str:
    """Return the secret, "" for none; raises `DataFolderError`. Blocking."""
    offered = credential(SECRET_CREDENTIAL)
    path = offered or (Path(network.secret_file) if network.secret_file else None)
    if path is None:
        return network.secret
    secret = read_secret(path)
    if not is_secret(secret):
        raise DataFolderError(
            f"{path} holds no secret of a network: {MIN_SECRET} to {MAX_SECRET} random letters, "
            "digits or signs are expected, such as 64 hexadecimal digits"
        )
    return secret
