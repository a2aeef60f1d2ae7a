"""Consumes Kafka records: decodes them, stores reports, writes dead letters."""
