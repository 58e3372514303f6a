"""An operator's Prometheus says that a home has lost its port."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.integration.support.wait import eventually
from tests.lab.support.lab import Lab
from tests.lab.support.miniupnpd import Offers
from tests.lab.support.node import LabNodes
from tests.monitoring.prometheus import FIRES_S, SCRAPED_S, Prometheus

pytestmark = pytest.mark.ci


async def test_an_alert_fires_when_the_gateway_dies(
    lab: Lab, nodes: LabNodes, tmp_path: Path
) -> None:
    home = lab.home("a", Offers(), ipv6=False)
    node = await nodes.start("a", home.host)
    target = node.rest.base.removeprefix("http://")
    async with Prometheus(tmp_path, [target]) as prometheus:

        async def mapped() -> bool:
            return await prometheus.values("sum by (instance) (edgenode_port_mappings)") == {
                target: "1"
            }

        async def fired() -> bool:
            return await prometheus.firing("EdgenodeMappingLost") == {target}

        await eventually(mapped, "it is mapped", timeout_s=SCRAPED_S)
        assert await prometheus.values("edgenode_port_mapping_age_seconds") != {}
        assert not await fired()
        home.daemon.stop(SIGKILL)
        # As a DHCP client does whose router is gone.
        home.host.namespace.ip("route del default")
        await eventually(fired, "the alert fires", timeout_s=FIRES_S)
        assert await prometheus.firing("EdgenodeDown") == set()
