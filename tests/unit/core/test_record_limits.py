"""The bounds of the protocol for records, as numbers: others depend on them."""

from edgenode.core import batch, head, records, signed, syncevents, temperature, trie, triesync


def test_sizes() -> None:
    assert records.MAX_UPDATE_BYTES == 4096
    assert batch.MAX_BATCH_BYTES == signed.MAX_PAYLOAD_BYTES == 32768
    assert head.MAX_HEAD_BYTES == 1024
    assert syncevents.FILL_BYTES == 65536
    assert syncevents.MAX_EVENT_BYTES == 68608


def test_counts() -> None:
    assert batch.MAX_UPDATES == 100
    assert syncevents.MAX_BATCHES == 128
    assert syncevents.MAX_ORIGINS == 256
    assert (triesync.MAX_WANTED, triesync.MAX_NAMED) == (64, 256)
    assert (trie.LEAF_DIGESTS, trie.CHILDREN) == (64, 16)


def test_times_and_slots() -> None:
    assert temperature.MIN_DWELL_MS == 3600 * 1000
    assert (temperature.SLOTS, temperature.MAX_SLOT_COUNT) == (6, 65535)
