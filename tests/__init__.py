"""Tests of edgenode."""
