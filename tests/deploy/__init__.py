"""Tests of what `deploy/` contains."""
