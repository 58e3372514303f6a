"""The block store: immutable bytes in files named by their hash."""

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from pathlib import Path

from edgenode.core.errors import BlockTooLarge, EmptyBlock, HashMismatch, StoreFailed
from edgenode.core.ids import is_block_id
from edgenode.store.files import disk_errors, fsync_folder, make_private_folder, read_at
from edgenode.store.held import HeldFiles
from edgenode.store.incoming import IncomingFile, IncomingWriter
from edgenode.store.layout import FAN_OUT, Layout
from edgenode.store.openfiles import MAX_SMALL_BYTES, OpenFile, OpenFiles
from edgenode.store.partial import Partial
from edgenode.store.quarantine import Quarantine
from edgenode.store.space import Space
from edgenode.store.transfers import Transfers
from edgenode.store.types import Hasher, HeldBlock, StoredBlock

# What `HeldFiles.verified` says of a block, and its file and the bytes of one that is small.
_Found = tuple[StoredBlock | None, bool, tuple[OpenFile, bytes | None] | None]

__all__ = ["BlockStore", "HeldBlock", "Partial", "StoredBlock"]


class BlockStore:
    """Blocks under the folder `root`, which no other process may use meanwhile.

    The files are the only record of what is held. `max_bytes` bounds what blocks, transfers and
    damaged blocks take together (0: no bound); `reserve_bytes` of the disk stay free; a block has
    1 to `max_block_size` bytes. `new_hasher` gives an incremental SHA3-512. `on_corrupt` is
    called in the event loop with the id of a block that was read and found not to match its hash,
    `on_held` with id and size of one that is held from now on, `on_gone` with the id of one that is
    not any more. None of them may raise; a crash may come between the change and the call.

    Disk and hashing are left to threads. A cancelled call leaves files and counts consistent.
    A text that is no block id names a block that is not held.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int,
        reserve_bytes: int,
        max_block_size: int,
        new_hasher: Callable[[], Hasher],
        on_corrupt: Callable[[str], None],
        on_held: Callable[[str, int], None],
        on_gone: Callable[[str], None],
    ) -> None:
        self._layout = Layout(root)
        self._max_block_size = max_block_size
        self._new_hasher = new_hasher
        self._on_corrupt = on_corrupt
        self._on_held = on_held
        self._on_gone = on_gone
        self._space = Space(
            root, max_bytes=max_bytes, reserve_bytes=reserve_bytes, reclaim=self._reclaim
        )
        self._quarantine = Quarantine(self._layout, self._space)
        self._transfers = Transfers(self._layout, self._space)
        self._held = HeldFiles(self._layout, self._space, self._quarantine, new_hasher)
        self._open_files = OpenFiles()
        self._counted = asyncio.Event()
        self._checks: dict[str, asyncio.Task[HeldBlock | None]] = {}

    @property
    def count(self) -> int:
        """Blocks held."""
        return self._held.count

    @property
    def total_bytes(self) -> int:
        """Bytes of all blocks held."""
        return self._held.total_bytes

    @property
    def is_open(self) -> bool:
        """Whether `open` has ended."""
        return self._counted.is_set()

    @property
    def damaged(self) -> int:
        """Blocks that were found not to match their hash since the start."""
        return self._quarantine.added

    async def open(self) -> None:
        """Make the folders, remove dead temporary files and count what is held. StoreFailed.

        To be called once. `put`, `get`, `delete` and `partial` wait until it has ended. What others
        change in the folder is counted by the next start.
        """
        await asyncio.to_thread(self._prepare)
        for first_byte in range(FAN_OUT):
            await asyncio.to_thread(self._held.count_folder, first_byte)
        self._counted.set()

    def close(self) -> None:
        """Close the files that are kept open; what is read later opens some again."""
        self._open_files.close()

    async def put(
        self,
        chunks: AsyncIterable[bytes],
        *,
        expected_id: str | None = None,
        size_hint: int | None = None,
    ) -> tuple[StoredBlock, bool]:
        """Store the bytes of `chunks`; returns the block and whether it is new. Durable on return.

        `size_hint` (bytes) claims the space at once. Raises EmptyBlock, BlockTooLarge,
        HashMismatch (with `expected_id`), StoreFull, StoreFailed, and whatever `chunks` raises;
        then nothing is left behind.
        """
        await self._counted.wait()
        self._check_size(max(1, size_hint or 0))
        file = IncomingFile(self._transfers.temp(), self._new_hasher(), self._space, _nothing_left)
        try:
            await asyncio.to_thread(file.create, size_hint or 0)
            writer = IncomingWriter(file)
            async for chunk in chunks:
                self._check_size(max(1, writer.size + len(chunk)))
                await writer.write(chunk)
            self._check_size(writer.size)
            await writer.flush()
            block, is_new = await asyncio.to_thread(self._finish, file, expected_id)
        except BaseException:
            await asyncio.to_thread(file.discard)
            raise
        if is_new:
            self._on_held(*block)
        return block, is_new

    async def get(self, block_id: str) -> HeldBlock | None:
        """Return a block that is held, and whole as far as is known; None if it is not.

        It is hashed at the first read after a start, and when size, mtime or inode have changed;
        calls that come meanwhile wait for the same check. StoreFailed: it cannot be read.
        """
        await self._counted.wait()
        if not is_block_id(block_id):
            return None
        file = self._open_files.find(block_id)
        if file is not None:
            block = StoredBlock(block_id, file.size)
            if file.size > MAX_SMALL_BYTES:
                return self._as_held(block, file)
            data = self._open_files.read(block_id, file)
            if data is not None:
                return self._as_held(block, file, data)
        looking = asyncio.ensure_future(asyncio.to_thread(self._look, block_id))
        looking.add_done_callback(self._keep_open)  # also for a caller who is cancelled
        found, verified, opened = await asyncio.shield(looking)
        if found is None or verified:
            return self._as_held(found, *(opened or ()))
        check = self._checks.get(block_id)
        if check is None:
            check = self._checks[block_id] = asyncio.create_task(self._check(block_id))
            check.add_done_callback(lambda done: self._check_done(block_id, done))
        return await asyncio.shield(check)

    async def size_of(self, block_id: str) -> int | None:
        """Return the size of a block that is held, its bytes unchecked; None if it is not."""
        await self._counted.wait()
        if not is_block_id(block_id):
            return None
        block, _ = await asyncio.to_thread(self._held.verified, block_id)
        return None if block is None else block.size

    async def read(self, held: HeldBlock, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset` on; ValueError outside of the block.

        StoreFailed: the disk refused, or the block was deleted or set aside since `get`.
        """
        if offset < 0 or length < 0 or offset + length > held.size:
            message = f"bytes {offset} to {offset + length} of a block of {held.size}"
            raise ValueError(message)
        return await asyncio.to_thread(_read, held, offset, length)

    async def delete(self, block_id: str) -> bool:
        """Delete a block, durably; False if it was not held. StoreFailed.

        One that was set aside is no longer wanted.
        """
        await self._counted.wait()
        if not is_block_id(block_id) or not await asyncio.to_thread(self._held.remove, block_id):
            return False
        self._open_files.drop(block_id)
        self._on_gone(block_id)
        return True

    async def list_blocks(self, after: str | None, limit: int) -> list[StoredBlock]:
        """Return at most `limit` blocks with ids above `after`, ascending. StoreFailed.

        ValueError if `after` is no block id.
        """
        await self._counted.wait()
        return await asyncio.to_thread(self._held.listed, after, limit)

    async def wanted(self) -> list[str]:
        """Return the ids of blocks that were set aside and are not held, ascending. StoreFailed."""
        await self._counted.wait()
        return await asyncio.to_thread(self._wanted)

    async def lacking(self, block_ids: Sequence[str]) -> list[str]:
        """Return those of the blocks that are not held, in the same order."""
        await self._counted.wait()
        return await asyncio.to_thread(
            lambda: [block_id for block_id in block_ids if not self._held.is_held(block_id)]
        )

    async def partial(self, block_id: str, size: int) -> Partial:
        """Begin a transfer of a block of `size` bytes, or resume what an earlier one has left.

        Space for all of it is claimed. Raises ValueError (no block id), EmptyBlock,
        BlockTooLarge, Busy (one of this block, or too many, under way), StoreFull, StoreFailed.
        """
        await self._counted.wait()
        self._check_size(size)
        path = self._layout.partial(block_id)
        present = self._transfers.begin(block_id)
        file = IncomingFile(
            path, self._new_hasher(), self._space, lambda left: self._transfers.end(block_id, left)
        )
        try:
            await asyncio.to_thread(self._transfers.trim)
            await asyncio.to_thread(file.resume, present, size)
        except StoreFailed:
            await asyncio.to_thread(file.discard)
            raise
        except BaseException:
            await asyncio.to_thread(file.keep)
            raise
        return Partial(block_id, size, file, self._finish, self._on_held)

    def _prepare(self) -> None:
        with disk_errors("cannot prepare the folder of blocks"):
            layout = self._layout
            make_private_folder(layout.root)
            for first_byte in range(FAN_OUT):
                layout.fan_out(first_byte).mkdir(exist_ok=True)
            layout.incoming.mkdir(exist_ok=True)
            layout.quarantine.mkdir(exist_ok=True)
            fsync_folder(layout.root)
            self._transfers.open()
            self._quarantine.open()

    def _check_size(self, size: int) -> None:
        if size < 1:
            message = "a block has at least one byte"
            raise EmptyBlock(message)
        if size > self._max_block_size:
            message = f"a block has at most {self._max_block_size} bytes"
            raise BlockTooLarge(message)

    def _finish(self, file: IncomingFile, expected_id: str | None) -> tuple[StoredBlock, bool]:
        with file.lock:  # who is cancelled meanwhile cannot discard the file half way
            try:
                block = StoredBlock(_checked_id(file, expected_id), file.size)
                return block, self._held.add(file, block.block_id)
            except BaseException:
                file.discard()
                raise

    async def _check(self, block_id: str) -> HeldBlock | None:
        try:
            return self._as_held(await asyncio.to_thread(self._held.check, block_id))
        except HashMismatch:
            self._on_corrupt(block_id)
            self._on_gone(block_id)
            return None

    def _check_done(self, block_id: str, done: asyncio.Task[HeldBlock | None]) -> None:
        del self._checks[block_id]
        if not done.cancelled():
            done.exception()  # retrieved, though every caller may have been cancelled

    def _look(self, block_id: str) -> _Found:
        """Look a block up as `HeldFiles.verified`, with its file and the bytes of a small one."""
        block, verified = self._held.verified(block_id)
        opened = None
        if verified and block is not None:
            opened = self._held.opened(block_id)
        return block, verified, opened

    def _keep_open(self, looking: asyncio.Future[_Found]) -> None:
        if not looking.cancelled() and looking.exception() is None:
            block, _, opened = looking.result()
            if block is not None and opened is not None:
                self._open_files.add(block.block_id, opened[0])

    def _as_held(
        self, block: StoredBlock | None, file: OpenFile | None = None, data: bytes | None = None
    ) -> HeldBlock | None:
        if block is None:
            return None
        return HeldBlock(block.block_id, block.size, self._layout.block(block.block_id), file, data)

    def _wanted(self) -> list[str]:
        with disk_errors("cannot read the quarantine"):
            names = self._quarantine.names()
        return [block_id for block_id in names if not self._held.is_held(block_id)]

    def _reclaim(self) -> bool:
        return self._quarantine.reclaim() or self._transfers.reclaim()


def _checked_id(file: IncomingFile, expected_id: str | None) -> str:
    block_id = file.hexdigest()
    if expected_id not in (None, block_id):
        message = f"the bytes hash to {block_id}"
        raise HashMismatch(message)
    return block_id


def _read(held: HeldBlock, offset: int, length: int) -> bytes:
    with disk_errors("cannot read the block"):
        try:
            return read_at(held.path, offset, length)
        except FileNotFoundError as error:
            message = "the block was deleted while it was read"
            raise StoreFailed(message) from error


def _nothing_left(left: int) -> None:
    """End of a file that no other transfer can resume."""
