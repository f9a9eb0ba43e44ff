"""Showing a secret exactly once: in the answer to the POST that made it, and kept nowhere.

Not as a message: Django keeps those in a cookie or in the session until the next page. No browser
stores the answer: the admin sends every page with `Cache-Control: no-store`.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django_htmx.http import reselect, reswap, retarget


def in_dialog(request: HttpRequest, once: Mapping[str, Any]) -> HttpResponse:
    """The whole dialog is replaced, buttons too: a second click must not make a second secret."""
    response = render(request, "propguard/once_dialog.html", {"once": once})
    reselect(reswap(retarget(response, "#modal-content"), "innerHTML"), "#dialog")
    return response


def on_page(
    request: HttpRequest, model_admin: "ModelAdmin[Any]", row: object, once: Mapping[str, Any]
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": once["heading"],
        "once": once,
    }
    return TemplateResponse(request, "propguard/once.html", context)
