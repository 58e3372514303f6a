from edgenode.core.blacklist import (
    DAY_MS,
    MAX_BY_OPERATOR,
    MAX_ENTRIES,
    NEAR_MS,
    NODE,
    OPERATOR,
    REMEMBERED_MS,
    Blacklist,
    parse_entry,
)
from edgenode.core.errors import BlacklistFull
from edgenode.core.ip import parse_ip

HOUR_MS = 3_600_000


def ip(text: str) -> bytes:
    packed = parse_ip(text)
    assert packed is not None
    return packed


ADDRESS = ip("203.0.113.7")


def test_an_address_is_shut_out_for_its_time() -> None:
    blacklist = Blacklist(HOUR_MS)
    entry = blacklist.punish(ADDRESS, "malformed", 1000)
    assert (entry.address, entry.reason, entry.by) == ("203.0.113.7", "malformed", NODE)
    assert blacklist.find(ADDRESS, 1000) is entry
    assert blacklist.find(ip("::ffff:203.0.113.7"), 1000 + HOUR_MS - 1) is entry
    assert blacklist.find(ip("203.0.113.8"), 1000) is None
    assert blacklist.find(ADDRESS, 1000 + HOUR_MS) is None
    assert blacklist.entries(1000 + HOUR_MS) == []


def test_of_ipv6_the_64_is() -> None:
    blacklist = Blacklist(HOUR_MS)
    assert blacklist.punish(ip("2001:db8::1"), "x", 0).address == "2001:db8::/64"
    assert blacklist.find(ip("2001:db8::2"), 0) is not None
    assert blacklist.find(ip("2001:db8:0:1::1"), 0) is None


def test_each_time_is_twice_as_long_up_to_a_day() -> None:
    blacklist = Blacklist(HOUR_MS)
    now_ms = 0
    hours = []
    for _ in range(8):
        until_ms = blacklist.punish(ADDRESS, "x", now_ms).until_ms
        assert until_ms is not None
        hours.append((until_ms - now_ms) // HOUR_MS)
        now_ms = until_ms + REMEMBERED_MS - 1
    assert hours == [1, 2, 4, 8, 16, 24, 24, 24]


def test_after_a_day_without_it_begins_anew() -> None:
    blacklist = Blacklist(HOUR_MS)
    blacklist.punish(ADDRESS, "x", 0)
    entry = blacklist.punish(ADDRESS, "x", HOUR_MS + REMEMBERED_MS)
    assert entry.until_ms == HOUR_MS + REMEMBERED_MS + HOUR_MS


def test_a_longer_duration_than_a_day_is_kept() -> None:
    blacklist = Blacklist(3 * DAY_MS)
    assert blacklist.punish(ADDRESS, "x", 0).until_ms == 3 * DAY_MS
    assert blacklist.punish(ADDRESS, "x", 3 * DAY_MS).until_ms == 6 * DAY_MS


def test_many_connections_at_once_are_one_time() -> None:
    blacklist = Blacklist(HOUR_MS)
    first = blacklist.punish(ADDRESS, "x", 0)
    for now_ms in range(10):
        assert blacklist.punish(ADDRESS, "y", now_ms) is first
    assert blacklist.punish(ADDRESS, "x", HOUR_MS).until_ms == 3 * HOUR_MS


def test_a_near_address_stands_for_itself_and_for_a_minute() -> None:
    blacklist = Blacklist(HOUR_MS)
    one, two = ip("2001:db8::1"), ip("2001:db8::2")
    for _ in range(3):
        entry = blacklist.punish(one, "x", 0, near=True)
        assert (entry.address, entry.until_ms) == ("2001:db8::1", NEAR_MS)
    assert blacklist.find(one, 0) is not None
    assert blacklist.find(two, 0) is None


def test_the_operator_has_the_last_word() -> None:
    blacklist = Blacklist(HOUR_MS)
    entry = blacklist.add(ADDRESS, 0, None)
    assert (entry.by, entry.until_ms) == (OPERATOR, None)
    assert blacklist.punish(ADDRESS, "x", 1) is entry
    assert blacklist.find(ADDRESS, 10**15) is entry
    assert blacklist.remove(ADDRESS) == [entry]
    assert blacklist.find(ADDRESS, 0) is None
    assert blacklist.remove(ADDRESS) == []
    assert blacklist.punish(ADDRESS, "x", 0).until_ms == HOUR_MS


def test_removing_an_address_removes_its_64() -> None:
    blacklist = Blacklist(HOUR_MS)
    blacklist.punish(ip("2001:db8::1"), "x", 0)
    assert len(blacklist.remove(ip("2001:db8::9"))) == 1
    assert blacklist.find(ip("2001:db8::1"), 0) is None


def test_it_is_bounded_and_those_that_end_first_go() -> None:
    blacklist = Blacklist(HOUR_MS)
    mine = blacklist.add(ADDRESS, 0, 1000)
    for number in range(2 * MAX_ENTRIES):
        blacklist.punish(bytes([11, number >> 8, number & 255, 1]), "x", number)
        assert len(blacklist) <= MAX_ENTRIES
    now_ms = 2 * MAX_ENTRIES
    assert blacklist.find(bytes([11, 0, 0, 1]), now_ms) is None
    last = now_ms - 1
    assert blacklist.find(bytes([11, last >> 8, last & 255, 1]), now_ms) is not None
    assert mine.until_ms == 1000  # ended, so it went first
    assert blacklist.find(ADDRESS, 999) is None


def test_the_operators_own_are_bounded_and_never_make_room() -> None:
    blacklist = Blacklist(HOUR_MS)
    for number in range(MAX_BY_OPERATOR):
        blacklist.add(bytes([12, number >> 8, number & 255, 1]), 0, 10 if number else None)
    try:
        blacklist.add(ADDRESS, 0, None)
    except BlacklistFull:
        pass
    else:
        raise AssertionError("taken")
    blacklist.add(bytes([12, 0, 0, 1]), 0, 20)  # known already
    for number in range(2 * MAX_ENTRIES):
        blacklist.punish(bytes([11, number >> 8, number & 255, 1]), "x", 1)
    assert sum([entry.by == OPERATOR for entry in blacklist.entries(1)]) == MAX_BY_OPERATOR
    blacklist.add(ADDRESS, 30, None)  # the others have ended


def test_what_a_person_names() -> None:
    assert parse_entry("203.0.113.7") == ADDRESS
    assert parse_entry("203.0.113.7/32") == ADDRESS
    assert parse_entry("::ffff:203.0.113.7") == ADDRESS
    assert parse_entry("2001:db8::/64") == ip("2001:db8::")
    for text in ("", "x", "203.0.113.0/24", "2001:db8::/48", "2001:db8::/", "203.0.113.7/64"):
        assert parse_entry(text) is None
