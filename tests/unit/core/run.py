"""Run core tests without pytest, so that a real MicroPython can run them.

    python tests/unit/core/run.py tests.unit.core.test_pae tests.unit.core.test_backoff

To be started in the root of the repository. Every `test_*` function of each named module is called
in the order of the names. A failure prints one `FAIL module.function` line and a traceback. The
last line is `ran R failed F`. Exits with 1 after any failure, a module that does not import, or a
module without tests.
"""

import gc
import sys

if sys.implementation.name == "micropython":
    from sys import print_exception  # type: ignore[attr-defined]
else:
    from traceback import print_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def holds(name: str, call: "Callable[[], object]") -> bool:
    """Call; on any exception print that `name` failed, and why, and return False."""
    try:
        call()
    except Exception as error:
        sys.stdout.write("FAIL " + name + "\n")
        print_exception(error)
        return False
    return True


def load(name: str) -> object:
    """Import the module with this dotted name."""
    __import__(name)
    return sys.modules[name]


def main(names: "list[str]") -> int:
    """Run the tests of the modules with these names and return the exit status."""
    ran = failed = 0
    for name in names:
        if not holds(name, lambda name=name: load(name)):  # type: ignore[misc]
            failed += 1
            continue
        module = sys.modules[name]
        tests = [key for key in sorted(dir(module)) if key.startswith("test_")]
        if not tests:
            sys.stdout.write("FAIL " + name + ": no tests\n")
            failed += 1
        for key in tests:
            gc.collect()  # So that no test runs in what another left of a small heap.
            ran += 1
            failed += not holds(name + "." + key, getattr(module, key))
    sys.stdout.write("ran " + str(ran) + " failed " + str(failed) + "\n")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.path.insert(0, ".")
    sys.exit(main(sys.argv[1:]))
