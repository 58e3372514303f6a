"""Proof that docs/protocol.md is enough: code written from it alone, importing nothing of ours."""
