"""Test doubles: in-memory storage, Kafka client and broker, clock, and mock servers."""
