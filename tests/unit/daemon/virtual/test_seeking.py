"""When known nodes are called that are not linked."""

import asyncio
from itertools import pairwise
from typing import cast

from edgenode.daemon.reach.seeking import AFRESH_S, FIRST_AGAIN_S, FULL_S, LAST_AGAIN_S, Seeking
from edgenode.link.link import Link


class Place:
    """Nodes that are known, linked, or to be met."""

    def __init__(self, known: list[str], *, max_links: int = 48) -> None:
        self.known = known
        self.linked: set[str] = {"middle"}
        self.callable = True
        self.willing: set[str] = set()
        self.calls: list[tuple[float, str]] = []
        self.seeking = Seeking(
            known=lambda: self.known,
            links=lambda name: cast("Link | None", object() if name in self.linked else None),
            count=lambda: len(self.linked),
            can_call=lambda: self.callable and bool(self.linked),
            max_links=max_links,
            meet=self.meet,
        )

    async def meet(self, name: str) -> bool:
        self.calls.append((asyncio.get_running_loop().time(), name))
        if name in self.willing:
            self.linked.add(name)
        return name in self.willing

    async def run(self, seconds: float) -> None:
        task = asyncio.create_task(self.seeking.run())
        await asyncio.sleep(seconds)
        task.cancel()


async def test_each_known_node_is_met_once() -> None:
    place = Place(["a", "b", "middle"])
    place.willing = {"a", "b"}
    await place.run(3600)
    assert [name for _, name in place.calls] == ["a", "b"]


async def test_one_that_cannot_be_met_is_called_less_and_less() -> None:
    place = Place(["a"])
    await place.run(24 * 3600)
    times = [when for when, _ in place.calls]
    gaps = [after - before for before, after in pairwise(times)]
    assert FIRST_AGAIN_S <= gaps[0] < FIRST_AGAIN_S + 10
    assert all(later >= earlier for earlier, later in pairwise(gaps))
    assert LAST_AGAIN_S <= gaps[-1] < LAST_AGAIN_S + 10


async def test_one_that_was_met_and_lost_is_called_soon() -> None:
    place = Place(["a"])
    await place.run(600)
    place.willing = {"a"}
    await place.run(3600)
    place.linked.discard("a")
    count = len(place.calls)
    await place.run(30)
    assert len(place.calls) == count + 1


async def test_one_whom_nobody_could_call_is_called_as_soon_as_somebody_can() -> None:
    place = Place(["a"])
    place.callable = False
    await place.run(24 * 3600)
    assert place.calls == []
    place.callable = True
    await place.run(10)
    assert len(place.calls) == 1


async def test_by_way_of_a_new_peer_all_are_called_anew_but_not_all_the_time() -> None:
    place = Place(["a"])
    await place.run(24 * 3600)
    place.calls.clear()
    place.seeking.on_linked()
    await place.run(30)
    assert len(place.calls) == 1
    for _ in range(10):
        place.seeking.on_linked()
        await place.run(6)
    assert len(place.calls) <= 2  # as in the first minute
    place.calls.clear()
    await place.run(AFRESH_S)
    assert [when for when, _ in place.calls][-1] - place.calls[0][0] <= AFRESH_S
    assert place.calls


async def test_a_node_without_links_calls_nobody() -> None:
    place = Place(["a"])
    place.linked.clear()
    await place.run(600)
    assert place.calls == []


async def test_a_full_mesh_is_enough_and_a_weak_machine_has_a_smaller_one() -> None:
    for max_links, enough in ((48, 31), (12, 8)):
        names = [f"n{number}" for number in range(60)]
        place = Place(names, max_links=max_links)
        place.willing = set(names)
        await place.run(60)
        assert len(place.linked) == enough


async def test_of_a_crowd_that_is_gone_a_few_are_called_at_a_time_and_the_new_one_first() -> None:
    place = Place([f"gone{number}" for number in range(100)])
    await place.run(11)
    assert [name for _, name in place.calls] == [f"gone{number}" for number in range(12)]
    place.known = ["new", *place.known]
    place.willing = {"new"}
    await place.run(6)
    assert place.calls[12][1] == "new"
    assert "new" in place.linked


async def test_in_a_network_without_room_fewer_are_sought_and_nobody_is_called_again_soon() -> None:
    names = [f"n{number}" for number in range(60)]
    place = Place(names)
    place.willing = set(names)
    await place.run(60)
    place.calls.clear()
    for name in sorted(place.linked - {"middle"})[:20]:
        place.linked.discard(name)
        place.seeking.on_lost(name, "busy")
    await place.run(FULL_S / 2)
    assert len(place.linked) == 16
    assert len(place.calls) == 5  # from 11 to 16


async def test_one_that_has_no_room_is_called_once_an_hour() -> None:
    place = Place(["a"])
    place.willing = {"a"}
    for _ in range(3600):
        await place.run(6)
        if "a" in place.linked:
            place.linked.discard("a")
            place.seeking.on_lost("a", "busy")
    gaps = [after[0] - before[0] for before, after in pairwise(place.calls)]
    assert len(gaps) > 4
    assert min(gaps) >= LAST_AGAIN_S


async def test_after_an_hour_it_is_tried_whether_there_is_room() -> None:
    names = [f"n{number}" for number in range(40)]
    place = Place(names)
    place.willing = set(names)
    place.seeking.on_lost("n0", "busy")
    await place.run(FULL_S - 60)
    assert len(place.linked) == 16
    await place.run(120)
    assert len(place.linked) == 31
