"""What mapping has come to: the evidence for the verdict, and for whoever shows it."""

from typing import NamedTuple

from edgenode.reach.method import Gateway


class Mapping(NamedTuple):
    """A port that a gateway passes on to us: a mapping (IPv4) or a pinhole (IPv6)."""

    method: str
    gateway: str
    interface: str
    ipv6: bool  # a pinhole: external_address is our own
    internal_address: str
    internal_port: int
    external_address: str | None  # None: the gateway has not told it
    external_port: int
    lifetime_s: int  # as granted; 0: until it is deleted


class Failure(NamedTuple):
    """A method that the latest attempt at a gateway tried in vain."""

    method: str
    gateway: str
    interface: str
    ipv6: bool
    reason: str  # one of method.REASONS
    detail: str
    external_address: str | None  # the gateway's own WAN address, where the failure shows it


class View(NamedTuple):
    """The state of all gateways at one moment."""

    asked: bool  # False: the settings keep the node from asking any gateway
    settled: bool  # False: of some gateway it is not known yet whether it maps
    gateways: tuple[Gateway, ...]
    own_addresses: tuple[str, ...]  # IPv4, on the interfaces of the gateways
    own_ipv6: tuple[str, ...]  # global ones, on any interface
    mappings: tuple[Mapping, ...]
    failures: tuple[Failure, ...]  # of gateways without a mapping
