"""Makes the tables and so many people with a session each, and prints the keys of the sessions."""

import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

call_command("migrate", verbosity=0)
with transaction.atomic():
    for number in range(int(sys.argv[1])):
        person = get_user_model().objects.create(username=f"person-{number}", email=f"person-{number}@example.org")
        client = Client()
        client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
        print(client.session.session_key)
