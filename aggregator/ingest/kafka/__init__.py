"""Clients of Kafka: consumers, producers, admin queries, and their records."""
