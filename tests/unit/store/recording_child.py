"""Adds batches and own updates until it is killed; prints what is acknowledged.

python -m tests.unit.store.recording_child FOLDER SEED
"""

import asyncio
import random
import sys
from pathlib import Path

from edgenode.store.outbox import Outbox
from edgenode.store.records import Records
from edgenode.store.state import State
from tests.unit.store.record_makers import batch, heat, place

BLOCKS = 50
OWN = 0


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def main(folder: Path, seed: int) -> None:
    state = await State.open(folder / "state.db")
    epoch = await state.next_epoch()
    records = Records(state.database)
    outbox = Outbox(state.database)
    await outbox.open()
    say("open", epoch)

    async def others(origin: int) -> None:
        chance = random.Random(f"{seed} {origin}")
        for seq in range(1, 1_000_000):
            updates = [
                heat(n, chance.choice(("HOT", None))) for n in chance.choices(range(BLOCKS), k=20)
            ]
            durable = chance.random() < 0.5
            await records.add([batch(origin, epoch, seq, *updates)], durable=durable)
            if durable:
                say("batch", origin, epoch, seq)

    async def own() -> None:
        for number in range(epoch * 1_000_000, (epoch + 1) * 1_000_000):
            await outbox.put([place(number % BLOCKS, number)])
            say("own", number % BLOCKS, number)

    async def send() -> None:
        for seq in range(1, 1_000_000):
            taken = await outbox.take(10)
            if taken:
                made = batch(OWN, epoch, seq, *(update for _, update in taken))
                await outbox.sent(*made, [key for key, _ in taken])
            await asyncio.sleep(0)

    await asyncio.gather(others(1), others(2), others(3), own(), send())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
