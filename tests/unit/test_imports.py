"""The import rules hold in edgenode/, and the checks find what breaks them."""

import tomllib
from pathlib import Path

import pytest

from tests.unit.import_rules import (
    FREE,
    NEVER,
    Tree,
    cycle_findings,
    exception_findings,
    layer_findings,
    library_findings,
    syntax_findings,
)

ROOT = Path(__file__).resolve().parents[2]

# Loaded on CPython only; MicroPython loads its twin.
CPYTHON_ONLY = ("edgenode.core.strictjson.scanner",)

GUARD = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    "


def exceptions() -> dict[str, str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, str] = settings["tool"]["edgenode"]["stdlib-exceptions"]
    return table


@pytest.fixture(scope="module")
def edgenode() -> Tree:
    return Tree(ROOT)


def make_tree(root: Path, files: dict[str, str]) -> Tree:
    """Lay out modules below edgenode/ with an __init__ in each folder; `files` may give others."""
    for name, source in files.items():
        path = root / "edgenode" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.parents:
            if folder == root:
                break
            (folder / "__init__.py").touch()
        path.write_text(source)
    return Tree(root)


def test_the_tree_is_read(edgenode: Tree) -> None:
    assert {"edgenode", "edgenode.__main__", "edgenode.core.errors"} <= set(edgenode.sources)
    assert any(found.module == "edgenode.core.errors" for found in edgenode.imports)


def test_imports_point_the_right_way(edgenode: Tree) -> None:
    findings = layer_findings(edgenode)
    assert not findings, "\n".join(findings)


def test_no_modules_import_one_another(edgenode: Tree) -> None:
    findings = cycle_findings(edgenode)
    assert not findings, "\n".join(findings)


def test_only_allowed_libraries_are_imported(edgenode: Tree) -> None:
    findings = library_findings(edgenode, exceptions())
    assert not findings, "\n".join(findings)


def test_each_exception_is_used_and_has_a_reason(edgenode: Tree) -> None:
    findings = exception_findings(edgenode, exceptions())
    assert not findings, "\n".join(findings)


def test_core_uses_nothing_that_fails_under_micropython(edgenode: Tree) -> None:
    findings = syntax_findings(edgenode, CPYTHON_ONLY)
    assert not findings, "\n".join(findings)
    assert set(edgenode.sources) >= set(CPYTHON_ONLY)


def test_free_and_never_do_not_overlap() -> None:
    assert not FREE & NEVER


ALLOWED_LAYERS = [
    ("cli/a.py", "import edgenode.daemon.x"),
    ("cli/a.py", "from edgenode.core import x"),
    ("cli/a.py", "from edgenode import __version__"),
    ("daemon/a.py", "from edgenode.store import x"),
    ("daemon/a.py", "from edgenode import crypto"),
    ("link/a.py", "import edgenode.crypto"),
    ("store/a.py", "from edgenode.crypto import sign"),
    ("api/a.py", "from edgenode.core.x import y"),
    ("leaf/a.py", "from edgenode.core import x"),
    ("core/a.py", "from edgenode.core.x import y"),
    ("core/a.py", "from . import x"),
    ("core/deep/a.py", "from ..x import y"),
    ("__main__.py", "from edgenode.cli.main import main"),
]

FORBIDDEN_LAYERS = [
    ("core/a.py", "import edgenode.daemon"),
    ("core/a.py", "import edgenode"),
    ("core/a.py", "from edgenode import __version__"),
    ("core/a.py", "from edgenode import crypto"),
    ("core/a.py", "from ..store import x"),
    ("core/a.py", "from .. import store"),
    ("core/deep/a.py", "from ... import crypto"),
    ("core/__init__.py", "from ..store import x"),
    ("core/a.py", GUARD + "from edgenode.link import x"),
    ("api/a.py", "from edgenode.store import x"),
    ("api/a.py", "def f():\n    from edgenode.store import x"),
    ("api/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import edgenode.link"),
    ("api/a.py", "import edgenode.crypto"),
    ("discover/a.py", "from edgenode import reach"),
    ("reach/a.py", "from edgenode import crypto"),
    ("link/a.py", "class C:\n    from edgenode import store"),
    ("store/a.py", "try:\n    import edgenode.daemon\nexcept ImportError:\n    pass"),
    ("store/a.py", "import os, edgenode.cli.main"),
    ("link/a.py", "x = __import__('edgenode.api')"),
    ("link/a.py", "import importlib\nimportlib.import_module('edgenode.api')"),
    ("daemon/a.py", "import edgenode.cli"),
    ("daemon/a.py", "import edgenode.leaf"),
    ("leaf/a.py", "import edgenode.crypto"),
    ("cli/a.py", "import edgenode.store"),
    ("cli/a.py", "from edgenode import crypto"),
    ("crypto.py", "from edgenode.core import x"),
    ("crypto.py", "import edgenode"),
    ("__init__.py", "from edgenode.core import x"),
    ("__main__.py", "import edgenode.daemon"),
    ("helpers/a.py", ""),
    ("utils.py", ""),
]

# So that `from edgenode import store` and the like name modules in each small tree.
PARTS = {
    f"{part}/x.py": "" for part in ("core", "api", "link", "discover", "reach", "store", "daemon")
}
PARTS.update({"cli/main.py": "", "leaf/x.py": "", "crypto.py": ""})


@pytest.mark.parametrize(("file", "source"), ALLOWED_LAYERS)
def test_a_right_way_is_allowed(file: str, source: str, tmp_path: Path) -> None:
    assert layer_findings(make_tree(tmp_path, {**PARTS, file: source})) == []


@pytest.mark.parametrize(("file", "source"), FORBIDDEN_LAYERS)
def test_a_wrong_way_is_found(file: str, source: str, tmp_path: Path) -> None:
    assert len(layer_findings(make_tree(tmp_path, {**PARTS, file: source}))) == 1


@pytest.mark.parametrize(
    "files",
    [
        {"api/a.py": "from edgenode.api import b", "api/b.py": "from edgenode.api import a"},
        {"api/a.py": "from edgenode.api.b import x", "api/b.py": GUARD + "from . import a"},
        {"api/a.py": "from .b import x", "api/b.py": "def f():\n    from edgenode.api.a import y"},
        {
            "api/a.py": "from .b import x",
            "api/b.py": "from .c import x",
            "api/c.py": "from .a import y",
        },
        {"api/__init__.py": "from .a import x", "api/a.py": "from edgenode.api import version"},
    ],
)
def test_a_circle_is_found(files: dict[str, str], tmp_path: Path) -> None:
    (finding,) = cycle_findings(make_tree(tmp_path, files))
    assert "edgenode.api.a" in finding


def test_a_package_may_be_made_of_its_modules(tmp_path: Path) -> None:
    files = {
        "core/json/__init__.py": "from edgenode.core.json.reader import x",
        "core/json/reader.py": "from edgenode.core.json.limits import y\nfrom ..errors import z",
        "core/json/limits.py": "",
        "core/errors.py": "",
    }
    assert cycle_findings(make_tree(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("api/a.py", "import json, os.path, asyncio"),
        ("api/a.py", "from os import path, stat"),
        ("api/a.py", "from collections import deque"),
        ("api/a.py", "import sqlite3"),
        ("api/a.py", "from http import client"),
        ("api/a.py", "from aiohttp import web\nimport nacl.bindings"),
        ("crypto.py", "from nacl import bindings"),
        ("core/a.py", "import struct, math, sys, json"),
        ("core/a.py", GUARD + "from collections.abc import Callable"),
        ("core/a.py", GUARD + "import typing"),
        ("leaf/a.py", "import asyncio, time"),
    ],
)
def test_an_allowed_library(file: str, source: str, tmp_path: Path) -> None:
    tree = make_tree(tmp_path, {file: source})
    assert library_findings(tree, {"sqlite3": "state", "http.client": "requests"}) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("api/a.py", "import dataclasses"),
        ("api/a.py", "def f():\n    import signal"),
        ("api/a.py", "from collections import abc"),
        ("api/a.py", "from collections.abc import Callable"),
        ("api/a.py", "import http"),
        ("api/a.py", "import http.server"),
        ("api/a.py", "from http import server"),
        ("api/a.py", "from logging import handlers"),
        ("api/a.py", "from typing import TYPE_CHECKING"),
        ("api/a.py", GUARD + "from typing import Any"),
        ("api/a.py", "import ssl"),
        ("api/a.py", "from hashlib import sha256"),
        ("api/a.py", "import subprocess"),
        ("api/a.py", "import _hashlib"),
        ("api/a.py", "import yarl"),
        ("api/a.py", "from multidict import CIMultiDict"),
        ("api/a.py", "import requests"),
        ("api/a.py", "name = 'json'\n__import__(name)"),
        ("core/a.py", "import time"),
        ("core/a.py", "import os"),
        ("core/a.py", "import random"),
        ("core/a.py", "import asyncio"),
        ("core/a.py", "import sqlite3"),
        ("core/a.py", "import nacl"),
        ("core/a.py", "from typing import Any"),
        ("core/a.py", "TYPE_CHECKING = True\nif TYPE_CHECKING:\n    import typing"),
        ("core/a.py", "if TYPE_CHECKING:\n    import typing"),
        ("core/a.py", GUARD + "pass\nelse:\n    import typing"),
        ("core/a.py", GUARD + "import dataclasses"),
        ("leaf/a.py", "import sqlite3"),
        ("leaf/a.py", "import aiohttp"),
    ],
)
def test_a_forbidden_library_is_found(file: str, source: str, tmp_path: Path) -> None:
    allowed = {"sqlite3": "state", "http.client": "requests", "ssl": "no", "subprocess": "no"}
    assert len(library_findings(make_tree(tmp_path, {file: source}), allowed)) == 1


@pytest.mark.parametrize(
    "table",
    [
        {"sqlite3": ""},
        {"sqlite3": " "},
        {"signal": "nobody imports it"},
        {"json": "needs none"},
        {"aiohttp": "not of the standard library"},
        {"ssl": "never"},
        {"typing": "only core uses it"},
    ],
)
def test_a_bad_exception_is_found(table: dict[str, str], tmp_path: Path) -> None:
    files = {
        "store/a.py": "import sqlite3, json, aiohttp, ssl",
        "core/a.py": GUARD + "import typing",
    }
    tree = make_tree(tmp_path, files)
    assert exception_findings(tree, {"sqlite3": "state"}) == []
    assert len(exception_findings(tree, table)) == 1


@pytest.mark.parametrize(
    "source", ["x = [1][::2]", "x = bytearray(3)\ndel x[:2]", "class E(KeyError, OSError): pass"]
)
def test_what_fails_under_micropython_is_found(source: str, tmp_path: Path) -> None:
    tree = make_tree(tmp_path, {"core/a.py": source, "api/a.py": source})
    assert len(syntax_findings(tree, ())) == 1
    assert syntax_findings(tree, ("edgenode.core.a",)) == []
