"""Enrolls users, each with one TOTP device, in two statements."""

import sys

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402


def key(number):
    return f"peer-secret-{number:08}".encode().hex()


users = [User(username=f"user-{number}", password="!") for number in range(int(sys.argv[1]))]
users = User.objects.bulk_create(users)
TOTPDevice.objects.bulk_create(
    TOTPDevice(user=user, name="app", confirmed=True, key=key(number)) for number, user in enumerate(users)
)
