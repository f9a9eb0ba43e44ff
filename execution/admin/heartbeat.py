"""Heartbeats: which part last said that it works, and how long it may be silent."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from execution import heartbeats
from execution.models import Heartbeat
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import NOTHING, Tone, ago, badge, moment

# What has no limit of its own (a cluster that was ended, the listener) is shown as gone, not as trouble.
GONE_AFTER = timedelta(seconds=30)


def beat_badge(beat: Heartbeat) -> SafeString:
    age = timezone.now() - beat.at
    if heartbeats.is_silent(beat.name, age):
        return badge("silent", Tone.BAD)
    if beat.name not in heartbeats.LIMITS and age > GONE_AFTER:
        return badge("gone", Tone.CALM)
    return badge("alive", Tone.GOOD)


@admin.register(Heartbeat)
class HeartbeatAdmin(EvidenceAdmin):
    list_display = ("name", "state", "last", "limit", "when", "begun")
    ordering = ("name",)
    fieldsets = ((None, {"fields": ("name", "state", "last", "limit", "when", "begun")}),)

    @shown("state")
    def state(self, beat: Heartbeat) -> SafeString:
        return beat_badge(beat)

    @shown("last sign", "at")
    def last(self, beat: Heartbeat) -> str:
        return ago(beat.at, timezone.now())

    @shown("at", "at")
    def when(self, beat: Heartbeat) -> SafeString | str:
        return moment(beat.at)

    @shown("silent after")
    def limit(self, beat: Heartbeat) -> str:
        limit = heartbeats.LIMITS.get(beat.name)
        return NOTHING if limit is None else f"{limit.total_seconds():.0f} s"

    @shown("since", "since")
    def begun(self, beat: Heartbeat) -> SafeString | str:
        return moment(beat.since)
