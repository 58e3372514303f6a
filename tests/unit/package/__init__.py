"""Tests of what the package has beside the code, as far as they need no machine."""
