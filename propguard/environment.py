"""What the environment says, read once, with a clear word when it can't be used."""

import os
import secrets
from base64 import b64encode
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from enforcement.program import Deployment

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def var_dir() -> Path:
    """Where a laptop keeps its database, keys and locks. Nothing is needed there with DATABASE_URL and
    SECRET_KEY set."""
    return Path(os.environ.get("PROPGUARD_VAR", BASE_DIR / "var"))


def secret_file(name: str, make: object = None) -> str:
    """The text of `var/<name>` (mode 0600), made on first use and reused ever after."""
    path = var_dir() / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        value = make() if callable(make) else secrets.token_urlsafe(48)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process was first: its value counts
            return path.read_text().strip()
        with os.fdopen(handle, "w") as file:
            file.write(f"{value}\n")
    return path.read_text().strip()


def secret_key() -> str:
    return os.environ.get("SECRET_KEY") or secret_file("secret_key")


def credentials_keys() -> list[str]:
    """The keys that venues' credentials are encrypted under, the newest first; made on first use."""
    named = os.environ.get("PROPGUARD_CREDENTIALS_KEY", "").split(",")
    given = [key.strip() for key in named if key.strip()]
    return given or secret_file("credentials_key", lambda: b64encode(secrets.token_bytes(32)).decode()).split(
        ","
    )


def bound_to() -> str:
    """Where the web process listens: PROPGUARD_BIND; else every address on a platform's PORT; else this
    machine alone, port 8000."""
    port = os.environ.get("PORT")
    return os.environ.get("PROPGUARD_BIND") or (f"0.0.0.0:{port}" if port else "127.0.0.1:8000")


def served_port() -> int:
    """Its port; 0 where it can't be read, which `up` refuses anyway."""
    number = bound_to().rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def deployment() -> Deployment | None:
    """Where PropGuard runs, by PROPGUARD_DEPLOYMENT; None where nobody says. Some firms ask."""
    word = os.environ.get("PROPGUARD_DEPLOYMENT", "").strip()
    if not word:
        return None
    try:
        return Deployment(word)
    except ValueError:
        known = " or ".join(Deployment)
        raise ImproperlyConfigured(f"PROPGUARD_DEPLOYMENT is {word!r}; it is {known}") from None


def database() -> dict[str, object]:
    """Django's description of DATABASE_URL, or of `var/propguard.sqlite3` where there is none.

    A commit is durable on both: SQLite syncs each one in full, PostgreSQL as it is set up. Connections
    persist: opening one costs more than the work done on it.
    """
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{var_dir() / 'propguard.sqlite3'}"
    config: dict[str, object] = dict(environ.Env.db_url_config(url))
    config["CONN_MAX_AGE"] = None
    if str(config["ENGINE"]).endswith("sqlite3"):
        config["OPTIONS"] = {
            # Upgrading a read to a write fails at once in WAL, whatever the time-out: take the lock first.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    else:
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {
            **dict(config.get("OPTIONS") or {}),  # type: ignore[call-overload]
            "connect_timeout": 2,
            "tcp_user_timeout": 10_000,
            "options": "-c idle_in_transaction_session_timeout=5s -c lock_timeout=2s"
            " -c statement_timeout=10s",
        }
    return config
