"""Tests of what stands around the code: lock files, Makefile, set-up."""
