"""What other apps bring to the admin: users kept, queue rows and lockout logs kept away from hands.

The queue's rows are signed pickles with buttons to send them again: an admin who can edit them runs
code, and could send an order's task twice.
"""

from typing import Any

from axes import admin as _axes  # noqa: F401 - registers its models, which are taken off again below
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_q import admin as _django_q  # noqa: F401 - likewise
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from firms.admin.base import PlainAdmin

for model in (Failure, OrmQ, Schedule, Success, AccessAttempt, AccessFailureLog, AccessLog, User, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class SuperusersOnly(admin.ModelAdmin):
    """Whoever may give rights has all of them: so only those who have them anyway."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


@admin.register(User)
class UserAdmin(SuperusersOnly, auth_admin.UserAdmin, PlainAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(SuperusersOnly, auth_admin.GroupAdmin, PlainAdmin):
    pass
