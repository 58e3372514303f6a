"""Which way imports point in edgenode/, and which standard-library modules it may use.

Read from the source by `ast`: imports in functions, under TYPE_CHECKING and by a call count too.
Each check gives its findings as lines of text; none means that the rule is kept.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

PACKAGE = "edgenode"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _top(module: str) -> str:
    return module.partition(".")[0]


# What each part may import, besides itself. The key is the first name below the package.
MIDDLE = frozenset({"api", "link", "discover", "reach", "store"})
LAYERS = {
    "": frozenset[str](),
    "core": frozenset[str](),
    "crypto": frozenset[str](),
    "leaf": frozenset({"core"}),
    "api": frozenset({"core"}),
    "discover": frozenset({"core"}),
    "reach": frozenset({"core"}),
    "link": frozenset({"core", "crypto"}),
    "store": frozenset({"core", "crypto"}),
    "daemon": MIDDLE | {"core", "crypto"},
    "cli": frozenset({"daemon", "core"}),
    "__main__": frozenset({"cli"}),
}

# Parts that import not even `edgenode` itself, whose __init__ gives the version.
ALONE = frozenset({"core", "crypto", "leaf"})

# Parts that run under MicroPython, where an exception to the rules would not be there.
UNDER_MICROPYTHON = frozenset({"core", "leaf"})

# Built into MicroPython: https://docs.micropython.org/en/latest/library/index.html
MICROPYTHON = _names(
    "_thread array asyncio binascii builtins cmath collections errno gc gzip heapq io json marshal "
    "math os platform random re select socket struct sys time zlib"
)

# Folders of https://github.com/micropython/micropython-lib/tree/master/python-stdlib
MICROPYTHON_LIB = _names(
    "__future__ abc argparse base64 bisect cmd colorsys contextlib copy curses.ascii datetime "
    "fnmatch functools hmac html inspect itertools keyword locale logging operator os.path pathlib "
    "pickle pkgutil pprint quopri shutil stat string tarfile tempfile textwrap threading traceback "
    "types unittest uu uuid venv warnings"
)
FREE = MICROPYTHON | MICROPYTHON_LIB

# No clock, sockets, files, randomness, logging or async: what is left for core/.
CORE_FREE = _names("array binascii builtins cmath collections errno heapq json math re struct sys")

# MicroPython has the first two, but on CPython they load OpenSSL; no reason excuses these.
NEVER = frozenset({"ssl", "hashlib", "subprocess", "_ssl", "_hashlib"})

# For annotations, which never run; core/ may name them under TYPE_CHECKING.
ANNOTATIONS = frozenset({"typing", "collections.abc"})

THIRD_PARTY = frozenset({"aiohttp", "miniupnpc", "netifaces", "zeroconf", "nacl", "systemd"})


class Import(NamedTuple):
    """One imported module: where, what, and whether it only serves annotations."""

    importer: str
    line: int
    module: str
    guarded: bool

    def __str__(self) -> str:
        """Give the place for a finding."""
        return f"{self.importer}:{self.line} imports {self.module}"


class Tree:
    """The modules below a folder that holds the package, by dotted name."""

    def __init__(self, root: Path) -> None:
        self.sources: dict[str, ast.Module] = {}
        self.packages: set[str] = set()
        for path in sorted((root / PACKAGE).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
                self.packages.add(".".join(parts))
            self.sources[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"), str(path))
        self.imports = [found for name in self.sources for found in self._imports_of(name)]

    def _imports_of(self, importer: str) -> Iterator[Import]:
        source = self.sources[importer]
        guarded = _guarded_nodes(source)
        for node in ast.walk(source):
            for module in self._modules(importer, node):
                yield Import(importer, node.lineno, module, node in guarded)  # type: ignore[attr-defined]

    def _modules(self, importer: str, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = self._base(importer, node)
            for alias in node.names:
                member = f"{base}.{alias.name}"
                yield member if self._is_module(member) else base
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            name = name.id if isinstance(name, ast.Name) else name
            if name in {"__import__", "import_module"}:
                first = node.args[0] if node.args else None
                constant = isinstance(first, ast.Constant)
                yield str(first.value) if constant else "<computed>"  # type: ignore[union-attr]

    def _base(self, importer: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = importer.split(".")
        up = node.level - (importer in self.packages)
        parts = parts[: len(parts) - up]
        return ".".join([*parts, node.module] if node.module else parts)

    def _is_module(self, name: str) -> bool:
        if is_ours(name):
            return name in self.sources
        if _top(name) not in sys.stdlib_module_names:
            return False
        try:
            return find_spec(name) is not None
        except ImportError:
            return False


def _guarded_nodes(source: ast.Module) -> set[ast.AST]:
    """Give all nodes under `if TYPE_CHECKING:`, where the module itself makes that False."""
    assigns_false = any(
        isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["TYPE_CHECKING"]
        and ast.unparse(node.value) == "False"
        for node in source.body
    )
    guards = [
        node
        for node in source.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    if not assigns_false:
        return set()
    return {inner for guard in guards for node in guard.body for inner in ast.walk(node)}


def part_of(module: str) -> str:
    """Give the part that a module of the package belongs to, "" for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def is_ours(module: str) -> bool:
    """Tell the modules of the package from those of others."""
    return _top(module) == PACKAGE


def layer_findings(tree: Tree) -> list[str]:
    """Find imports that point the wrong way, and parts that the table does not know."""
    unknown = {part_of(module) for module in tree.sources} - set(LAYERS)
    findings = [f"{part}: no such part in the table of layers" for part in sorted(unknown)]
    for found in tree.imports:
        source, target = part_of(found.importer), part_of(found.module)
        if not is_ours(found.module) or source == target:
            continue
        allowed = LAYERS.get(source, frozenset())
        if target not in allowed and (target or source in ALONE):
            findings.append(str(found))
    return findings


def cycle_findings(tree: Tree) -> list[str]:
    """Find a circle of modules that import one another."""
    graph: dict[str, set[str]] = {name: set() for name in tree.sources}
    for found in tree.imports:
        if found.module in graph and found.module != found.importer:
            graph[found.importer].add(found.module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" -> ".join(reversed(error.args[1]))]
    return []


def library_findings(tree: Tree, exceptions: dict[str, str]) -> list[str]:
    """Find imports of others' modules that the rules and the exceptions do not cover."""
    findings = []
    for found in tree.imports:
        if is_ours(found.module):
            continue
        part = part_of(found.importer)
        top = _top(found.module)
        if found.module == "<computed>" or top in NEVER:
            allowed = False
        elif top not in sys.stdlib_module_names:
            allowed = top in THIRD_PARTY and part not in UNDER_MICROPYTHON
        elif part in UNDER_MICROPYTHON:
            free = CORE_FREE if part == "core" else FREE
            allowed = found.module in free or (found.guarded and found.module in ANNOTATIONS)
        else:
            allowed = found.module in FREE or found.module in exceptions
        if not allowed:
            findings.append(str(found))
    return findings


def exception_findings(tree: Tree, exceptions: dict[str, str]) -> list[str]:
    """Find exceptions that are unused, needless, without a reason, or never to be had."""
    used = {
        found.module for found in tree.imports if part_of(found.importer) not in UNDER_MICROPYTHON
    }
    findings = []
    for module, reason in exceptions.items():
        if not isinstance(reason, str) or not reason.strip():
            findings.append(f"{module}: no reason")
        if _top(module) in NEVER:
            findings.append(f"{module}: no reason excuses it")
        elif module in FREE or _top(module) not in sys.stdlib_module_names:
            findings.append(f"{module}: needs no exception, or can have none")
        elif module not in used:
            findings.append(f"{module}: nobody uses this exception")
    return findings


def syntax_findings(tree: Tree, exempt: Iterable[str]) -> list[str]:
    """Find what MicroPython compiles and then fails at, or does wrong, when it runs."""
    findings = []
    for name, source in tree.sources.items():
        if part_of(name) not in UNDER_MICROPYTHON or name in exempt:
            continue
        for node in ast.walk(source):
            what = ""
            if isinstance(node, ast.Slice) and node.step is not None:
                what = "a slice with a step"
            elif isinstance(node, ast.Delete) and any(
                isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)
                for target in node.targets
            ):
                what = "del of a slice"
            elif isinstance(node, ast.ClassDef) and len(node.bases) > 1:
                what = "a class with several bases"
            if what:
                findings.append(f"{name}:{node.lineno} has {what}")  # type: ignore[attr-defined]
    return findings
