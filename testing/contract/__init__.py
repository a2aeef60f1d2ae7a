"""Contract tests for storage implementations; each test takes the fixture `storage`."""
