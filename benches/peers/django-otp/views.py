"""A Django application, as small as one can be, whose users sign in with a code of django-otp."""

import django_otp
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.urls import path


def sign_in(request):
    """The first factor is done: the user gets a session that has no second factor. Not measured."""
    login(request, User.objects.get(username=request.POST["user"]))
    return HttpResponse(status=204)


def challenge(request):
    """Tells with which devices the user can answer."""
    devices = django_otp.devices_for_user(request.user)
    return JsonResponse({"devices": [device.persistent_id for device in devices]})


def verify(request):
    """Verifies a code with one device and marks the session as verified, as django-otp's documentation recommends."""
    device = django_otp.verify_token(request.user, request.POST["device"], request.POST["code"])
    if device is None:
        return HttpResponseForbidden()
    django_otp.login(request, device)
    return HttpResponse(status=204)


urlpatterns = [
    path("sign-in", sign_in),
    path("challenge", challenge),
    path("verify", verify),
]
