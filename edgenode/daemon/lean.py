"""Keeping out of memory what the node does not need; to be called before anything is imported."""

import mimetypes
import sys

# OpenSSL costs 7 MB and a third of the start-up. Nothing here speaks TLS; asyncio, aiohttp and
# hashlib all work without it, given that these two modules cannot be imported.
_OPENSSL_USERS = ("ssl", "_hashlib")


def keep_openssl_out() -> None:
    """Make the imports of OpenSSL fail, where it is not loaded yet."""
    for name in _OPENSSL_USERS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def keep_file_types_out() -> None:
    """Let aiohttp not read the machine's list of file types: 0.3 MB that no answer here needs."""
    mimetypes.knownfiles.clear()
