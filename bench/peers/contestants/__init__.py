"""What is compared: how each contestant is installed, started, and given sessions. None knows the others."""

from . import allauth, better_auth, countersign, glewlwyd, lemonldap, nginx, oidc_provider

# In the order of the table; those behind nginx are made of the others.
DIRECT = [nginx.Floor, countersign.Countersign, glewlwyd.Glewlwyd, better_auth.BetterAuth, oidc_provider.OidcProvider,
          allauth.Allauth]
BEHIND = [nginx.Proxied, nginx.CountersignBehind, nginx.GlewlwydBehind, lemonldap.LemonLdap]
