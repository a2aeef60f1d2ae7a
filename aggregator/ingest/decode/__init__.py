"""Decodes the bytes of messages into the reports that are stored."""
