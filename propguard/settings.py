"""Settings: all by environment variable, safe where nothing is set. docs/configuration.md lists them."""

from decimal import Decimal

from django.utils.functional import SimpleLazyObject

from propguard.environment import (
    BASE_DIR,
    credentials_keys,
    database,
    deployment,
    env,
    secret_key,
    served_port,
    var_dir,
)
from propguard.interface import UNFOLD  # noqa: F401 - read by unfold

# --- what every installation decides ------------------------------------------------------------------

SECRET_KEY = secret_key()
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Hosts under which only the webhook, its status page and /healthz answer: a tunnel's public name.
PUBLIC_HOSTS = env.list("PROPGUARD_PUBLIC_HOSTS", default=[])
# Peers whose X-Forwarded-For is believed, walked from the right. Addresses or networks.
TRUSTED_PROXIES = env.list("PROPGUARD_TRUSTED_PROXIES", default=[])
HTTPS = env.bool("PROPGUARD_HTTPS", default=False)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DATABASES = {"default": database()}
VAR_DIR = var_dir()
# Read when the first credential is: an installation without any needs no such key.
CREDENTIALS_KEYS = SimpleLazyObject(credentials_keys)

# The source that `enqueue_execution_task_for_entry` hands over to; empty: the only enabled one.
DEPLOYMENT = deployment()
DEFAULT_SOURCE = env.str("PROPGUARD_DEFAULT_SOURCE", default="")
# Connectors from outside, name=dotted.path, separated by commas.
EXTRA_CONNECTORS = env.dict("PROPGUARD_CONNECTORS", default={})
# Ports that a forward connection may send to outside the own network.
FORWARD_PORTS = env.list("PROPGUARD_FORWARD_PORTS", cast=int, default=[443])
SERVED_PORT = served_port()
WEB_WORKERS = env.int("PROPGUARD_WEB_WORKERS", default=2)
WEB_THREADS = env.int("PROPGUARD_WEB_THREADS", default=4)
QUEUE_WORKERS = env.int("PROPGUARD_QUEUE_WORKERS", default=2)
# The watchdog of `manage.py work`: how often the canary flies, and how long the queue may stand still.
# A mark farther off the last one than this share needs a second before it moves anything.
MARK_JUMP_SHARE = Decimal(env.str("PROPGUARD_MARK_JUMP", default="0.05"))
CANARY_EVERY_SECONDS = env.float("PROPGUARD_CANARY_EVERY", default=5.0)
STUCK_AFTER_SECONDS = env.float("PROPGUARD_STUCK_AFTER", default=20.0)

# --- the application ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "propguard.apps.PropGuardConfig",
    "signals_api.apps.SignalsApiConfig",
    "execution.apps.ExecutionConfig",
    "firms.apps.FirmsConfig",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.inlines",
    "unfold.contrib.simple_history",
    "simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
]

# Nothing here touches the database on the webhook's way: sessions and users are read when asked for.
MIDDLEWARE = [
    "propguard.middleware.PublicHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "propguard.urls"
WSGI_APPLICATION = "propguard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "execution.admin.kill.open_kills",
            ],
        },
    },
]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the files are served from where they were installed
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # the default of 300 would drop lockout counters
    }
}

# --- the queue: a doorbell and a worker pool; the rows are the truth (docs/architecture.md) -----------

Q_CLUSTER = {
    "name": "propguard",
    "orm": "default",
    "broker_class": "execution.queue.BellBroker",
    "workers": QUEUE_WORKERS,
    "queue_limit": QUEUE_WORKERS,  # prefetch no more than can start now: the lock runs from the prefetch
    "bulk": 1,
    "timeout": 60,
    "retry": 150,  # > timeout * (queue_limit / workers + 1), or healthy clusters run tasks twice
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
}

# --- security -----------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'"],  # unfold's Alpine evaluates its attributes
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- API ----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["signals_api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["signals_api.parsing.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "signals_api.negotiation.AlwaysJSON",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "signals_api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PropGuard",
    "DESCRIPTION": "The firewall between a trader's signals and a trader's prop-firm accounts.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- logs: one line each, never a secret --------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "propguard.logs.RedactTokens"}},
    "formatters": {
        "line": {
            "()": "propguard.logs.OneLine",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": env.str("PROPGUARD_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django-q": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},  # it logs whole addresses, and some venues' hold a password
        "django.request": {"level": "ERROR"},
    },
}
