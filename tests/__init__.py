"""PropGuard's specification: what it does, as sentences that run."""
