"""A node under attack."""

import aiohttp

from tests.integration.support.node import Node
from tests.integration.support.peer import Peer


class Target:
    """The node under attack and an honest peer, linked with it all the while."""

    def __init__(
        self, session: aiohttp.ClientSession, node: Node, friend: Peer, block_id: str
    ) -> None:
        self.session = session
        self.node = node
        self.url = node.ws_url
        self.friend = friend
        self.block_id = block_id
