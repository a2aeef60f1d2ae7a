"""Faults while a backlog is consumed: each ends with the expected rows for all messages.

FAULT_MESSAGES sets the number of messages, 8,000 by default.
"""
