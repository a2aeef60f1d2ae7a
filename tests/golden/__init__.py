"""Recorded answers of the reference service, replayed against ours."""
