"""What is read of resolv.conf."""

from pathlib import Path

import pytest

from edgenode.discover.resolvconf import (
    LOCAL_SERVER,
    MAX_FILE_BYTES,
    ResolverSettings,
    parse_resolver_settings,
    read_resolver_settings,
)


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ("192.0.2.1", "2001:db8::1")),
        ("# nameserver 192.0.2.1\n;\n\tnameserver\t192.0.2.2 # mine", ("192.0.2.2",)),
        ("nameserver fe80::1%eth0\nsearch example.org", ("fe80::1%eth0",)),
        ("nameserver fe80::1%2\nnameserver fe80::2%1234567890\n", ("fe80::1%2",)),
        ("nameserver fe80::1%a\x00b\nnameserver fe80::1%ethé\n", (LOCAL_SERVER,)),
        ("nameserver 192.0.2.1%eth0\nnameserver fe80::1%\n", (LOCAL_SERVER,)),
        ("nameserver router\nnameserver\nnameserver 1.2.3\n", (LOCAL_SERVER,)),
        (
            "".join(f"nameserver 192.0.2.{n}\n" for n in (1, 1, 2, 3, 4)),
            ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
        ),
        ("", (LOCAL_SERVER,)),
    ],
)
def test_servers(text: str, servers: tuple[str, ...]) -> None:
    assert parse_resolver_settings(text).servers == servers


@pytest.mark.parametrize(
    ("options", "timeout_s", "attempts"),
    [
        ("", 5, 2),
        ("options timeout:1 rotate attempts:3", 1, 3),
        ("options timeout:99999999999999 attempts:77", 30, 5),
        ("options timeout:0 attempts:0", 1, 1),
        ("options timeout:-1 attempts:two timeout", 5, 2),
        ("options timeout:٣", 5, 2),
    ],
)
def test_options(options: str, timeout_s: int, attempts: int) -> None:
    assert parse_resolver_settings(options) == ((LOCAL_SERVER,), timeout_s, attempts)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    local = ResolverSettings((LOCAL_SERVER,), 5, 2)
    assert read_resolver_settings(path) == local
    path.write_bytes(b"\xff\x00nameserver\nnameserver 192.0.2.1\n")
    assert read_resolver_settings(path).servers == ("192.0.2.1",)
    path.write_bytes(b"#" * MAX_FILE_BYTES + b"\nnameserver 192.0.2.1\n")
    assert read_resolver_settings(path) == local
    assert read_resolver_settings(tmp_path) == local
