"""Runs targets on mutated inputs, and notes what must not be: another error, slowness, growth.

Inputs that lead to an outcome not seen before (an error is one by its text, which names the path to
what is wrong) are mutated in their turn: a cheap stand-in for measuring which lines were reached.
"""

import ctypes
import gc
import random
import time
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.fuzz import corpus
from tests.fuzz.mutation import mutated

MAX_FOUND = 256
MAX_POOLED_BYTES = 4096
"""Of one input: large ones come from the seeds, and there is no gain in keeping more of them."""

LIMIT_S = 0.1
"""Of the processor's time for one input."""

WARM_UP = 0.2
"""The share of the runs after which nothing may grow any more."""

MAX_FINDINGS = 20
_SHOWN = 60
_NO_DIGITS = str.maketrans("", "", "0123456789")


class Target(NamedTuple):
    """What takes bytes from outside."""

    name: str
    run: Callable[[bytes], object]
    """Returns what tells one outcome from another, if there is such a thing."""
    errors: tuple[type[Exception], ...]
    """Those that are declared; any other is a finding."""
    seeds: Callable[[], Sequence[bytes]]
    words: tuple[bytes, ...] = ()
    weight: int = 4
    """Its share of the runs: the slow ones get less."""


class Finding(NamedTuple):
    """An input that did what none may do."""

    target: str
    data: bytes
    what: str


class Report(NamedTuple):
    """What came of a run.

    Of the time after the warm-up: `drift`, by how many bytes what is in use has grown, and
    `resident`, the same for the anonymous memory, which is also cut into pieces by and by.
    """

    runs: int
    seconds: float
    slowest_s: float
    slowest: str
    drift: int
    resident: int
    findings: list[Finding]


class Fuzzer:
    """One target with its pool."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.findings: list[Finding] = []
        self.slowest_s = 0.0
        self.is_growing = True
        self.found: list[bytes] = []
        """What was added to the pool."""
        self._chance = random.Random(f"{seed} {target.name}")
        self._pool = [*target.seeds(), *corpus.kept(target.name)]
        self._seen = {self._try(data) for data in self._pool}

    def run(self, count: int) -> None:
        """Try so many inputs."""
        pool, chance, words = self._pool, self._chance, self.target.words
        for _ in range(count):
            data = mutated(chance.choice(pool), pool, words, chance)
            outcome = self._try(data)
            if self.is_growing and outcome not in self._seen and len(self.found) < MAX_FOUND:
                self._seen.add(outcome)
                if len(data) <= MAX_POOLED_BYTES:
                    pool.append(data)
                    self.found.append(data)

    def _try(self, data: bytes) -> str:
        began = time.thread_time()
        try:
            outcome = str(self.target.run(data))
        except self.target.errors as error:
            outcome = type(error).__name__ + str(error).translate(_NO_DIGITS)[:_SHOWN]
        except Exception as error:
            outcome = repr(error).translate(_NO_DIGITS)[:_SHOWN]
            where = "".join(traceback.format_exception(error)[-2:])
            self._note(data, where)
        took_s = time.thread_time() - began
        if took_s > self.slowest_s:
            self.slowest_s = took_s
            if took_s > LIMIT_S:
                self._note(data, f"{took_s:.3f} s")
        return outcome

    def _note(self, data: bytes, what: str) -> None:
        known = any(finding.what == what for finding in self.findings)
        if not known and len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(self.target.name, data, what))


def fuzz(targets: Sequence[Target], runs: int, seed: int) -> tuple[Report, list[Fuzzer]]:
    """Try `runs` inputs in all, shared out by weight."""
    began = time.monotonic()
    fuzzers = [Fuzzer(target, seed) for target in targets]
    whole = sum(target.weight for target in targets)
    shares = [max(1, runs * target.weight // whole) for target in targets]
    for fuzzer, share in zip(fuzzers, shares, strict=True):
        fuzzer.run(int(share * WARM_UP))
        fuzzer.is_growing = False
    before, resident = _bytes_in_use(), _anonymous_bytes()
    for part in range(4):
        for fuzzer, share in zip(fuzzers, shares, strict=True):
            rest = share - int(share * WARM_UP)
            fuzzer.run(rest * (part + 1) // 4 - rest * part // 4)
    slowest = max(fuzzers, key=lambda fuzzer: fuzzer.slowest_s)
    return Report(
        sum(shares),
        time.monotonic() - began,
        slowest.slowest_s,
        slowest.target.name,
        _bytes_in_use() - before,
        _anonymous_bytes() - resident,
        [finding for fuzzer in fuzzers for finding in fuzzer.findings],
    ), fuzzers


def _anonymous_bytes() -> int:
    """Return what the process has, once all that is free was given back."""
    gc.collect()
    _trim(0)
    with open("/proc/self/status") as status:  # noqa: PTH123 - without what pathlib allocates
        for line in status:
            if line.startswith("RssAnon:"):
                return 1024 * int(line.split()[1])
    raise AssertionError("the kernel does not tell")


class _Allocated(ctypes.Structure):
    """`struct mallinfo2` of <malloc.h>."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "mapped", "usmblks", "fsmblks"),
            *("used", "fordblks", "keepcost"),
        )
    ]


def _bytes_in_use() -> int:
    """Return what malloc has given out: all there is where Python has no allocator of its own."""
    gc.collect()
    found = _mallinfo()
    return int(found.used + found.mapped)


_trim = ctypes.CDLL(None).malloc_trim
_mallinfo = ctypes.CDLL(None).mallinfo2
_mallinfo.restype = _Allocated
