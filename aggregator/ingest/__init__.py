"""From a Kafka record to the storage."""
