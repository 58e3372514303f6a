"""The node starts no program: no module of it can, and none of its packages is asked to."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "edgenode"

MODULES = {"subprocess", "pty", "multiprocessing", "popen2", "commands"}
CALLS = {
    *("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"),
    *("execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"),
    *("spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"),
    *("create_subprocess_exec", "create_subprocess_shell"),
}
BUILT_IN = {"eval", "exec", "compile", "__import__"}


def test_no_module_can_start_a_program() -> None:
    found = []
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 200
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").partition(".")[0]]
                found += [(path.name, a.name) for a in node.names if a.name in CALLS]
            elif isinstance(node, ast.Attribute) and node.attr in CALLS:
                found.append((path.name, node.attr))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [(path.name, node.func.id)] if node.func.id in BUILT_IN else []
            found += [(path.name, name) for name in names if name in MODULES]
    assert found == []


_LOADING = """
import os, sys
SPAWNING = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.system", "os.spawn"}
sys.addaudithook(lambda event, _: event in SPAWNING and os._exit(9))
import miniupnpc, netifaces, aiohttp, nacl.bindings
from edgenode.discover.responder import _load
loaded = _load()
assert loaded.asyncio.AsyncZeroconf
import ifaddr
assert any(ifaddr.get_adapters())
import ctypes.util
assert ctypes.util.find_library.__module__ == "ctypes.util"
"""


def test_no_package_starts_one_when_it_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADING], cwd=PACKAGE.parent, check=False)
    assert done.returncode == 0
