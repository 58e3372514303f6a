"""Blocks on their way: fetched, served, repaired, pinned."""
