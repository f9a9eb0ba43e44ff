"""PropGuard as it is, but for the paper venue, which only notes when it is called."""

from propguard.settings import *
from propguard.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "bench.apps.BenchConfig"]
