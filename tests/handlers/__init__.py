"""Tests of the REST handlers."""
