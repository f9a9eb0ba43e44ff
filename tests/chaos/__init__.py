"""`make chaos`: thousands of signals while everything is killed and the venue misbehaves; then all is compared."""
