"""Tests of edgenode/core that need what only CPython has, such as hypothesis."""
