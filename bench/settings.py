"""PropGuard as it is, but for the paper venue, which only notes when it is called."""

from propguard.settings import *  # noqa: F403 - all of it, and one thing more
from propguard.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.apps.BenchConfig"]
