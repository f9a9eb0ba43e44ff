"""`make bench`: PropGuard beside stock django-q2 with naive ORM, in one run on one machine.

Both sides take the same alerts over the same kind of server, ask the same `enforcement.evaluate_order`
and write the same rows; each has a scratch database of its own on the same SQLite or PostgreSQL, so
that neither grows or sweeps the other's tables. Rounds alternate, because a shared machine's speed
moves by more within a minute than most changes do: read the ratios, not the milliseconds.
"""
