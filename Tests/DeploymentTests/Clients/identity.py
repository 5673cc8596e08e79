"""Who the programs here are, where Keystone knows them: its users have one password."""

import typing

from keystoneauth1 import session
from keystoneauth1.identity import v3

PASSWORD = "secret"


class Keystone(typing.NamedTuple):
    url: str
    # The id of the project that all act for.
    project: str

    def credentials(self, user="member"):
        return {
            "auth_url": f"{self.url}/v3",
            "username": user,
            "password": PASSWORD,
            "user_domain_name": "Default",
            "project_id": self.project,
        }

    def session(self, user="member"):
        """Logs in once, however many requests it makes."""
        return session.Session(auth=v3.Password(**self.credentials(user)))
