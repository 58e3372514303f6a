"""What `reachability` asks of those who found out about gateways and mappings, as types."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Gateway(Protocol):
        """A default router of this host."""

        @property
        def address(self) -> str:
            """IP literal."""

        @property
        def own_address(self) -> str:
            """This host's address on the way to it."""

        @property
        def ipv6(self) -> bool:
            """Whether it is one for IPv6."""

    class Outcome(Protocol):
        """What came of asking a gateway for a port."""

        @property
        def ipv6(self) -> bool:
            """Whether it concerns IPv6."""

        @property
        def external_address(self) -> "str | None":
            """The gateway's own outer address; for IPv6 this host's; None where it is not told."""

    class Mapping(Protocol):
        """A port that a gateway has opened: a mapping, or a pinhole for IPv6."""

        @property
        def ipv6(self) -> bool:
            """As of any outcome."""

        @property
        def external_address(self) -> "str | None":
            """As of any outcome."""

        @property
        def method(self) -> str:
            """`pcp`, `nat-pmp` or `upnp`."""

        @property
        def external_port(self) -> int:
            """The port outside."""

    class Failure(Protocol):
        """A way of opening a port that did not work."""

        @property
        def ipv6(self) -> bool:
            """As of any outcome."""

        @property
        def external_address(self) -> "str | None":
            """As of any outcome."""

        @property
        def reason(self) -> str:
            """Why, as a word of `reach.method.REASONS`."""

    class View(Protocol):
        """What is known of the gateways."""

        @property
        def asked(self) -> bool:
            """Whether gateways are asked: False where the settings switch mapping off."""

        @property
        def settled(self) -> bool:
            """Whether every answer has come, or its deadline has passed."""

        @property
        def gateways(self) -> "Sequence[Gateway]":
            """All default gateways, of both families."""

        @property
        def own_addresses(self) -> "Sequence[str]":
            """This host's IPv4 addresses on interfaces with a default route."""

        @property
        def own_ipv6(self) -> "Sequence[str]":
            """This host's global IPv6 addresses."""

        @property
        def mappings(self) -> "Sequence[Mapping]":
            """What is open."""

        @property
        def failures(self) -> "Sequence[Failure]":
            """What did not work in the latest attempt."""
