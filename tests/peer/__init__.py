"""Side by side with a running reference; run with `pytest tests/peer`."""
