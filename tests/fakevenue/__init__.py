"""A venue in a process of its own: real HTTP, a journal that outlives kill -9, and every way to misbehave.

`python -m tests.fakevenue --journal FILE` serves it; `process.FakeVenue` starts, steers and kills it from a test;
`connector.FakeVenueConnector` is how PropGuard talks to it; `checker.check` compares what it executed with what
PropGuard believes.
"""
