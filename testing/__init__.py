"""Test tools: the REST suite, mocks, the storage contract, fixtures and message generators."""
