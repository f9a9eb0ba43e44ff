"""`manage.py import_news FILE`: scheduled releases from a CSV or JSON file, all of it or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from execution import news


class Command(BaseCommand):
    help = "Stores the releases of a CSV (name, at, impact, currency, targets, source) or JSON file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be stored.")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            releases = news.check(news.read_file(file.read_bytes()))
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}") from error
        except news.Unusable as error:
            lines = "\n".join(f"  {one}" for one in error.errors)
            raise CommandError(f"{file} is not imported; {len(error.errors)} errors:\n{lines}") from error
        if dry_run:
            for release, what in news.compare(releases):
                self.stdout.write(f"{what:10} {release.at:%Y-%m-%d %H:%M:%S}Z {release.name}")
            return
        self.stdout.write(f"{file}: {news.store(releases, source=f'file {file.name}')}")
