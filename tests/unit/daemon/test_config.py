import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenode.daemon.config import load as loading
from edgenode.daemon.config.load import Config, ConfigError, load_config, parse_config
from edgenode.daemon.config.sections import (
    BootstrapConfig,
    BootstrapNode,
    DnsConfig,
    NatConfig,
    NetworkConfig,
    NodeConfig,
    ServerConfig,
)
from edgenode.daemon.config.toml import masked, plain, to_toml


def problems(text: str) -> list[loading.Problem]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "a.toml")
    return caught.value.problems


def problem(text: str) -> loading.Problem:
    [only] = problems(text)
    return only


def test_no_file_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "DEFAULT_PATH", tmp_path / "edgenode.toml")
    assert load_config() == load_config(None) == Config()


def test_the_default_file_is_used_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "edgenode.toml"
    path.write_text("network = 'test'\n")
    monkeypatch.setattr(loading, "DEFAULT_PATH", path)
    assert load_config().network.id == "test"


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: no such file; .*--config"):
        load_config(tmp_path / "missing.toml")


def test_defaults() -> None:
    config = Config()
    assert config.network == NetworkConfig(id="brightchain", secret="", members=())
    assert config.data_dir == Path("/var/lib/edgenode")
    assert config.server == ServerConfig(
        http_port=4280, http_bind="", ws_port=4242, ws_bind="", upnp=True
    )
    assert config.nat.methods == ("pcp", "nat-pmp", "upnp")
    assert (config.nat.ttl, config.nat.public, config.nat.port) == (7200, 0, 0)
    assert config.storage.max_block_size == 64 * 2**20
    assert config.storage.reserve_bytes == 256 * 2**20


def test_every_default_obeys_its_own_rule() -> None:
    assert parse_config(to_toml(Config()), "a.toml") == Config()


def test_all_kinds_of_values_are_read() -> None:
    config = parse_config(
        """
        network = "test"
        data_dir = "/srv/edge"
        [server]
        http_port = 0
        http_bind = "::1"
        upnp = false
        [nat]
        methods = ["upnp"]
        [bootstrap]
        nodes = [{address = "192.0.2.1"}, {address = "fe80::1%eth0", port = 5, is_static = true}]
        [dns]
        seeds = ["_edgenode.example.org", "a.example."]
        [node]
        region = "Zürich"
        capabilities = ["relay"]
        """,
        "a.toml",
    )
    assert config == Config(
        network=NetworkConfig(id="test"),
        data_dir=Path("/srv/edge"),
        server=ServerConfig(http_port=0, http_bind="::1", upnp=False),
        nat=NatConfig(methods=("upnp",)),
        bootstrap=BootstrapConfig(
            nodes=(
                BootstrapNode(address="192.0.2.1", port=4242, is_static=False),
                BootstrapNode(address="fe80::1%eth0", port=5, is_static=True),
            )
        ),
        dns=DnsConfig(seeds=("_edgenode.example.org", "a.example.")),
        node=NodeConfig(region="Zürich", capabilities=("relay",)),
    )


def test_array_of_tables_is_read_like_a_list_of_inline_tables() -> None:
    written = "[[bootstrap.nodes]]\naddress = 'a'\n[[bootstrap.nodes]]\naddress = 'b'\n"
    assert parse_config(written, "a.toml") == parse_config(
        "bootstrap.nodes = [{address = 'a'}, {address = 'b'}]", "a.toml"
    )


def test_records_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.server.http_port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line", "key", "remedy"),
    [
        ("[server]\n\nhtpp_port = 1", 3, "server.htpp_port", 'did you mean "http_port"?'),
        ("[server]\nhttpPort = 1", 2, "server.httpPort", 'did you mean "http_port"?'),
        ("[sever]\nhttp_port = 1", 1, "sever", 'did you mean "server"?'),
        ("\nhttp_port = 1", 2, "http_port", "it belongs in [server]"),
        ("[server]\nnetwork = 'a'", 2, "server.network", "it belongs at the top, above the first"),
        ("[dns]\nport = 1", 2, "dns.port", "it belongs in [nat] and in [discovery]"),
        ("mx_size = 1", 1, "mx_size", 'did you mean "max_size" in [batch]?'),
        ("[dns]\nzzzz = 1", 2, "dns.zzzz", "remove it; known here: seeds, query_interval, timeout"),
        ("bootstrap.nodes = [{address='a', prt=1}]", 1, "bootstrap.nodes[0].prt", '"port"?'),
    ],
)
def test_an_unknown_key_names_the_nearest(text: str, line: int, key: str, remedy: str) -> None:
    found = problem(text)
    assert (found.file, found.line, found.key, found.message) == (
        "a.toml",
        line,
        key,
        "unknown key",
    )
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("[server]\nhttp_port = '80'", "a whole number from 0 to 65535, found", "80 without quote"),
        ("[server]\nhttp_port = true", "found true (true or false)", "the default, 4280"),
        ("[server]\nhttp_port = 80.0", "found 80.0 (a number with a fraction)", "4280"),
        ("[server]\nhttp_port = 65536", "from 0 to 65535, found 65536", "4280"),
        ("[server]\nhttp_port = -1", "found -1", "4280"),
        ("[server]\nhttp_port = 1979-05-27", "(a date or time)", "4280"),
        ("[server]\nupnp = 1", "expected true or false, found 1", "the default, true"),
        ("[server]\nupnp = 'false'", "expected true or false", "write false without quotes"),
        ("[server]\nhttp_bind = '300.0.0.1'", 'an IP address in quotes, or ""', 'default, ""'),
        ("[server]\nhttp_bind = 'localhost'", 'found "localhost"', ""),
        ("server = 5", "expected a section, found 5", "a line [server]"),
        ("[[server]]\nhttp_port = 1", "expected a section, found a list", "a line [server]"),
        ("network = ''", "1 to 64 letters", "brightchain"),
        ("network = 'a b'", "1 to 64 letters", "brightchain"),
        (f"network = '{'a' * 65}'", "1 to 64 letters", "brightchain"),
        ("data_dir = 'data'", "an absolute path", "from /"),
        ("data_dir = '~/data'", "an absolute path", "from /"),
        ("[nat]\nprotocol = 'tcp'", 'one of "TCP", "UDP"', 'write "TCP"'),
        ("[nat]\nmethods = 'upnp'", "expected a list", "write it in [ ]"),
        ("[nat]\nmethods = ['upnp', 'upnp']", '"upnp" (text) is there twice', "remove one"),
        ("[nat]\nmethods = ['natpmp']", 'found "natpmp"', 'write "nat-pmp"'),
        ("[nat]\nprivate = 4242", "expected true or false", ""),
        ("[discovery]\nmulticast_address = '10.0.0.1'", "a multicast IP address", "239.255.42.42"),
        ("[dns]\nseeds = ['a..b']", "a DNS name", "correct or remove this entry"),
        ("[dns]\nseeds = ['192.168.1.300']", "a DNS name", ""),
        ("[dns]\nseeds = [1]", "a DNS name in quotes, found 1", ""),
        ('[node]\nregion = "a\\u001b[31m"', 'control characters, found "a?[31m"', ""),
        ("[batch]\nmax_size = 101", "from 1 to 100", ""),
        ("[batch]\nmax_size = 0", "from 1 to 100", ""),
        ("bootstrap.nodes = [{port = 1}]", "address is missing", "a host name or an IP address"),
        ("bootstrap.nodes = ['a']", "a table {address, port, is_static}", "write it in { }"),
        ("bootstrap.nodes = [{address = 'a:1'}]", "a host name", "the port has its own key"),
        ("bootstrap.nodes = [{address = 'a', port = 0}]", "from 1 to 65535", "4242"),
        ("bootstrap.nodes = [{address = 'a', is_static = 1}]", "true or false", "false"),
        ("bootstrap.nodes = [{address='a'}, {address='a', port=4242}]", "is there twice", ""),
        ("[server]\nhttp_port = 5\nws_port = 5", "both http_port and ws_port are 5", "its own"),
        (
            "[discovery]\nnode_timeout = 5000\nbroadcast_interval = 5000",
            "not longer than broadcast_interval (5000)",
            "make it longer",
        ),
    ],
)
def test_a_wrong_value_says_what_was_expected(text: str, message: str, remedy: str) -> None:
    found = problem(text)
    assert message in found.message
    assert remedy in found.remedy
    assert found.remedy
    assert found.key
    assert found.line is not None


def test_both_ports_may_be_any() -> None:
    assert parse_config("server = {http_port = 0, ws_port = 0}", "a.toml").server.ws_port == 0


def test_a_list_has_a_bound() -> None:
    names = ", ".join(f"'a{number}'" for number in range(257))
    assert "at most 256 entries, found 257" in problem(f"[dns]\nseeds = [{names}]").message


def test_all_problems_are_told_in_the_order_of_the_lines() -> None:
    found = problems(
        "network = 1\n[server]\nhttp_port = 'a'\nx = 1\n"
        "[bootstrap]\nnodes = [{address = 1}, {address = '[::1]'}]\n[batch]\ninterval = 1\n"
    )
    assert [(item.line, item.key) for item in found] == [
        (1, "network"),
        (3, "server.http_port"),
        (4, "server.x"),
        (6, "bootstrap.nodes[0].address"),
        (6, "bootstrap.nodes[1].address"),
        (8, "batch.interval"),
    ]
    assert str(found[0]).startswith("a.toml:1: network: expected 1 to 64 letters")


def test_the_number_of_problems_told_is_bounded() -> None:
    text = "".join(f"x{number} = 1\n" for number in range(200))
    assert len(problems(text)) == loading.MAX_PROBLEMS


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("a = [1,\n", 1)]
)
def test_broken_toml_names_the_line(text: str, line: int) -> None:
    found = problem(text)
    assert found.line == line
    assert "(at line" not in found.message


def test_nesting_without_end_is_an_error_like_any_other() -> None:
    assert problems("a = " + "[" * 100_000)


def test_what_is_no_text_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"network = 'a'\n# \xe4\n")
    with pytest.raises(ConfigError, match=r"a\.toml:2: not UTF-8"):
        load_config(path)


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfnetwork = 'a'\r\n")
    assert load_config(path).network.id == "a"


def test_a_file_of_another_kind_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "block"
    path.write_bytes(b"#" * (loading.MAX_FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        load_config(path)
    path.write_bytes(b"#" * loading.MAX_FILE_BYTES)
    assert load_config(path) == Config()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?i)is a directory"):
        load_config(tmp_path)


printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=64)


@given(
    region=printable,
    folder=printable,
    port=st.integers(0, 4000),
    static=st.booleans(),
    seeds=st.lists(st.from_regex(r"[a-z]{1,9}\.org", fullmatch=True), unique=True, max_size=3),
)
def test_what_is_shown_reads_back_the_same(
    region: str, folder: str, port: int, static: bool, seeds: list[str]
) -> None:
    config = Config(
        data_dir=Path("/" + folder),
        server=ServerConfig(http_port=port),
        bootstrap=BootstrapConfig(nodes=(BootstrapNode(address="a.org", is_static=static),)),
        dns=DnsConfig(seeds=tuple(seeds)),
        node=NodeConfig(region=region),
    )
    assert parse_config(to_toml(config), "a.toml") == config


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parse_config(text, "a.toml")
    except ConfigError as error:
        assert error.problems


def test_plain_data_for_json() -> None:
    config = Config(bootstrap=BootstrapConfig(nodes=(BootstrapNode(address="a"),)))
    shown = plain(config)
    assert isinstance(shown, dict)
    assert shown["data_dir"] == "/var/lib/edgenode"
    assert shown["bootstrap"]["nodes"] == [{"address": "a", "port": 4242, "is_static": False}]
    assert shown["nat"]["methods"] == ["pcp", "nat-pmp", "upnp"]


SECRET = "c4f1d2a09b8e7765" * 2
KEY = "ab" * 32


def test_both_forms_of_the_network() -> None:
    short, long = parse_config("network = 'a'", "f"), parse_config("[network]\nid = 'a'", "f")
    assert short == long == Config(network=NetworkConfig(id="a"))
    assert "f:1: network: expected" in str(problem("network = 3")).replace("a.toml", "f")
    assert problem("\nnetwork = 3").line == 2
    assert "Cannot overwrite" in str(problem("network = 'a'\n[network]\nid = 'a'"))


def test_a_closed_network() -> None:
    text = f"""
        [network]
        secret = "{SECRET}"
        members = ["{KEY}", "fleet"]
        [fleet]
        operators = ["{KEY}"]
        """
    config = parse_config(text, "f")
    assert config.network == NetworkConfig(secret=SECRET, members=(KEY, "fleet"))
    assert config.fleet.operators == (KEY,)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("members = ['fleet']", "network.members", "[fleet] operators is empty"),
        ("members = ['flet']", "network.members[0]", "a nodeId"),
        (f"members = ['{KEY.upper()}']", "network.members[0]", "a nodeId"),
        (f"secret = '{SECRET}'\nsecret_file = '/a'", "network.secret_file", "keep one of the two"),
        ("secret_file = 'a'", "network.secret_file", "write the whole path"),
    ],
)
def test_what_a_closed_network_cannot_be(text: str, key: str, words: str) -> None:
    found = problem(f"[network]\n{text}")
    assert found.key == key
    assert words in str(found)


@pytest.mark.parametrize("weak", ["short-secret-7", "a" * 40, "0123456 " * 8, "é1234567" * 8])
def test_a_weak_secret_is_refused_and_not_repeated(weak: str) -> None:
    found = str(problem(f"[network]\nsecret = '{weak}'"))
    assert "network.secret: expected 32 to 256 random letters" in found
    assert weak not in found


def test_a_secret_is_shown_nowhere() -> None:
    config = parse_config(f"[network]\nsecret = '{SECRET}'", "f")
    hidden = masked(config)
    for text in (repr(config), str(plain(hidden)), to_toml(hidden)):
        assert SECRET not in text
    assert hidden.network.secret == "(hidden)"
    assert masked(Config()) == Config()
    # What was shown is no setting: it would be a secret that everyone knows.
    with pytest.raises(ConfigError, match=r"network\.secret"):
        parse_config(to_toml(hidden), "f")
