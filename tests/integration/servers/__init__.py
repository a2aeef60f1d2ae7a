"""Servers that a test starts for itself, so that it may stop, kill, secure and restart them."""
