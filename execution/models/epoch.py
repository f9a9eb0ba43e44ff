"""What keeps the ids that venues know our orders by from ever being used twice."""

from typing import ClassVar

from django.db import models


class Epoch(models.Model):
    """The database's life from one restore to the next. Append-only.

    A restored database counts its signals and exits on from an earlier number, and venues remember the
    orders sent under the numbers it has lost. So every id carries the code of its epoch.
    """

    code = models.CharField(max_length=8, unique=True)
    began_at = models.DateTimeField()
    reason = models.TextField(blank=True)

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.code
