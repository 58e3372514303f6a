"""Which addresses of a gateway take calls: its URLs and its device description, read strictly.

UPnP Device Architecture 1.1, section 2.3. A URL serves for its port and path alone: whatever host
it names, only the gateway's own address is ever connected to. So a hostile answer can send us
nowhere, nor is a look into the neighbour table needed. The host must still be an IP literal of one
of the machines that may stand for the gateway (`hosts`), or the URL is refused.
"""

import re
from typing import NamedTuple

from edgenode.core.ip import parse_ip
from edgenode.reach.igd.xmlscan import END, START, TEXT, BadXml, scan, unescape

# libminiupnpc's own bound is 128; no gateway is known to have a longer one.
MAX_URL_CHARS = 256
# A gateway with more connections to the outside is not at home.
MAX_SERVICES = 4

FIREWALL = "WANIPv6FirewallControl"

_URL = re.compile(
    r"http://(\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._%-]+)?\]|[0-9.]+)(?::([0-9]{1,5}))?", re.I
)
_PATH = re.compile(r"/[!-~]*")
_SERVICE_TYPE = re.compile(
    # Huawei's and other old gateways name the services by the forum that later became the BBF.
    r"urn:(?:schemas-upnp-org|dslforum-org):service:"
    r"(WANIPConnection|WANPPPConnection|WANIPv6FirewallControl):([1-9])"
)
_HTTP_PORT = 80
_MAX_PORT = 65535


class Url(NamedTuple):
    """An http URL whose host is an IP literal, here as its bytes."""

    host: bytes
    port: int
    path: str


class Service(NamedTuple):
    """A service of the gateway's, at the port and path that take its calls."""

    service_type: str
    kind: str  # WANIPConnection, WANPPPConnection or FIREWALL
    version: int
    port: int
    path: str


def parse_url(text: str) -> Url | None:
    """Read an absolute http URL; None for a name, another scheme, user data or odd characters."""
    found = _URL.match(text)
    if found is None or len(text) > MAX_URL_CHARS:
        return None
    # A zone says nothing to anyone but the sender.
    host = parse_ip(found.group(1).strip("[]").partition("%")[0])
    port = int(found.group(2) or _HTTP_PORT)
    path = text[found.end() :].partition("#")[0] or "/"
    if host is None or not 0 < port <= _MAX_PORT or not _PATH.fullmatch(path):
        return None
    return Url(host, port, path)


def read_services(document: bytes, location: Url, hosts: set[bytes]) -> list[Service]:
    """Give the services of use in a description found at `location`, in its order.

    At most MAX_SERVICES connections and one firewall control. A service whose control URL is
    refused is left out. Raises `BadXml`, also where there is none of these services.
    """
    base = location
    found: list[tuple[str, str]] = []
    path: list[str] = []
    fields = {"serviceType": "", "controlURL": ""}
    text = ""
    for event, data in scan(document):
        if event == START:
            path.append(data)
            if data == "service":
                fields = {"serviceType": "", "controlURL": ""}
        elif event == TEXT:
            text += data
            continue
        elif event == END:
            path.pop()
            if data in fields and path[-1:] == ["service"]:
                fields[data] = unescape(text)
            elif data == "URLBase" and path == ["root"] and text.strip():
                url = parse_url(unescape(text))
                if url is None:
                    raise BadXml("its base is no URL of an address")
                base = url
            elif data == "service":
                found.append((fields["serviceType"], fields["controlURL"]))
        text = ""
    return _chosen(found, base, hosts)


def _chosen(found: list[tuple[str, str]], base: Url, hosts: set[bytes]) -> list[Service]:
    services: list[Service] = []
    for service_type, control in found:
        named = _SERVICE_TYPE.fullmatch(service_type)
        url = _resolve(control, base)
        if named is None or url is None or url.host not in hosts:
            continue
        kind = named.group(1)
        firewall = kind == FIREWALL
        room = 1 if firewall else MAX_SERVICES
        if sum((service.kind == FIREWALL) == firewall for service in services) < room:
            services.append(Service(service_type, kind, int(named.group(2)), url.port, url.path))
    if not services:
        raise BadXml("no service that maps ports")
    return services


def _resolve(control: str, base: Url) -> Url | None:
    """Give the URL that `control` means, as libminiupnpc does: relative to the host's root."""
    if "://" in control:
        return parse_url(control)
    # "//host/path" would be a host of its own.
    path = control if control.startswith("/") else "/" + control
    if not control or path.startswith("//") or len(path) > MAX_URL_CHARS:
        return None
    return Url(base.host, base.port, path) if _PATH.fullmatch(path) else None
