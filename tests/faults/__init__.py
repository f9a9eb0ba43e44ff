"""The faults of docs/reliability.md, each a test with its number in its name."""
