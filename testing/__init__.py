"""What testers use: the REST suite, mocks, the storage contract and fixtures."""
