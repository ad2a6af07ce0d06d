"""Drives ChatKitty's Python SDK, chatkitty-server-side-sdk 1.0.0; prints what it saw as one line of JSON.

Usage: sdk.py SCENARIO. The SDK fetches no token of its own, so this does.
"""

import base64
import json
import os
import sys
import urllib.request

from openapi_client import ApiClient, ApiException, Configuration
from openapi_client.api.application_api import ApplicationApi
from openapi_client.model.application_settings_properties import ApplicationSettingsProperties

# Without addresses the SDK would talk to the live ChatKitty.
base_url, token_url = os.environ["CHATKITTY_BASE_URL"], os.environ["CHATKITTY_TOKEN_URL"]
credentials = f"{os.environ['CHATKITTY_CLIENT_ID']}:{os.environ['CHATKITTY_CLIENT_SECRET']}".encode()
request = urllib.request.Request(
    token_url,
    data=b"grant_type=client_credentials",
    headers={"Authorization": "Basic " + base64.b64encode(credentials).decode()},
)
token = json.load(urllib.request.urlopen(request))["access_token"]
api = ApplicationApi(ApiClient(Configuration(host=base_url, access_token=token)))


def update(**settings):
    return api.update_authenticated_application_settings(ApplicationSettingsProperties(**settings)).to_dict()


def update_as_of_2022():
    """Its model knows one of the two settings that are required since."""
    try:
        return update(guest_users="DISABLED")
    except ApiException as error:
        return {"status": error.status, "data": json.loads(error.body)}


def update_settings():
    updated = update(guest_users="DISABLED", userCreatedChannels="DISABLED")
    assert api.retrieve_authenticated_application_settings().to_dict() == updated
    return updated


scenarios = {
    "retrieve-application": lambda: api.retrieve_authenticated_application().to_dict(),
    "retrieve-settings": lambda: api.retrieve_authenticated_application_settings().to_dict(),
    "update-settings": update_settings,
    "update-as-of-2022": update_as_of_2022,
}
print(json.dumps(scenarios[sys.argv[1]](), default=str))
