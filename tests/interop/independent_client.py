"""A small node written from docs/protocol.md alone; it imports nothing of edgenode.

    get URL NETWORK BLOCK_ID     dial, try everything, get a block
    serve URL NETWORK FILE       dial, hand over a block until stdin ends
    listen PORT NETWORK FILE     the same, but wait to be dialled
    records URL NETWORK BLOCK_ID dial, tell records, of this block too, and compare

Prints one JSON object a line; the document's section names stand at each part.
"""

import asyncio
import hashlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.interop.independent_link import DEADLINE_S, Json, Link, Me, say
from tests.interop.independent_tellings import tell_and_compare

MAX_MESSAGE = 262_144
WANT_BYTES = 262_144
CHUNK_BYTES = 65_536

# Block transfer


def answer_to(op: str, block_id: str) -> Callable[[Json], bool]:
    def fits(message: Json) -> bool:
        data = message["data"]
        return (
            message["type"] == "block:sync"
            and data.get("blockId") == block_id
            and data["op"] in (op, "lack")
        )

    return fits


async def ask(link: Link, block_id: str, **want: int) -> Json:
    step = {"op": "want", "blockId": block_id, "fetchId": 1, "offset": 0, "length": 0, **want}
    await link.tell("block:sync", **step)
    return await link.until(answer_to("have", block_id))


async def get(link: Link, block_id: str) -> None:
    size = (await ask(link, block_id))["size"]
    data = bytearray()
    wanted = 0
    while len(data) < size:
        while wanted < size and wanted - len(data) <= WANT_BYTES:
            length = min(WANT_BYTES, size - wanted)
            await link.tell(
                "block:sync", op="want", blockId=block_id, fetchId=2, offset=wanted, length=length
            )
            wanted += length
        chunk = await link.next()
        if isinstance(chunk, tuple):
            fetch_id, offset, piece = chunk
            assert (fetch_id, offset) == (2, len(data))
            end = min(len(data) // WANT_BYTES * WANT_BYTES + WANT_BYTES, size)
            assert len(piece) == min(CHUNK_BYTES, end - len(data))
            data += piece
    assert hashlib.sha3_512(data).hexdigest() == block_id
    say(got=len(data))


async def serve(link: Link, block: bytes) -> None:
    """Hand over `block` until stdin ends or the peer does."""
    block_id = hashlib.sha3_512(block).hexdigest()
    say(linked=link.peer["nodeId"], blockId=block_id)
    stdin = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while True:
        event = asyncio.create_task(link.next())
        await asyncio.wait([event, stdin], return_when=asyncio.FIRST_COMPLETED)
        if not event.done():
            event.cancel()
            await asyncio.wait([event])
            return await link.leave()
        message = event.result()
        if isinstance(message, str):
            return say(end=message)
        if isinstance(message, dict) and message["data"].get("op") == "want":
            await hand_over(link, block_id, block, message["data"])


async def hand_over(link: Link, block_id: str, block: bytes, want: Json) -> None:
    step: Json = {"blockId": want["blockId"], "fetchId": want["fetchId"]}
    if want["blockId"] != block_id:
        await link.tell("block:sync", op="lack", reason="not-held", **step)
    elif not want["length"]:
        await link.tell("block:sync", op="have", size=len(block), **step)
    else:
        end = want["offset"] + want["length"]
        for offset in range(want["offset"], end, CHUNK_BYTES):
            head = b"\x02" + want["fetchId"].to_bytes(4, "big") + offset.to_bytes(8, "big")
            await link.send(head + block[offset : min(offset + CHUNK_BYTES, end)])


async def dial(session: aiohttp.ClientSession, url: str, me: Me, instance: bytes) -> Link:
    socket = await session.ws_connect(url, max_msg_size=MAX_MESSAGE + 1, compress=0)
    link = Link(socket, me, instance, initiator=True)
    await link.open()
    return link


async def clone_is_refused(session: aiohttp.ClientSession, url: str, first: Link) -> None:
    """A second process with our key: the node asks the first, which answers, and stays."""
    answering = asyncio.create_task(first.until(lambda message: message["type"] == "later"))
    second = await dial(session, url, first.me, os.urandom(16))
    while not isinstance(reason := await second.next(), str):
        pass
    closed = await second.socket.receive(DEADLINE_S)
    say(second=reason, code=closed.data)
    await second.socket.close()
    answering.cancel()
    await asyncio.wait([answering])


async def try_everything(session: aiohttp.ClientSession, url: str, me: Me, block_id: str) -> None:
    link = await dial(session, url, me, os.urandom(16))
    say(linked=link.peer["nodeId"])
    announce = await link.until(lambda message: message["type"] == "node:announce")
    say(announce=announce)
    await link.tell(
        "node:announce", version="0", wsPort=1, capabilities=[], region="", aLaterField=None
    )
    await link.tell("system:ping", nonce=4_294_967_295)
    say(pong=await link.until(lambda message: message["type"] == "system:pong"))
    await link.send(b"\x07 a kind of a later version")
    await link.tell("later:event", anything=[None])
    await link.tell("block:sync", op="later")
    await clone_is_refused(session, url, link)
    say(pinged=[message["type"] for message in link.seen].count("system:ping"))
    say(unknown=await ask(link, "00" * 64))
    say(outside=await ask(link, block_id, offset=2**40, length=1))
    await get(link, block_id)
    await link.leave()


async def listen(port: int, me: Me, block: bytes) -> None:
    done = asyncio.Event()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE + 1)
        await socket.prepare(request)
        link = Link(socket, me, os.urandom(16), initiator=False)
        await link.open()
        await serve(link, block)
        done.set()
        return socket

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, chosen = runner.addresses[0][:2]
    say(host=host, port=chosen)
    await done.wait()
    await runner.cleanup()


async def main(mode: str, where: str, network: str, what: str) -> None:
    me = Me(network)
    if mode == "listen":
        await listen(int(where), me, Path(what).read_bytes())  # noqa: ASYNC240
    else:
        async with aiohttp.ClientSession() as session:
            if mode == "serve":
                link = await dial(session, where, me, os.urandom(16))
                await serve(link, Path(what).read_bytes())  # noqa: ASYNC240
            elif mode == "records":
                await tell_and_compare(partial(dial, session, where, me), me, what)
            else:
                await try_everything(session, where, me, what)
    say(modulesOfEdgenode=[name for name in sys.modules if name.startswith("edgenode")])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
