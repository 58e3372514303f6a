"""Which network is in force, by the settings and by invitations; what is kept of these."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from edgenode.core.errors import BadInvitation, JoinConflict
from edgenode.core.invite import Invitation
from edgenode.daemon.config.load import ConfigError, load_config
from edgenode.daemon.config.rules import is_secret
from edgenode.daemon.config.sections import Config, NetworkConfig
from edgenode.daemon.guard.networksecret import network_secret
from edgenode.daemon.service import SECRET_CREDENTIAL, credential
from edgenode.store.joined import (
    MAX_NODES,
    SECRET_FILE,
    Joined,
    JoinedNode,
    read_joined,
    write_joined,
)

_SECRET_KEYS = frozenset(("secret", "secret_file"))


class Settings(NamedTuple):
    """What the configuration file says of the network: `keys` are those of [network] in it."""

    file: Path
    network: NetworkConfig
    keys: frozenset[str]


def read_settings(file: Path) -> Settings:
    """Read the configuration as it is now; raises JoinConflict where it is wrong. Blocking."""
    try:
        network = load_config(file).network if file.exists() else NetworkConfig()
    except ConfigError as error:
        raise JoinConflict(str(error.problems[0])) from None
    return Settings(file, network, _network_keys(file))


def with_joined(config: Config, file: Path) -> Config:
    """Return the configuration with the network that was joined, where the file names none.

    `file` is where the configuration was read, if it exists. Raises DataFolderError. Blocking.
    """
    joined = read_joined(config.data_dir)
    if not joined.network:
        return config
    keys = _network_keys(file)
    network = config.network
    if "id" not in keys:
        network = replace(network, id=joined.network)
    # The secret of a network counts for no other one.
    if joined.secret and network.id == joined.network and not keys & _SECRET_KEYS:
        network = replace(network, secret_file=str(config.data_dir / SECRET_FILE))
    return replace(config, network=network)


def keep(invitation: Invitation, settings: Settings, data_dir: Path) -> None:
    """Keep what an invitation says, in a data folder that nobody else writes to.

    BadInvitation: its secret is none. JoinConflict: the settings say otherwise. DataFolderError,
    OSError. Blocking.
    """
    if invitation.secret and not is_secret(invitation.secret):
        raise BadInvitation("the secret in the invitation is no random one: make a new secret")
    _check_settings(invitation, settings)
    joined = read_joined(data_dir)
    node = JoinedNode(invitation.node_id, invitation.network, tuple(invitation.addresses))
    others = [other for other in joined.nodes if other.node_id != node.node_id]
    nodes = (*others, node)[-MAX_NODES:]
    same = invitation.network == _network_of(joined, settings)
    secret = invitation.secret
    if settings.keys & _SECRET_KEYS or credential(SECRET_CREDENTIAL) is not None:
        secret = ""  # it is where the settings have it
    has_secret = bool(secret) or (same and joined.secret)
    # What the settings have by themselves is not laid down here.
    named = has_secret or invitation.network != settings.network.id
    write_joined(data_dir, Joined(invitation.network if named else "", has_secret, nodes), secret)


def forget(name: str, data_dir: Path) -> bool:
    """Forget a node by its id, or a network with its secret and its nodes; False: none of these.

    DataFolderError, OSError. Blocking.
    """
    joined = read_joined(data_dir)
    nodes = tuple(node for node in joined.nodes if name not in (node.node_id, node.network))
    if joined.network == name:
        write_joined(data_dir, Joined(nodes=nodes))
        return True
    if nodes == joined.nodes:
        return False
    write_joined(data_dir, joined._replace(nodes=nodes))
    return True


def to_json(joined: Joined) -> dict[str, object]:
    """Return what is kept for people to see; the secret itself is no part of it."""
    return {
        "network": joined.network or None,
        "secret": joined.secret,
        "nodes": [
            {
                "nodeId": node.node_id,
                "network": node.network,
                "addresses": [{"address": host, "port": port} for host, port in node.addresses],
            }
            for node in joined.nodes
        ],
    }


def _network_keys(file: Path) -> frozenset[str]:
    """Return the keys of [network] that a configuration, which was found to be good, has."""
    import tomllib  # noqa: PLC0415 - not loaded where there is no file

    try:
        found = tomllib.loads(file.read_text("utf-8-sig")).get("network", {})
    except (OSError, ValueError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset(("id",))


def _network_of(joined: Joined, settings: Settings) -> str:
    fixed = "id" in settings.keys or not joined.network
    return settings.network.id if fixed else joined.network


def _check_settings(invitation: Invitation, settings: Settings) -> None:
    network = settings.network
    if "id" in settings.keys and network.id != invitation.network:
        raise JoinConflict(
            f'{settings.file}: network.id is "{network.id}", and the invitation is to '
            f'"{invitation.network}": change or remove id there, restart the node, and join again'
        )
    if not invitation.secret:
        return
    if (offered := credential(SECRET_CREDENTIAL)) is not None:
        place = f"the credential {offered.name}"
    elif settings.keys & _SECRET_KEYS:
        key = "secret_file" if network.secret_file else "secret"
        place = f"{settings.file}: network.{key}"
    else:
        return
    if network_secret(network) != invitation.secret:
        raise JoinConflict(
            f"{place} is another secret than that of the invitation: change or remove it there, "
            "restart the node, and join again"
        )
