"""Manual pages, completion and example configuration, written from the code's own tables."""
