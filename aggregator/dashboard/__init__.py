"""The dashboard: a web page about ingest, the REST API and what is stored."""
