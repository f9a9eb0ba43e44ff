"""What an engaged kill switch is to do, and the last looks at whether its accounts are flat."""

from django.db import models

from firms.models import Account, Flag


class Kill(models.Model):
    """What goes with an engaged kill switch. The switch itself is the flag: while that is open, it is on."""

    flag = models.OneToOneField(Flag, on_delete=models.PROTECT, primary_key=True, related_name="kill")
    flatten = models.BooleanField(help_text="Close every position in its scope, and keep it flat.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.flag.subject}: killed"


class FlatCheck(models.Model):
    """The last look at an account that is to be flat. Flat is what two looks say, two seconds apart.

    Any process may look, and any can report: what it saw is here.
    """

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="flat_check"
    )
    looked_at = models.DateTimeField(help_text="When the last look began.")
    positions = models.PositiveIntegerField(default=0, help_text="What the venue then showed as held.")
    working = models.PositiveIntegerField(default=0, help_text="Orders that could still fill.")
    flat_at = models.DateTimeField(null=True, help_text="The first of the looks since which it was flat.")
    verified_at = models.DateTimeField(null=True, help_text="A later look that found it flat again.")
    note = models.TextField(blank=True, help_text="Why the account could not be looked at.")

    def __str__(self) -> str:
        return f"{self.account}: {'flat' if self.verified_at else 'not verified'}"
