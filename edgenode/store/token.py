"""The operator's token: who shows it may write, list and fetch."""

import os
from pathlib import Path

from edgenode.core.errors import DataFolderError
from edgenode.store.secret import load_or_create_secret, read_secret

TOKEN_BYTES = 32  # cannot be guessed, nor found from a hash of it
MIN_TOKEN_LENGTH = 32  # of one that the operator chose: as hex, 128 bits
MAX_TOKEN_LENGTH = 1_024  # leaves room in 8 KiB of request headers

# token68 of RFC 9110, section 11.2, which a Bearer token is; "=" stands only at its end.
_TOKEN68 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"


def load_or_create_token(path: Path) -> str:
    """Return the token kept in `path`; made now, durably and with mode 0600, if there is none.

    An operator may put one of his own there. DataFolderError: it cannot be read or made, or is
    not fit for an Authorization header. Blocking.
    """
    token, _ = load_or_create_secret(path, lambda: os.urandom(TOKEN_BYTES).hex())
    return _checked(token, path)


def load_token(path: Path) -> str:
    """Return the token of a file that someone else keeps.

    DataFolderError: it cannot be read, or is not fit for an Authorization header. Blocking.
    """
    return _checked(read_secret(path), path)


def _checked(token: str, path: Path) -> str:
    fits = MIN_TOKEN_LENGTH <= len(token) <= MAX_TOKEN_LENGTH
    if not fits or token.rstrip("=").strip(_TOKEN68):
        message = (
            f"{path} holds no token: {MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} letters, digits or "
            "-._~+/ are expected. Remove it, and the node makes a new one"
        )
        raise DataFolderError(message)
    return token
