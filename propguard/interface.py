"""How the admin looks and what its sidebar holds. Settings take `UNFOLD` from here; unfold reads it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

Item = dict[str, Any]
_SECTIONS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Trading",
        (
            ("Accounts", "account_balance_wallet", "firms.account"),
            ("Decisions", "gavel", "execution.decision"),
            ("Orders", "receipt_long", "execution.order"),
            ("Exits", "logout", "execution.exit"),
            ("Positions", "stacked_line_chart", "execution.position"),
            ("Signals", "sensors", "execution.signal"),
            ("Payouts", "payments", "firms.cashflow"),
        ),
    ),
    (
        "Rules",
        (
            ("Firms", "domain", "firms.firm"),
            ("Programs", "rule", "firms.program"),
            ("Instruments", "candlestick_chart", "firms.instrument"),
            ("Sessions", "schedule", "firms.tradingsession"),
            ("Closures", "event_busy", "firms.marketclosure"),
            ("News", "newspaper", "execution.newsevent"),
            ("Evidence", "fact_check", "firms.termsource"),
        ),
    ),
    (
        "Wiring",
        (
            ("Sources", "input", "execution.signalsource"),
            ("Routes", "alt_route", "execution.route"),
            ("Connections", "power", "execution.connection"),
            ("API keys", "key", "execution.apikey"),
            ("Marks", "price_change", "execution.mark"),
        ),
    ),
    (
        "Watch",
        (
            ("Alarms", "notifications_active", "execution.alarm"),
            ("Kill switch", "emergency_home", "execution.kill"),
            ("Flags", "flag", "firms.flag"),
            ("Audit", "history_edu", "firms.auditentry"),
            ("Reconciliations", "compare_arrows", "execution.reconciliation"),
            ("Heartbeats", "monitor_heart", "execution.heartbeat"),
            ("Traders", "person", "firms.trader"),
            ("Users", "group", "auth.user"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar; a number beside what is open and wants a person."""
    from execution.admin.home import open_numbers

    numbers = open_numbers(request)
    home: Item = {"title": "Home", "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = []
    for title, items in _SECTIONS:
        entries = [_item(*item, numbers) for item in items]
        if title == "Trading":
            entries.insert(0, home)
        groups.append({"title": title, "separator": bool(groups), "items": entries})
    return groups


def _item(title: str, icon: str, model: str, numbers: dict[str, int]) -> Item:
    app, name = model.split(".")
    item: Item = {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _may_view(app, name),
    }
    if numbers.get(model):
        item["badge"], item["badge_variant"] = numbers[model], "danger"
    return item


def _may_view(app: str, name: str) -> Callable[[HttpRequest], bool]:
    return lambda request: any(request.user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def _file(name: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(f"propguard/{name}")


# Indigo: green, amber and red are kept for what the rules say.
_PRIMARY = {
    "50": "oklch(96.2% .018 272.314)",
    "100": "oklch(93% .034 272.788)",
    "200": "oklch(87% .065 274.039)",
    "300": "oklch(78.5% .115 274.713)",
    "400": "oklch(67.3% .182 276.935)",
    "500": "oklch(58.5% .233 277.117)",
    "600": "oklch(51.1% .262 276.966)",
    "700": "oklch(45.7% .24 277.023)",
    "800": "oklch(39.8% .195 277.366)",
    "900": "oklch(35.9% .144 278.697)",
    "950": "oklch(25.7% .09 281.288)",
}

UNFOLD: dict[str, object] = {
    "SITE_TITLE": "PropGuard",
    "SITE_HEADER": "PropGuard",
    "SITE_SUBHEADER": "Every order judged first",
    "SITE_URL": None,
    "SITE_ICON": _file("logo.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("favicon.svg")}],
    "STYLES": [_file("admin.css")],
    "COLORS": {"primary": _PRIMARY},
    "BORDER_RADIUS": "8px",
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "execution.admin.home.environment",
    "DASHBOARD_CALLBACK": "execution.admin.home.home",
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": navigation},
    "COMMAND": {
        "search_models": ["firms.account", "firms.program", "firms.firm", "firms.instrument"],
        "show_history": False,
    },
}
