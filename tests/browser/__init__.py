"""Tests of the web pages in a real Chromium, driven by selenium."""
