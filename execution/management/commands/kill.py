"""`manage.py kill`: the kill switch from the command line. Needs the database and the venue, nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from execution import flattening, kill
from execution.kill_report import KillReport
from firms.services import MayNotRelease, Subject


class Command(BaseCommand):
    help = (
        "Engages the kill switch for the platform (or a firm, program or account), closes every position and "
        "says how far it is until two looks have found everything flat. Exit status 0 only then; with "
        "--no-flatten once nothing of ours is on the wire, working or in doubt. Engaged again it goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--firm", metavar="CODE")
        scope.add_argument("--program", metavar="CODE/NUMBER")
        scope.add_argument("--account", metavar="LABEL", help="TRADER/LABEL where two share it.")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--no-flatten", action="store_true", help="Stop entries; leave positions open.")
        parser.add_argument("--seconds", type=float, default=60.0, help="How long to go on (60).")
        parser.add_argument("--release", action="store_true", help="Release it instead, as --user.")
        parser.add_argument("--user", metavar="NAME", help="Who acts; to release, one with the permission.")

    def handle(self, *args: Any, reason: str, seconds: float, release: bool, **options: Any) -> None:
        if not reason.strip():
            raise CommandError("Give a reason.")
        subject, actor = _subject(options), _user(options["user"])
        if release:
            self._release(subject, reason, actor)
            return
        kill.engage(subject, flatten=not options["no_flatten"], reason=reason, actor=actor)
        self._say("engaged: no entry leaves any more")
        said: list[str] = []

        def tell(report: KillReport) -> None:
            if said[-1:] != [report.words]:
                said.append(report.words)
                self._say(report.words)

        report = flattening.run(subject, seconds, tell)
        if not report.is_done:
            self._say(f"not done after {seconds:g} s; the switch stays on, and a running supervisor goes on")
            raise SystemExit(1)

    def _release(self, subject: Subject, reason: str, actor: Any) -> None:
        try:
            released = kill.release(subject, reason=reason, actor=actor)
        except MayNotRelease as error:
            raise CommandError(f"{error} Name one with --user.") from error
        left = [str(flag.subject) for flag in kill.kills_over(subject)]
        self._say("released" if released else "it was not engaged")
        if left:
            raise CommandError(f"Still killed: {', '.join(left)}.")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _subject(options: dict[str, Any]) -> Subject:
    for scope in ("firm", "program", "account"):
        if options[scope] is not None:
            try:
                return kill.subject_named(scope, options[scope])
            except LookupError as error:
                raise CommandError(str(error)) from error
    return None


def _user(name: str | None) -> Any:
    if name is None:
        return None
    user = get_user_model()._default_manager.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
