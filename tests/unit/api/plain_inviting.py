"""Invitations in memory, as the routes see them."""

from edgenode.core.errors import DecodeError, JoinConflict, NoInvitation

NODE = "cd" * 32
LINE = "edgenode1aaaa"


class PlainInviting:
    """Takes `LINE`, and "conflict" for one that the settings contradict."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.nodes: list[dict[str, object]] = []
        self.alone = False

    async def invitation(self, *, with_secret: bool) -> dict[str, object]:
        """Give the line, unless the node has no address."""
        if self.alone:
            raise NoInvitation("this node has no address yet")
        return {
            "line": LINE + ("secret" if with_secret else ""),
            "network": "home",
            "nodeId": NODE,
            "addresses": [{"address": "192.0.2.7", "port": 4242}],
            "closed": True,
            "secret": with_secret,
            "membersOnly": False,
            "reach": "local",
        }

    async def join(self, line: str) -> dict[str, object]:
        """Take a line."""
        if line == "conflict":
            raise JoinConflict("edgenode.toml: network.id is another")
        if line != LINE:
            raise DecodeError("the line is cut: copy all of it")
        self.nodes.append({"nodeId": NODE, "network": "home", "addresses": []})
        return {"nodeId": NODE, "network": "home", "state": "linked", "detail": None}

    async def joined(self) -> dict[str, object]:
        """Give them all."""
        return {"network": "home", "secret": False, "nodes": self.nodes}

    async def forget(self, name: str) -> dict[str, object] | None:
        """Forget a node."""
        left = [node for node in self.nodes if node["nodeId"] != name]
        if len(left) == len(self.nodes):
            return None
        self.nodes = left
        return {"name": name, "restart": False}
