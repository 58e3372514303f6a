"""The mapping part alone against the real gateway."""

import pytest

from tests.lab.support.lab import Lab
from tests.lab.support.mapping import MappingPart
from tests.lab.support.miniupnpd import NAT_PMP_ALONE, PCP_ALONE, UPNP_ALONE, Mapping, Offers
from tests.lab.support.node import PEER_PORT
from tests.lab.support.talk import listen, shut_out, source

pytestmark = pytest.mark.ci  # whole nodes show most of it, too


@pytest.mark.parametrize(
    ("offers", "method"),
    [(PCP_ALONE, "pcp"), (NAT_PMP_ALONE, "nat-pmp"), (UPNP_ALONE, "upnp"), (Offers(), "pcp")],
)
def test_it_maps_once_and_deletes(lab: Lab, offers: Offers, method: str) -> None:
    home, public = lab.home("a", offers, ipv6=False), lab.host("public")
    with listen(home.host.namespace, PEER_PORT) as server:
        with MappingPart(home.host) as part:
            said = part.settled()
            assert said is not None
            assert said["mappings"] == [[method, home.router.wan.address, PEER_PORT]]
            assert home.daemon.mappings == [Mapping("TCP", PEER_PORT, home.host.address, PEER_PORT)]
            assert source(public.namespace, home.router.wan.address, server) == public.address
        assert home.daemon.mappings == []
        assert shut_out(public.namespace, home.router.wan.address)


@pytest.mark.parametrize("lan", ["10.0.0", "100.64.0"])
def test_a_second_nat_is_the_reason(lab: Lab, lan: str) -> None:
    home = lab.home("a", Offers(), lab.router("provider", lan=lan))
    with MappingPart(home.host) as part:
        said = part.settled()
    assert said is not None
    assert said["mappings"] == []
    assert ["pcp", "private-wan"] in said["failures"]


def test_a_policy_is_the_reason(lab: Lab) -> None:
    home = lab.home("a", Offers(refuse=True), ipv6=False)
    with MappingPart(home.host) as part:
        said = part.settled()
    assert said is not None
    assert said["mappings"] == []
    assert ["pcp", "refused"] in said["failures"]
