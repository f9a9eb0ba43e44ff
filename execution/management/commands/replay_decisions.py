"""`manage.py replay_decisions`: does the present engine still say what it said then."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from enforcement.explain import plain
from execution.models import Decision
from execution.replaying import Difference, differences, has_context
from firms.models import Account


class Command(BaseCommand):
    help = (
        "Computes stored decisions again, the newest first, and lists those whose outcomes, codes or numbers "
        "differ. Exit status 1 if any does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=_instant, metavar="DATE", help="From this day (UTC) or instant on."
        )
        parser.add_argument("--account", metavar="LABEL", help="Only the decisions on one account.")
        parser.add_argument("--limit", type=int, metavar="N", help="Only the newest N of them.")
        parser.add_argument(
            "--json", action="store_true", help="One JSON object a line: each that differs, then the totals."
        )

    def handle(
        self, *, since: datetime | None, account: str | None, limit: int | None, json: bool, **_: Any
    ) -> None:
        same = different = without = 0
        for row in _chosen(since, account, limit).iterator(chunk_size=500):
            if not has_context(row):
                without += 1
            elif found := differences(row):
                different += 1
                self.stdout.write(_as_json(row, found) if json else _as_text(row, found))
            else:
                same += 1
        self.stdout.write(_totals(same, different, without, as_json=json))
        if different:
            raise SystemExit(1)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-03-04") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _chosen(since: datetime | None, account: str | None, limit: int | None) -> QuerySet[Decision]:
    rows = Decision.objects.select_related("account").order_by("-pk")
    if since is not None:
        rows = rows.filter(decided_at__gte=since)
    if account is not None:
        if not Account.objects.filter(label=account).exists():
            raise CommandError(f"There is no account {account!r}.")
        rows = rows.filter(account__label=account)
    return rows if limit is None else rows[: max(limit, 0)]


def _as_text(row: Decision, found: list[Difference]) -> str:
    size = "" if row.quantity is None else f" {plain(row.quantity)}"
    head = f"decision {row.pk}  {row.decided_at:%Y-%m-%d %H:%M:%S}Z  {row.account.label}  {row.leg}"
    lines = [f"{head} {row.side}{size} {row.symbol}"]
    lines += [f"    {one.what}: {_shown(one.stored)} then, {_shown(one.computed)} now" for one in found]
    return "\n".join(lines)


def _shown(value: object) -> str:
    """Numbers without the zeros that their column or their arithmetic gave them."""
    try:
        return plain(Decimal(str(value)))
    except InvalidOperation:
        return "nothing" if value is None else str(value)


def _as_json(row: Decision, found: list[Difference]) -> str:
    what = {
        "decision": row.pk,
        "decided_at": row.decided_at.isoformat(),
        "account": row.account.label,
        "leg": row.leg,
        "differences": [{"what": d.what, "stored": d.stored, "computed": d.computed} for d in found],
    }
    return json.dumps(what, default=str)


def _totals(same: int, different: int, without: int, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"same": same, "different": different, "without_context": without})
    text = f"{same + different} replayed: {same} the same, {different} different"
    return f"{text}; {without} have no context" if without else text
