"""Blocks as files, identity and state on disk."""
