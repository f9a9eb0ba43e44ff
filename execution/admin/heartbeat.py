"""Heartbeats: which process last said that it works."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from execution.models import Heartbeat
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import Tone, ago, badge, moment

SILENT_AFTER = timedelta(seconds=30)


def beat_badge(beat: Heartbeat) -> SafeString:
    silent = timezone.now() - beat.at > SILENT_AFTER
    return badge("silent" if silent else "alive", Tone.BAD if silent else Tone.GOOD)


@admin.register(Heartbeat)
class HeartbeatAdmin(EvidenceAdmin):
    list_display = ("name", "state", "last", "when")
    ordering = ("name",)
    fieldsets = ((None, {"fields": ("name", "state", "last", "when")}),)

    @shown("state")
    def state(self, beat: Heartbeat) -> SafeString:
        return beat_badge(beat)

    @shown("last sign", "at")
    def last(self, beat: Heartbeat) -> str:
        return ago(beat.at, timezone.now())

    @shown("at", "at")
    def when(self, beat: Heartbeat) -> SafeString | str:
        return moment(beat.at)
