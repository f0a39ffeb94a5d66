"""How Django and django-otp are configured."""

import os
from urllib.parse import urlsplit

DEBUG = False
SECRET_KEY = "a-secret-that-only-benchmarks-use"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "views"
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_otp",
    "django_otp.plugins.otp_totp",
]
# What django-otp needs, and nothing else: an API behind a portal needs no CSRF tokens and no headers for browsers.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
]
# Sessions are rows, as they are by default: they outlive the process, and both workers see them.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

_database = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path[1:],
        # Each worker keeps a connection for each of its threads, and PostgreSQL plans a statement once for each.
        "OPTIONS": {
            "pool": {"min_size": 4, "max_size": 4},
            "server_side_binding": True,
            "prepare_threshold": 1,
        },
    }
}
