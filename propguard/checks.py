"""System checks: what makes an installation unsafe is said at start, with the way to mend it."""

import os
import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from execution import storage
from firms import overrides

_OVERRIDE = re.compile(
    r"([A-Z0-9]+)_(?:(\d+)_)?(?:MAX_CONTRACTS|DAILY_LOSS_LIMIT|MAX_DRAWDOWN|MAX_RISK_PERCENT|ALLOWED_SESSIONS)"
)


@register()
def environment_overrides(**_: Any) -> list[CheckMessage]:
    """Overrides that can't be read block their programs, and somebody should know before the first alert."""
    named = [match for name in os.environ if (match := _OVERRIDE.fullmatch(name))]
    problems = {p for m in named for p in overrides.read(m[1], int(m[2] or 0)).problems}
    return [
        Warning(f"{problem}: the programs it concerns refuse every entry.", id="propguard.W001")
        for problem in sorted(problems)
    ]


@register()
def queue_settings(**_: Any) -> list[CheckMessage]:
    """A queue lock that runs out while its task still waits makes healthy clusters run tasks twice."""
    q = settings.Q_CLUSTER
    needed = q["timeout"] * (q["queue_limit"] / q["workers"] + 1)
    if q["retry"] > needed:
        return []
    return [Error(f"Q_CLUSTER retry {q['retry']} must be above {needed:.0f}.", id="propguard.E001")]


@register(Tags.database)
def database_takes_writes(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """After a restore files may belong to somebody else; `work`, `supervise` and `up` refuse to start."""
    problem = storage.refusal() if databases else None
    return [] if problem is None else [Error(problem, id="propguard.E003")]


@register(Tags.security, deploy=True)
def secret_key_is_strong(**_: Any) -> list[CheckMessage]:
    """Queue payloads are signed pickles: whoever has the key and the database runs code here."""
    if len(settings.SECRET_KEY) >= 50 and not settings.SECRET_KEY.startswith("django-insecure"):
        return []
    return [Error("SECRET_KEY must be at least 50 random characters.", id="propguard.E002")]


@register(Tags.security, deploy=True)
def credentials_key_is_kept(**_: Any) -> list[CheckMessage]:
    """A key made on a disk that a deployment throws away makes every stored credential unreadable."""
    if os.environ.get("PROPGUARD_CREDENTIALS_KEY") or not os.environ.get("DATABASE_URL"):
        return []
    return [
        Warning(
            "The database is elsewhere, but the key of its credentials is in var/ on this machine: set "
            "PROPGUARD_CREDENTIALS_KEY (openssl rand -base64 32).",
            id="propguard.W002",
        )
    ]
