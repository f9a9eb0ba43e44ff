"""How the venue misbehaves: rules for its next calls, and settings that hold until they are changed."""

from dataclasses import dataclass, fields
from typing import Any

# What an answer may be, whatever was executed.
ANSWERS = frozenset(
    {
        "true",  # as it happened
        "yes",  # success, with an order number that nobody will ever hear of again where nothing was done
        "no",  # refused, with `code`
        "drop",  # the connection is reset
        "hang",  # silence, until released
        "status",  # `status`, with Retry-After where `retry_after` is set
        "penalty",  # 200 and a penalty ticket: neither a yes nor a no
        "html", "empty", "truncated", "huge", "wrong_type", "no_id", "twice", "redirect", "drip",
    }
)  # fmt: skip
ROWS = frozenset({"", "null", "missing", "empty", "stale", "hidden", "duplicated", "reversed", "wrong_type"})
EXECUTES = frozenset({"yes", "no", "late"})

SETTINGS: dict[str, Any] = {
    "unique_ids": True,  # a client id that was used is refused; else it is only a label
    "id_max": 64,
    "id_pattern": "[A-Za-z0-9_.-]+",
    "fill": "whole",  # whole, none (it works until told), or how many contracts at once, one fill each
    "bracket": "on",  # on, off (refused), reject_stop (the entry fills, its stop does not work)
    "disabled": [],  # accounts that may not trade (any more)
    "expired": [],  # symbols whose contract is over
    "clock_offset": 0.0,  # seconds
    "zoneless": False,  # times without a zone
    "balance": None,  # instead of the true one: "NaN", "null", "-1", …
    "currency": None,
    "account_id": None,  # the account that answers, instead of the one asked for
    "max_sessions": 100,  # a further log-in ends the oldest
    "latency": 0.0,
    "hidden_seconds": 0.0,  # orders and fills are listed only this long after they were made
    "hidden": False,  # never
    "calls_per_second": 0,  # 0: no limit; beyond it 429
}


@dataclass
class Rule:
    """One misbehaviour. `on`: the call (place, close, …; * for every one); `times`: how often, None for ever."""

    on: str = "*"
    account: str = ""
    times: int | None = 1
    skip: int = 0  # so many calls that fit pass first
    execute: str = "yes"
    answer: str = "true"
    rows: str = ""
    latency: float = 0.0  # before anything
    linger: float = 0.0  # between executing and answering
    seconds: float = 0.5  # how late, hidden or stale
    status: int = 500
    retry_after: int | None = None
    code: str = "unknown_error"

    def __post_init__(self) -> None:
        if self.answer not in ANSWERS or self.rows not in ROWS or self.execute not in EXECUTES:
            raise ValueError(f"no such rule: {self}")

    def fits(self, what: str, account: str) -> bool:
        return self.on in ("*", what) and self.account in ("", account)


WELL_BEHAVED = Rule(times=None)


class Switches:
    """The rules in order; the first that fits a call is used up by one. Not safe for threads."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, **values: Any) -> None:
        known = {field.name for field in fields(Rule)}
        if unknown := set(values) - known:
            raise ValueError(f"no such field of a rule: {unknown}")
        self.rules.append(Rule(**values))

    def take(self, what: str, account: str) -> Rule:
        """How to answer this call."""
        for rule in self.rules:
            if not rule.fits(what, account) or rule.times == 0:
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.times is not None:
                rule.times -= 1
            return rule
        return WELL_BEHAVED
