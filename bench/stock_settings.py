"""The naive side: Django's and django-q2's usual ways on the same database set-up.

Kept from PropGuard although Django's defaults are slower: persistent connections, WAL, middleware.
"""

from bench.settings import *  # noqa: F403 - all of it, but for what follows

ROOT_URLCONF = "bench.stock_web"
Q_CLUSTER = {
    "name": "stock",
    "orm": "default",  # the stock broker, polling every 0.2 s
    "workers": 2,
    "queue_limit": 4,  # its default: workers squared
    "timeout": 60,
    "retry": 200,
    "log_level": "WARNING",
}
