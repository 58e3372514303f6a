"""`edgenode open`: a link to the status page that signs its owner in, once."""

import os
from collections.abc import Mapping

from edgenode.cli import exits
from edgenode.cli.client import Node, reachable
from edgenode.cli.exits import CommandFailed
from edgenode.cli.output import out, out_json, say
from edgenode.cli.reading import number, text

_CODE_CHARS = 64

_SSH_FIELDS = 4
"""The client's address and port, the server's address and port (sshd(8))."""


def open_page(node: Node, http_bind: str, *, as_json: bool) -> int:
    """Print the link; `http_bind` is where the node listens, "" where that is not known."""
    answer = node.post_json("/session/link", {})
    code, seconds = text(answer, "code"), int(number(answer, "expiresIn"))
    if len(code) != _CODE_CHARS or code.strip("0123456789abcdef"):
        raise CommandFailed(exits.FAILED, "what answers does not speak as a node does")
    # Behind the #, which browsers send to no server and no proxy.
    link = node.url(f"/#login={code}", host=page_host(http_bind, os.environ))
    if as_json:
        out_json({"url": link, "expiresIn": seconds})
    else:
        out(link)
        say(f"the link works once, within {seconds} s; it lets whoever opens it act as you")
    return exits.OK


def page_host(http_bind: str, environment: Mapping[str, str]) -> str:
    """Return the host for the link: over SSH, the address by which this machine was reached.

    Where the node listens at one address alone, it is that one.
    """
    fields = environment.get("SSH_CONNECTION", "").split()
    if reachable(http_bind) != http_bind and len(fields) == _SSH_FIELDS:
        return fields[2].partition("%")[0]
    return reachable(http_bind)
