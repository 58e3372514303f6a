"""The connections that a host begins to peer ports."""

import json

from tests.lab.support.host import Host


class Dials:
    """Counts connections that a host begins, each once however often its SYN is repeated."""

    def __init__(self, host: Host) -> None:
        self._namespace = host.namespace
        self._namespace.nft(
            "table inet dials {\nset ports { type inet_service; flags dynamic; size 65535; }\n"
            "chain out { type filter hook output priority 0;\n"
            "tcp dport 4242 tcp flags & (syn | ack) == syn add @ports { tcp sport }\n}\n}\n"
        )

    def count(self) -> int:
        listed = self._namespace.run("nft", "--json", "list", "set", "inet", "dials", "ports")
        (found,) = [item["set"] for item in json.loads(listed)["nftables"] if "set" in item]
        return len(found.get("elem", []))
