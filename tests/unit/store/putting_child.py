"""Puts random blocks, by both ways, until it is killed; prints the id of each acknowledged one.

python -m tests.unit.store.putting_child FOLDER SEED
"""

import asyncio
import random
import sys
from pathlib import Path

from tests.unit.store.helpers import block_id_of, open_store, pieces, put

WRITERS = 4
MAX_SIZE = 64 * 1024


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(folder: Path, seed: int) -> None:
    store = await open_store(folder)
    say("open")

    async def write(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        while True:
            data = chance.randbytes(chance.randrange(1, MAX_SIZE))
            block_id = block_id_of(data)
            if chance.random() < 0.5:
                await put(store, data)
                await store.put(pieces(data))  # held already: acknowledged again
            else:
                partial = await store.partial(block_id, len(data))
                await partial.write(data[partial.offset :])
                await partial.commit()
            say(block_id)

    await asyncio.gather(*(write(number) for number in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
