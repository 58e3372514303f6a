"""The address table: who stands where, who is chosen, who has to go."""

from hashlib import sha256

from edgenode.core.address import (
    FAILING_S,
    MAX_FAILURES,
    NEW_BUCKET_SIZE,
    STALE_S,
    TRIED_BUCKET_SIZE,
    Address,
    address_key,
    key_network,
    new_bucket,
    tried_bucket,
)
from edgenode.core.addressbook import (
    FRESH_S,
    LOCAL_SOURCE,
    MAX_LINKED_OF_SOURCE,
    MAX_TRIED_OF_SOURCE,
    AddressBook,
)
from edgenode.core.dialback import network_of

NODE = bytes(range(32))
OTHER = bytes(32)
NOW = 10_000_000
TELLER = "9.9.0.1"


def keyed(data: bytes) -> bytes:
    return sha256(b"a secret" + data).digest()


class Numbers:
    """Random numbers that are the same each time."""

    def __init__(self) -> None:
        self.state = 1

    def below(self, bound: int) -> int:
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return (self.state >> 8) % bound


def book() -> AddressBook:
    return AddressBook(keyed, Numbers().below)


def host(number: int) -> str:
    """Give an address in a network of its own."""
    return f"{20 + number // 250}.{number % 250}.7.7"


def found(book: AddressBook, where: str, port: int = 4242) -> Address:
    entry = book.find(where, port)
    assert entry is not None
    return entry


def crowded(book: AddressBook, now_s: int) -> "tuple[str, str]":
    """Fill a bucket of the proved; give the one proved first, and one for whom there is no place.

    The others were proved a second later.
    """
    buckets: dict[int, list[str]] = {}
    number = 0
    while True:
        where = host(number)
        key = address_key(where, 4242)
        assert key is not None
        there = buckets.setdefault(tried_bucket(keyed, key), [])
        if len(there) == TRIED_BUCKET_SIZE:
            for index, one in enumerate(there):
                book.good(one, 4242, NODE, now_s + min(index, 1))
            return there[0], where
        there.append(where)
        number += 1


def test_only_global_addresses_are_taken() -> None:
    table = book()
    for wrong in (
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "host.example",
        "",
        "8.8.8.8%eth0",
    ):
        assert not table.add(wrong, 4242, TELLER, NOW)
        table.good(wrong, 4242, NODE, NOW)
        table.attempt(wrong, 4242, NOW)
        table.bad(wrong, 4242, NOW)
    for port in (0, -1, 65536):
        assert not table.add("8.8.8.8", port, TELLER, NOW)
    assert len(table) == table.changes == 0
    assert table.add("8.8.8.8", 65535, TELLER, NOW)
    assert table.add("2600::1", 1, TELLER, NOW)
    assert not table.add("::ffff:8.8.8.8", 65535, TELLER, NOW)
    assert len(table) == 2


def test_what_is_told_is_found() -> None:
    table = book()
    assert table.add("8.8.8.8", 4242, TELLER, NOW, NODE)
    entry = found(table, "8.8.8.8")
    assert (entry.host, entry.port, entry.node_id) == ("8.8.8.8", 4242, NODE)
    assert (entry.source, entry.heard_s, entry.tried) == (b"\x09\x09", NOW, False)
    assert table.find("8.8.8.8", 4243) is None
    assert table.add("8.8.8.8", 4243, "192.168.1.7", NOW)
    assert found(table, "8.8.8.8", 4243).source == LOCAL_SOURCE
    assert not table.add("8.8.8.8", 4242, TELLER, NOW + 9)
    assert entry.heard_s == NOW + 9


def test_an_address_where_a_node_was_reached_is_tried() -> None:
    table = book()
    table.add("8.8.8.8", 4242, TELLER, NOW, OTHER)
    table.good("8.8.8.8", 4242, NODE, NOW + 5)
    entry = found(table, "8.8.8.8")
    assert (entry.tried, entry.node_id, entry.success_s) == (True, NODE, NOW + 5)
    assert (table.tried, len(table)) == (1, 1)
    # Nobody else says who is there.
    table.add("8.8.8.8", 4242, TELLER, NOW + 6, OTHER)
    assert entry.node_id == NODE
    table.good("9.8.7.6", 1, NODE, NOW)
    assert (table.tried, len(table)) == (2, 2)


def test_one_who_tells_much_has_few_places() -> None:
    table = book()
    for number in range(3000):
        table.add(host(number), 4242, f"9.9.{number % 200}.1", NOW)
    buckets = {entry.slot // NEW_BUCKET_SIZE for entry in table}
    assert buckets == {new_bucket(keyed, entry.key, entry.source) for entry in table}
    assert len(buckets) <= 4
    assert len(table) <= 4 * NEW_BUCKET_SIZE
    assert table.add(host(3001), 4242, "9.8.0.1", NOW) or table.add(host(3002), 1, "9.8.0.1", NOW)


def test_what_one_source_told_is_a_twentieth_of_the_proved() -> None:
    table = book()
    for number in range(3000):
        table.add(host(number), 4242, TELLER, NOW)
        if table.find(host(number), 4242):
            table.good(host(number), 4242, NODE, NOW)
    assert table.tried == MAX_TRIED_OF_SOURCE


def test_a_told_address_stays_until_it_is_terrible() -> None:
    table = book()
    table.add("8.8.8.8", 4242, TELLER, NOW)
    bucket = found(table, "8.8.8.8").slot // NEW_BUCKET_SIZE
    rivals = []
    for number in range(3000):
        key = address_key(host(number), 4242)
        assert key is not None
        if new_bucket(keyed, key, b"\x09\x09") == bucket:
            rivals.append(host(number))
    taken = [table.add(rival, 4242, TELLER, NOW + 1) for rival in rivals]
    assert taken == [True] * (NEW_BUCKET_SIZE - 1) + [False] * (len(rivals) - NEW_BUCKET_SIZE + 1)
    assert table.find("8.8.8.8", 4242) is not None
    assert table.add(rivals[-1], 4242, TELLER, NOW + STALE_S + 1)
    assert table.find("8.8.8.8", 4242) is None
    assert not table.add(rivals[-2], 4242, TELLER, NOW + STALE_S + 1)


def test_failures_count_only_while_others_are_reached() -> None:
    table = book()
    table.add("8.8.8.8", 4242, TELLER, NOW)
    for second in range(20):
        table.bad("8.8.8.8", 4242, NOW + second)
    assert found(table, "8.8.8.8").failures == 0
    for second in (30, 40, 50):
        table.good("9.8.7.6", 4242, NODE, NOW + second)
        table.bad("8.8.8.8", 4242, NOW + second + 1)
        table.bad("8.8.8.8", 4242, NOW + second + 2)
    assert found(table, "8.8.8.8").failures == 3
    table.expire(NOW + 60)
    assert table.find("8.8.8.8", 4242) is None
    assert table.find("9.8.7.6", 4242) is not None


def test_one_that_once_answered_is_given_a_week() -> None:
    table = book()
    table.good("8.8.8.8", 4242, NODE, NOW)
    for number in range(MAX_FAILURES):
        table.good("9.8.7.6", 4242, NODE, NOW + 10 * number + 1)
        table.bad("8.8.8.8", 4242, NOW + 10 * number + 2)
    table.expire(NOW + 1000)
    assert table.find("8.8.8.8", 4242) is not None
    table.expire(NOW + FAILING_S + 1000)
    assert table.find("8.8.8.8", 4242) is None
    assert table.find("9.8.7.6", 4242) is not None
    table.expire(NOW + STALE_S + 1000)
    assert len(table) == table.tried == 0


def test_a_living_address_keeps_its_place() -> None:
    table = book()
    first, second = crowded(table, NOW)
    table.good(second, 4242, OTHER, NOW + 1)  # the first one answered lately
    assert not found(table, second).tried
    assert table.feeler(NOW + 100) is None  # nothing that was not reached
    later = NOW + FRESH_S + 100
    table.good(second, 4242, OTHER, later)
    assert not found(table, second).tried
    tested = table.feeler(later + 1)
    assert tested is not None
    assert tested.host == first
    table.good(first, 4242, NODE, later + 2)
    assert found(table, first).tried
    assert not found(table, second).tried
    assert table.feeler(later + 1000) is None


def test_a_dead_address_gives_up_its_place_once_it_was_tried() -> None:
    table = book()
    first, second = crowded(table, NOW)
    later = NOW + FRESH_S + 100
    table.good(second, 4242, OTHER, later)
    assert found(table, first).tried
    table.attempt(first, 4242, later + 1)
    assert table.feeler(later + 2) is None  # is being dialled
    table.bad(first, 4242, later + 3)
    assert found(table, second).tried
    assert not found(table, first).tried
    assert table.tried == TRIED_BUCKET_SIZE


def test_a_node_is_believed_of_its_own_address() -> None:
    table = book()
    for number in range(10):
        table.add(host(number), 4242, TELLER, NOW)
        table.add(host(number), 4242, host(number), NOW)
        for other in range(20):
            table.add(host(number), 4242, f"9.{other}.0.1", NOW)
        assert found(table, host(number)).source == network_of(host(number))


def test_who_tells_first_does_not_decide_for_ever() -> None:
    table = book()
    table.add("8.8.8.8", 4242, TELLER, NOW)
    entry = found(table, "8.8.8.8")
    for _ in range(20):
        table.add("8.8.8.8", 4242, "9.8.0.1", NOW)
    assert entry.source == b"\x09\x08"
    assert entry.slot // NEW_BUCKET_SIZE == new_bucket(keyed, entry.key, entry.source)
    table.expire(NOW + 2 * STALE_S)
    assert len(table) == 0


def test_choosing() -> None:
    table = book()
    assert table.choose(NOW) is None
    table.add("8.8.8.8", 4242, TELLER, NOW)
    table.good("9.8.7.6", 4242, NODE, NOW - 1000)
    chosen = [table.choose(NOW) for _ in range(200)]
    told = [entry for entry in chosen if entry is not None and entry.host == "8.8.8.8"]
    assert None not in chosen
    assert 50 < len(told) < 150
    network = network_of("8.8.8.8")
    assert network is not None
    assert {entry.host for entry in (table.choose(NOW, {network}) for _ in range(9)) if entry} == {
        "9.8.7.6"
    }
    assert table.choose(NOW, {network, b"\x09\x08"}) is None
    table.attempt("9.8.7.6", 4242, NOW)
    assert table.choose(NOW + 59, {network}) is None
    assert table.choose(NOW + 59, {network}, 59) is not None
    assert table.choose(NOW + 60, {network}) is not None


def test_one_that_was_dialled_lately_or_failed_is_chosen_less() -> None:
    table = book()
    key = address_key("8.8.8.8", 1)
    assert key is not None
    table.add("8.8.8.8", 1, TELLER, NOW)
    entry = found(table, "8.8.8.8", 1)
    assert entry.chance(NOW) == 1000
    entry.failures = 2
    assert entry.chance(NOW) == 444
    entry.attempt_s = NOW - 10
    assert 0 < entry.chance(NOW) < 10
    entry.failures = 10**9
    assert entry.chance(NOW) == 1


def test_a_full_bucket_weighs_no_more_than_another() -> None:
    table = book()
    for number in range(3000):
        table.add(host(number), 4242, TELLER, NOW)
    full = len(table)
    buckets = len({entry.slot // NEW_BUCKET_SIZE for entry in table})
    table.add("8.8.8.8", 4242, "8.8.0.1", NOW)
    assert len({entry.slot // NEW_BUCKET_SIZE for entry in table}) == buckets + 1
    chosen = [table.choose(NOW) for _ in range(300)]
    lonely = [entry for entry in chosen if entry is not None and entry.host == "8.8.8.8"]
    assert full > 30
    assert len(lonely) > 300 // (buckets + 1) // 2


def test_entries_are_put_back_into_their_buckets() -> None:
    table = book()
    for number in range(60):
        table.add(host(number), 4242, f"9.{number % 7}.0.1", NOW)
        if number % 3 == 0:
            table.good(host(number), 4242, NODE, NOW)
    again = book()
    for entry in table:
        copy = Address(entry.key, entry.node_id, entry.source, entry.heard_s)
        copy.success_s = entry.success_s
        assert again.restore(copy, tried=entry.tried, now_s=NOW)
        assert not again.restore(copy, tried=entry.tried, now_s=NOW)
    places = sorted((entry.key, entry.tried) for entry in table)
    assert sorted((entry.key, entry.tried) for entry in again) == places
    assert again.tried == table.tried


def test_proved_ones_for_whom_there_is_no_place_are_told_ones() -> None:
    table = book()
    _, last = crowded(table, NOW)
    key = address_key(last, 4242)
    assert key is not None
    assert table.restore(Address(key, NODE, b"\x09\x09", NOW), tried=True, now_s=NOW)
    assert table.tried == TRIED_BUCKET_SIZE
    assert not found(table, last).tried


def test_few_of_those_that_one_network_told_are_linked_while_there_are_others() -> None:
    table = book()
    for number in range(10):
        table.good(host(number), 4242, NODE, NOW)
        found(table, host(number)).source = b"\x09\x09"
        table.good(host(100 + number), 4242, NODE, NOW)
    networks: set[bytes] = set()
    chosen = []
    for second in range(20):
        entry = table.choose(NOW + 100 + second, networks)
        assert entry is not None
        table.good(entry.host, entry.port, NODE, NOW + 100 + second)
        networks.add(key_network(entry.key))
        chosen.append(entry.source == b"\x09\x09")
    assert sum(chosen[:12]) == MAX_LINKED_OF_SOURCE
    assert sum(chosen) == 10
