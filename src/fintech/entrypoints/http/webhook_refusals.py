"""What is refused about webhooks, as the wire says it."""

from typing import Final

from fintech.application.webhooks.deliveries import EndpointDisabled, ResendRefusal
from fintech.application.webhooks.endpoints import EndpointRefusal, TooManyEndpoints, UnknownType
from fintech.domain.webhooks.endpoint import TooManySecrets
from fintech.domain.webhooks.urls import URL_MAX, UrlFault, UrlRefused
from fintech.entrypoints.http.errors import Problem
from fintech.entrypoints.http.refusals import problem_of

_URL_FAULTS: Final = {
    UrlFault.TOO_LONG: f"A URL has at most {URL_MAX} characters.",
    UrlFault.NOT_A_URL: "This is not the URL of a web server: https://host/path, in printable ASCII.",
    UrlFault.NOT_HTTPS: "Events are sent by https only; in test mode by http to this machine (localhost), too.",
    UrlFault.CREDENTIALS: "A URL has no user name and no password in it. Verify the signature instead.",
    UrlFault.FRAGMENT: "A URL has no fragment (#…): it would not be sent.",
    UrlFault.HOST: "The host of this URL is not a name, nor an address in its ordinary spelling.",
    UrlFault.NOT_PUBLIC: "The host of this URL cannot be reached from the internet.",
    UrlFault.PORT: "Events are sent to the ports 80, 443, and 1024 and above.",
}


def webhook_problem_of(refused: EndpointRefusal | ResendRefusal) -> Problem:
    """The problem that a refusal is."""
    match refused:
        case UrlRefused(fault=fault):
            return Problem(code="url_invalid", message=_URL_FAULTS[fault], param="url")
        case UnknownType():
            message = "Name the types of events that are wanted, or * for all."
            return Problem(code="parameter_invalid_value", message=message, param="enabled_events")
        case TooManyEndpoints(most=most):
            message = f"An account has at most {most} webhook endpoints. Remove one first."
            return Problem(code="limit_reached", message=message)
        case TooManySecrets(most=most):
            message = f"{most} old secrets still sign. Wait for one to end, or let this one end at once."
            return Problem(code="limit_reached", message=message, param="old_secret_expires_in")
        case EndpointDisabled():
            message = "This webhook endpoint is disabled. Enable it first."
            return Problem(code="webhook_endpoint_disabled", message=message, param="webhook_endpoint")
        case _:
            return problem_of(refused)
