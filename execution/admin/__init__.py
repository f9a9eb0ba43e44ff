"""The admin of what happens: signals, decisions, orders, positions, and the accounts they are about."""

from execution.admin import (  # noqa: F401
    account,
    alarm,
    api_key,
    connection,
    decision,
    exit,
    heartbeat,
    kill,
    mark,
    news,
    order,
    position,
    reconciliation,
    route,
    signal,
    source,
)
