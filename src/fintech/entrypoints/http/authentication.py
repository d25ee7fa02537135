"""Authentication: the API key in the ``Authorization`` header, as a bearer's token or as a user without password."""

import base64
import binascii
from typing import Final

from attrs import frozen

from fintech.application.api_keys import Authenticate
from fintech.domain.api_keys import OFFICERS, ApiKey
from fintech.domain.scope import Scope
from fintech.entrypoints.http.errors import Problem, Refused
from fintech.entrypoints.http.routes import Role

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="fintech", Basic realm="fintech"'}
_NO_KEY: Final = Problem(
    status=401,
    code="api_key_missing",
    message=(
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth"
        " (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
    ),
    headers=_CHALLENGE,
)
_BAD_KEY: Final = Problem(
    status=401,
    code="api_key_invalid",
    message="Invalid API key provided: it is unknown here, or it has been revoked.",
    headers=_CHALLENGE,
)
_OTHER_ACCOUNT: Final = Problem(
    status=403,
    code="account_invalid",
    message="This API key does not have access to the account that you named.",
)
_OTHER_ROLE: Final = Problem(
    status=403,
    code="role_invalid",
    message="This API key may not do this: officers' keys are for custody, and merchants' keys for all else.",
)


@frozen
class Authentication:
    """Tells who asks, and whether the key is of the role that the operation is for."""

    authenticate: Authenticate

    async def __call__(
        self, header: str | None, account: str | None, role: Role = Role.MERCHANT
    ) -> tuple[Scope, ApiKey]:
        """Whose key it is. Raises `Refused`, also where another account is named than the key's own, and where the key is of
        another role."""
        secret = secret_in(header)
        if secret is None:
            raise Refused(_NO_KEY)
        who = await self.authenticate(secret)
        if who is None:
            raise Refused(_BAD_KEY)
        if account is not None and account != who[0].merchant:
            raise Refused(_OTHER_ACCOUNT)
        if (who[0] == OFFICERS) is not (role is Role.OFFICER):
            raise Refused(_OTHER_ROLE)
        return who


def secret_in(header: str | None) -> str | None:
    """The API key in an ``Authorization`` header (RFC 6750, RFC 7617), or None."""
    scheme, _, rest = (header or "").partition(" ")
    rest = rest.strip()
    if scheme == "Bearer" or scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None
