"""The WSGI entry point: `gunicorn propguard.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "propguard.settings")
application = get_wsgi_application()
