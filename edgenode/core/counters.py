"""What a node has moved and done since it started."""


class Counters:
    """Running totals, read by the status and added to by whoever does the work.

    `bytes_in` and `bytes_out` are bytes of bodies (of blocks and of answers; no headers);
    `bytes_relayed` are those of blocks that were passed on between two peers.
    `succeeded` and `failed` count block operations: one that was answered with an error or was
    cut off has failed. A caller who was turned away for lack of permission is not counted.
    """

    def __init__(self) -> None:
        """Start with everything at zero."""
        self.bytes_in = 0
        self.bytes_out = 0
        self.bytes_relayed = 0
        self.succeeded = 0
        self.failed = 0
