"""Insights Results Aggregator: consumes rule results, stores them, serves them over REST."""
