"""The least Django site that has django-allauth's headless API, as its manual has it. Its settings and its addresses."""

import os

DEBUG = False
SECRET_KEY = "a secret for a comparison that is thrown away afterwards"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "site_of_peer"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["PEER_DATABASE"]}}
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "allauth", "allauth.account",
    "allauth.headless",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "allauth.account.middleware.AccountMiddleware",
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
HEADLESS_ONLY = True
HEADLESS_FRONTEND_URLS = {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# It would refuse the load.
ACCOUNT_RATE_LIMITS = False


def __getattr__(name):
    """Addresses and the application, which need the settings above."""
    if name == "urlpatterns":
        from django.urls import include, path
        return [path("accounts/", include("allauth.urls")), path("_allauth/", include("allauth.headless.urls"))]
    if name == "application":
        from django.core.wsgi import get_wsgi_application
        return get_wsgi_application()
    raise AttributeError(name)
