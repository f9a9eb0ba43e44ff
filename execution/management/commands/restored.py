"""`manage.py restored`: to be run after a backup was put back, before anything is started."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from execution import epochs
from execution.clock import database_now


class Command(BaseCommand):
    help = (
        "After a backup was restored: no order id is ever used twice, and every entry is refused until "
        "--release. Exits work meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="Such as: disk failed, backup of 06:00.")
        parser.add_argument(
            "--release", action="store_true", help="The accounts were compared with their venues: go on."
        )

    def handle(self, *args: Any, reason: str, release: bool, **options: Any) -> None:
        if not release:
            epoch = epochs.restored(reason, database_now())
            self.stdout.write(
                f"Order ids begin with pg-{epoch.code}- from here on, and every entry is refused. Compare "
                "the orders and positions of each account with its venue, then: "
                'manage.py restored --release --reason "…"'
            )
            return
        try:
            was_blocked = epochs.release(reason, database_now())
        except epochs.Unsettled as error:
            raise CommandError(f"Settle these first, on their pages in the admin: {error}") from error
        self.stdout.write("Entries may go on." if was_blocked else "Nothing was blocked by a restore.")
