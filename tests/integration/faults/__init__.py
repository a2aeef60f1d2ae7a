"""Faults while a backlog is consumed: each ends with the expected rows for all messages.

FAULT_MESSAGES says how many messages there are, 12,000 unless told otherwise.
"""
