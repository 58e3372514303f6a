"""Tests of edgenode/core that run on CPython and under MicroPython."""
