"""Coming to a link with a node that is not linked, by way of common peers.

The caller asks those in the middle to pass on its call. Whoever of the two can be reached is
dialled by the other; where neither can, both punch. The link comes about like any other; the
caller is its initiator if it was punched.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import getrandbits

from edgenode.core.bucket import Bucket
from edgenode.core.ip import is_global
from edgenode.core.meetevents import CALL, CONNECT, DIAL, LACK, MAX_WAITED_MS, SYNC, Meet
from edgenode.daemon.clock import loop_ms
from edgenode.link.link import Link
from edgenode.reach.punch import Hole, open_hole, punch

# Peers that are asked to pass on a call; one that is linked with both is enough.
MAX_MIDDLES = 4
# A meeting in all: whoever waits for a block takes it through another peer after this.
MEET_S = 2.0
# Meetings under way, those called for and those answered.
MAX_CALLS = 8
MAX_ANSWERS = 8
# Calls that are answered: each makes this node connect to an address it was told of. A node has
# 48 links at most, and needs few of them again within a minute.
ANSWERS_BURST = 30
ANSWERS_PER_S = 1
# Of these by way of one peer, which may make up the callers: others keep a third of the burst, half
# of the rate, and two places.
MIDDLE_BURST = 20
MIDDLE_EVERY_S = 2
MIDDLE_ANSWERS = 6

log = logging.getLogger(__name__)


class Meeting:
    """Calls other nodes to a meeting, and answers their calls."""

    def __init__(
        self,
        *,
        links: Callable[[str], Link | None],
        middles: Callable[[], Sequence[Link]],
        post: Callable[[Link, Meet], None],
        observer: Callable[[Link], tuple[str, int] | None],
        open_port: Callable[[str], int],
        dial: Callable[[str, int, str], Awaitable[bool]],
        link_over: Callable[[socket.socket, str, int, str], Awaitable[bool]],
        accept: Callable[[socket.socket], Awaitable[None]],
    ) -> None:
        """Take what a meeting needs of the node.

        `middles()` are links over which a call may go, the best first; `observer(link)` is the peer
        port, (IP literal, port), of a node that is asked how a port of ours looks to the peer of a
        link; `open_port(address)` is the port at which this node is known to be reachable by the
        family of `address`, 0 if it is not. `dial(address, port, node_id)` and `link_over(socket,
        address, port, node_id)` link with a node and with no other, and tell whether they did;
        `accept(socket)` hands a connection to the listener.
        """
        self._links = links
        self._middles = middles
        self._post = post
        self._observer = observer
        self._open_port = open_port
        self._dial = dial
        self._link_over = link_over
        self._accept = accept
        self._calls: dict[int, _Call] = {}
        self._answers: dict[tuple[str, int], _Answer] = {}
        self._dialling: set[tuple[str, int, str]] = set()
        self._bucket: Bucket | None = None
        self._buckets: dict[str, Bucket] = {}  # by the one in the middle
        self._stopped = False

    async def meet(self, node_id: str) -> bool:
        """Return whether there is a link with `node_id`, after at most `MEET_S`."""
        if self._links(node_id) is not None:
            return True
        for call in self._calls.values():
            if call.node_id == node_id:
                await asyncio.wait([call.over], timeout=MEET_S)
                return self._links(node_id) is not None
        if self._stopped or len(self._calls) >= MAX_CALLS:
            return False
        call = _Call(node_id, getrandbits(32))
        self._calls[call.meet_id] = call
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(MEET_S):
                    await self._call(call)
        finally:
            del self._calls[call.meet_id]
            call.end()
        return self._links(node_id) is not None

    def on_step(self, link: Link, step: Meet) -> None:
        """Take a step that the peer of `link`, in the middle, has passed on."""
        if self._stopped:
            return
        call = self._calls.get(step.meet_id)
        if step.op in (LACK, DIAL, CONNECT):
            if call is not None and call.node_id == step.node and link.node_id in call.asked:
                call.steps.put_nowait((link, step))
                call.asked.discard(link.node_id)
        elif not is_global(step.address):
            log.debug("a meeting at %s: not an address of the internet", step.address)
        elif step.op == CALL:
            self._on_call(link, step)
        else:
            answer = self._answers.get((step.node, step.meet_id))
            if answer is not None and answer.middle is link and not answer.sync.done():
                answer.sync.set_result(step)

    def on_linked(self, node_id: str) -> None:
        """There is a link with `node_id`: a meeting with it that is under way is over."""
        for call in self._calls.values():
            if call.node_id == node_id:
                call.end()
        for (caller, _), answer in self._answers.items():
            if caller == node_id and answer.task is not None:
                answer.task.cancel()

    def on_lost(self, node_id: str) -> None:
        """The link with `node_id` ended."""
        self._buckets.pop(node_id, None)

    async def stop(self) -> None:
        """End what is under way, and begin nothing any more."""
        self._stopped = True
        tasks = [answer.task for answer in self._answers.values() if answer.task is not None]
        for call in self._calls.values():
            call.end()
            tasks += call.ways
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _call(self, call: "_Call") -> None:
        """Call by way of several peers, and go every way that is answered.

        One in the middle who tells untruths, or is slow, must not keep us from the others.
        """
        for middle in self._middles():
            if len(call.asked) < MAX_MIDDLES and middle.node_id != call.node_id:
                call.asked.add(middle.node_id)
                port = self._open_port(middle.remote_address)
                self._post(middle, Meet(CALL, call.node_id, call.meet_id, port=port))
        waiting = len(call.asked)
        began_ms = loop_ms()
        async with asyncio.TaskGroup() as ways:
            while waiting and (answered := await call.steps.get()) is not None:
                waiting -= 1
                middle, step = answered
                if call.over.done():
                    break
                if step.op != LACK and is_global(step.address):
                    round_trip_ms = max(0, loop_ms() - began_ms - step.waited_ms)
                    way = self._go(call, middle, step, round_trip_ms)
                    call.ways.append(ways.create_task(way))

    async def _go(self, call: "_Call", middle: Link, step: Meet, round_trip_ms: int) -> None:
        if step.op == DIAL:
            linked = await self._dial_once(step)
        else:
            linked = await self._punch_out(call, middle, step, round_trip_ms)
        if linked:
            await asyncio.wait([call.over])  # until the link has its place

    async def _dial_once(self, step: Meet) -> bool:
        """Dial whom `step` is from; return whether there is, or may soon be, a link.

        Both may have called, and several in the middle pass on the same: each new link would
        replace the one before.
        """
        place = (step.address, step.port, step.node)
        if place in self._dialling:
            return True
        self._dialling.add(place)
        linked = False
        try:
            linked = await self._dial(*place)
        finally:
            # A link has its place a moment later, and other answers may still be on their way.
            kept_s = MEET_S if linked else 0
            asyncio.get_running_loop().call_later(kept_s, self._dialling.discard, place)
        return linked

    async def _punch_out(self, call: "_Call", middle: Link, step: Meet, round_trip_ms: int) -> bool:
        """Punch as the caller: tell our port, and start when the other has been told."""
        hole = await self._open_hole(middle)
        if hole is None:
            return False
        try:
            sync_ms = loop_ms()
            self._post(middle, Meet(SYNC, call.node_id, call.meet_id, port=hole.port))
            await asyncio.sleep(max(0, sync_ms + round_trip_ms // 2 - loop_ms()) / 1000)
            connected = await punch(hole, step.address, step.port)
        except OSError as error:
            log.debug("no way through to %s: %s", call.node_id, error)
            return False
        finally:
            hole.close()
        log.debug("a way through to %s at %s", call.node_id, step.address)
        return await self._link_over(connected, step.address, step.port, call.node_id)

    def _on_call(self, middle: Link, step: Meet) -> None:
        if self._links(step.node) is not None or self._links(middle.node_id) is not middle:
            return
        if not step.port and (port := self._open_port(middle.remote_address)):
            # By way of each who asks: it costs nothing here, and one of them may not pass it on.
            self._post(middle, Meet(DIAL, step.node, step.meet_id, port=port))
        elif any(node == step.node for node, _ in self._answers):
            return  # the same call by way of another peer, or one too many
        elif self._may_answer(middle):
            answer = self._answers[step.node, step.meet_id] = _Answer(middle)
            answer.task = asyncio.create_task(self._answer(answer, step))
            # Not in the task itself: one that is cancelled before it began does nothing at all.
            answer.task.add_done_callback(lambda _: self._answers.pop((step.node, step.meet_id)))

    def _may_answer(self, middle: Link) -> bool:
        of_middle = sum(answer.middle is middle for answer in self._answers.values())
        if of_middle >= MIDDLE_ANSWERS or len(self._answers) >= MAX_ANSWERS:
            return False
        now_ms = loop_ms()
        if self._bucket is None:
            self._bucket = Bucket(ANSWERS_PER_S, ANSWERS_BURST, now_ms)
        bucket = self._buckets.get(middle.node_id)
        if bucket is None:
            bucket = Bucket(1, MIDDLE_BURST * MIDDLE_EVERY_S, now_ms)
            self._buckets[middle.node_id] = bucket
        return not bucket.take(MIDDLE_EVERY_S, now_ms) and not self._bucket.take(1, now_ms)

    async def _answer(self, answer: "_Answer", step: Meet) -> None:
        try:
            async with asyncio.timeout(MEET_S):
                if step.port:
                    await self._dial_once(step)
                else:
                    await self._punch_back(answer, step)
        except TimeoutError:
            log.debug("nothing came of a call of %s", step.node)

    async def _punch_back(self, answer: "_Answer", step: Meet) -> None:
        """Punch as the one who was called: start as soon as the caller says so."""
        began_ms = loop_ms()
        hole = await self._open_hole(answer.middle)
        if hole is None:
            return
        try:
            waited_ms = min(loop_ms() - began_ms, MAX_WAITED_MS)
            reply = Meet(CONNECT, step.node, step.meet_id, port=hole.port, waited_ms=waited_ms)
            self._post(answer.middle, reply)
            sync = await answer.sync
            connected = await punch(hole, sync.address, sync.port)
        except OSError as error:
            log.debug("no way through to %s: %s", step.node, error)
            return
        finally:
            hole.close()
        await self._accept(connected)

    async def _open_hole(self, middle: Link) -> Hole | None:
        observer = self._observer(middle)
        if observer is None:
            return None
        try:
            return await open_hole(*observer)
        except OSError as error:
            log.debug("%s does not say how we look from there: %s", observer[0], error)
            return None


class _Call:
    """A meeting that this node has called for."""

    def __init__(self, node_id: str, meet_id: int) -> None:
        self.node_id = node_id
        self.meet_id = meet_id
        self.asked: set[str] = set()  # those in the middle who have not answered
        self.ways: list[asyncio.Task[None]] = []  # what is tried, one for each answer at most
        # At most an answer of each of them, and the end.
        self.steps: asyncio.Queue[tuple[Link, Meet] | None] = asyncio.Queue()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """There is a link, or there will be none."""
        if not self.over.done():
            self.over.set_result(None)
            self.steps.put_nowait(None)
            for way in self.ways:
                way.cancel()


class _Answer:
    """A meeting to which another node has called this one."""

    def __init__(self, middle: Link) -> None:
        self.middle = middle
        self.task: asyncio.Task[None] | None = None
        self.sync: asyncio.Future[Meet] = asyncio.get_running_loop().create_future()
