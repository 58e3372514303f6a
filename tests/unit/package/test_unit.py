"""The unit: each setting has its reason, and what the code relies on is there."""

import configparser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "systemd" / "edgenode.service"

# Who the service is and what it runs, which needs no reason.
PLAIN = {"Description", "Documentation", "ExecStart", "User", "Group", "WantedBy", "Restart"}


def test_every_setting_stands_in_a_group_with_a_reason() -> None:
    reason = False
    for line in UNIT.read_text().splitlines():
        if not line or line.startswith("["):
            reason = False
        elif line.startswith("#"):
            reason = True
        else:
            assert reason or line.partition("=")[0] in PLAIN, line


def test_what_the_node_relies_on() -> None:
    # Some settings stand there twice, which adds to them.
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["StateDirectory"] == "edgenode"
    assert service["ImportCredential"] == "edgenode.*"
    assert set(service["RestrictAddressFamilies"].split()) == {
        *("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK")
    }
    assert "network-online" not in UNIT.read_text()
