#!/usr/bin/env bash
# Serves until it is told to stop.
#
#   serve.sh <folder> postgres://user@host:port/database <host:port>
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=settings DATABASE_URL=$2

# One worker for each core. Threads let a worker go on while another of its requests waits for PostgreSQL, and keep
# connections of the load open, which the synchronous worker can't.
exec "$1/venv/bin/gunicorn" --bind "$3" --workers 2 --worker-class gthread --threads 4 --keep-alive 60 \
    --log-level warning 'django.core.wsgi:get_wsgi_application()'
