#!/usr/bin/env bash
# Installs django-otp and what serves it from PyPI into a folder.
set -euo pipefail
folder=$1

python3 -m venv --clear "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement "$(dirname "$0")/requirements.txt"
