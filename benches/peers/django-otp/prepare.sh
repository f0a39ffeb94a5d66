#!/usr/bin/env bash
# Makes the tables of the application and enrolls its users. No user has a password.
#
#   prepare.sh <folder> postgres://user@host:port/database <users>
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=settings DATABASE_URL=$2

"$1/venv/bin/django-admin" migrate --verbosity 0
"$1/venv/bin/python" "$here/enroll.py" "$3"
