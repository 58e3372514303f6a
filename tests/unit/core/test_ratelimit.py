from edgenode.core import ratelimit
from edgenode.core.ip import parse_ip
from edgenode.core.ratelimit import (
    LITTLE,
    MAX_SOURCES,
    NODE,
    NODE_HARD,
    PREFIX_24,
    PREFIX_48,
    RateLimit,
)

WINDOW_MS = 60_000
LIMIT = 16


def ip(text: str) -> bytes:
    packed = parse_ip(text)
    assert packed is not None
    return packed


def make(limit: int = LIMIT, threshold: int = 3) -> RateLimit:
    return RateLimit(window_ms=WINDOW_MS, max_requests=limit, threshold=threshold, now_ms=0)


ADDRESS = ip("203.0.113.7")


def fill(rate: RateLimit, address: bytes, now_ms: int, cost: float = 1) -> int:
    """Ask until it is refused; return how often it was not."""
    taken = 0
    while rate.charge(address, cost, now_ms) is None:
        taken += 1
        assert taken <= 100_000
    return taken


def test_an_address_has_its_limit_in_a_window_and_is_told_when_it_ends() -> None:
    rate = make()
    for second in range(LIMIT):
        assert rate.charge(ADDRESS, 1, 1000 * second) is None
    refusal = rate.charge(ADDRESS, 1, 50_000)
    assert refusal is not None
    assert (refusal.policy, refusal.limit) == ("address", LIMIT)
    assert (refusal.window_ms, refusal.wait_ms) == (WINDOW_MS, 10_000)
    assert rate.charge(ADDRESS, 1, 59_999) is not None
    assert rate.charge(ADDRESS, 1, 60_000) is None


def test_cost_counts_and_not_how_often() -> None:
    assert fill(make(), ADDRESS, 0, cost=4) == LIMIT // 4


def test_what_was_refused_costs_nothing() -> None:
    rate = make()
    assert rate.charge(ADDRESS, LIMIT - 1, 0) is None
    assert rate.charge(ADDRESS, 2, 0) is not None
    assert rate.charge(ADDRESS, 1, 0) is None


def test_a_cost_above_the_limit_is_taken_by_whoever_has_asked_for_nothing() -> None:
    rate = make(limit=1)
    assert rate.charge(ADDRESS, 3, 0) is None
    assert rate.charge(ADDRESS, 1, 0) is not None


def test_what_is_owed_is_waited_for() -> None:
    rate = make()
    assert rate.charge(ADDRESS, 1, 0) is None
    rate.owe(ADDRESS, 3 * LIMIT - 1, 0)
    refusal = rate.charge(ADDRESS, 1, 0)
    assert refusal is not None
    assert refusal.wait_ms == 3 * WINDOW_MS
    assert rate.charge(ADDRESS, 1, 2 * WINDOW_MS) is not None
    assert rate.charge(ADDRESS, 1, 3 * WINDOW_MS) is None


def test_other_addresses_have_their_own() -> None:
    rate = make()
    fill(rate, ADDRESS, 0)
    assert rate.charge(ip("198.51.100.1"), 1, 0) is None


def test_a_mapped_address_is_the_ipv4_one() -> None:
    rate = make()
    fill(rate, ADDRESS, 0)
    assert rate.charge(ip("::ffff:203.0.113.7"), 1, 0) is not None


def test_a_24_has_twice_as_much_however_many_addresses_come() -> None:
    rate = make()
    taken = sum([fill(rate, ip(f"203.0.113.{last}"), 0) for last in range(1, 20)])
    assert taken == PREFIX_24 * LIMIT
    refusal = rate.charge(ip("203.0.113.99"), 1, 0)
    assert refusal is not None
    assert refusal.policy == "prefix"


def test_a_64_is_one_address_and_a_48_has_four_times_as_much() -> None:
    rate = make()
    assert fill(rate, ip("2001:db8::1"), 0) == LIMIT
    assert fill(rate, ip("2001:db8::2"), 0) == 0
    more = sum([fill(rate, ip(f"2001:db8:0:{net}::1"), 0) for net in range(1, 20)])
    assert more == (PREFIX_48 - 1) * LIMIT


def test_near_addresses_have_no_prefix() -> None:
    rate = make()
    for last in range(1, 20):
        for _ in range(LIMIT):
            assert rate.charge(ip(f"192.168.1.{last}"), 1, 0, near=True) is None
        assert rate.charge(ip(f"192.168.1.{last}"), 1, 0, near=True) is not None


def test_a_peer_has_a_limit_of_its_own() -> None:
    rate = make()
    fill(rate, ADDRESS, 0)
    for _ in range(LIMIT):
        assert rate.charge(ADDRESS, 1, 0, peer=b"p" * 32) is None
    refusal = rate.charge(ADDRESS, 1, 0, peer=b"p" * 32)
    assert refusal is not None
    assert refusal.policy == "peer"


def test_many_keys_at_one_address_buy_no_room() -> None:
    rate = make()
    taken = 0
    for number in range(20):
        while rate.charge(ADDRESS, 1, 0, peer=bytes([number]) * 32) is None:
            taken += 1
    assert taken == ratelimit.PEERS_OF_ADDRESS * LIMIT


def test_the_node_as_a_whole_has_a_limit_that_leaves_a_little_to_others() -> None:
    rate = make()
    taken = 0
    for net in range(NODE):
        taken += fill(rate, ip(f"198.18.{net}.1"), 0)
    assert taken == NODE * LIMIT
    quiet = ip("203.0.113.7")
    for _ in range(LIMIT // LITTLE):
        assert rate.charge(quiet, 1, 0) is None
    refusal = rate.charge(quiet, 1, 0)
    assert refusal is not None
    assert refusal.policy == "node"
    assert rate.charge(quiet, 1, WINDOW_MS) is None


def test_beyond_twice_its_limit_the_node_refuses_all() -> None:
    rate = make()
    taken = 0
    for net in range(NODE + (NODE_HARD - NODE) * LITTLE + 1):
        taken += fill(rate, bytes([11, net >> 8, net & 255, 1]), 0)
    assert taken == NODE_HARD * LIMIT
    assert rate.charge(ADDRESS, 1, 0) is not None


def over(rate: RateLimit, now_ms: int) -> bool:
    """Go over the limit in a window; tell whether that was once too often."""
    fill(rate, ADDRESS, now_ms)
    shut_out = False
    for _ in range(LIMIT + 1):
        refusal = rate.charge(ADDRESS, 1, now_ms + 1)
        assert refusal is not None
        shut_out = shut_out or refusal.shut_out
    return shut_out


def test_too_many_windows_over_the_limit_shut_out_once_each() -> None:
    rate = make()
    fill(rate, ADDRESS, 0)  # its last request is over
    assert not over(rate, WINDOW_MS)
    refusals = [rate.charge(ADDRESS, 1, 2 * WINDOW_MS) for _ in range(LIMIT + 5)]
    assert [refusal.shut_out for refusal in refusals if refusal is not None] == [
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_threshold_of_one_shuts_out_at_the_first() -> None:
    rate = make(threshold=1)
    for _ in range(LIMIT):
        assert rate.charge(ADDRESS, 1, 0) is None
    refusal = rate.charge(ADDRESS, 1, 0)
    assert refusal is not None
    assert refusal.shut_out


def test_a_window_within_the_limit_takes_one_away() -> None:
    rate = make()
    now_ms = 0
    for _ in range(6):
        while (refusal := rate.charge(ADDRESS, 1, now_ms)) is None:
            pass
        assert not refusal.shut_out
        now_ms += WINDOW_MS
        assert rate.charge(ADDRESS, 1, now_ms) is None
        now_ms += WINDOW_MS


def test_a_crowd_makes_nobody_forgiven_and_takes_no_more_room() -> None:
    rate = make(limit=10**6)
    rate.owe(ADDRESS, 2 * 10**6, 0)
    for number in range(2 * MAX_SOURCES):
        crowd = bytes([11, number >> 8 & 255, number & 255, 1])
        assert rate.charge(crowd, 1, 0) is None
        assert len(rate) <= MAX_SOURCES
    assert rate.charge(ADDRESS, 1, 0) is not None


def test_who_waits_for_what_a_large_answer_cost_is_not_shut_out() -> None:
    rate = make()
    assert rate.charge(ADDRESS, 1, 0) is None
    rate.owe(ADDRESS, 20 * LIMIT, 0)  # a large block, and other programs at the same address
    refusals = [rate.charge(ADDRESS, 1, quarter * WINDOW_MS // 4) for quarter in range(60)]
    assert all(refusal is not None and not refusal.shut_out for refusal in refusals)
    now_ms = 15 * WINDOW_MS
    assert not over(rate, now_ms)
    assert not over(rate, now_ms + WINDOW_MS)
    assert over(rate, now_ms + 2 * WINDOW_MS)  # but who does not wait at all is


def test_neighbours_go_on_however_much_strangers_ask_for() -> None:
    rate = make()
    for net in range(NODE + (NODE_HARD - NODE) * LITTLE + 1):
        fill(rate, bytes([11, net >> 8, net & 255, 1]), 0)
    assert rate.charge(ADDRESS, 1, 0) is not None
    for _ in range(LIMIT):
        assert rate.charge(ip("127.0.0.1"), 1, 0, near=True) is None
    refusal = rate.charge(ip("127.0.0.1"), 1, 0, near=True)
    assert refusal is not None
    assert refusal.policy == "address"
