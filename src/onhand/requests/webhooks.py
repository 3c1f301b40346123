"""What the verbs of ``verbs.webhooks`` take: webhooks and their deliveries.

Path: bound by ``verbs.webhooks``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc
from annotated_types import Len, MaxLen

from onhand.domain.people import Scope
from onhand.domain.webhooks import URL_LENGTH_MAX, Event

from .declaring import Argument, Option, request
from .kinds import Number, PageLimit, Revision

Webhook = Annotated[Number, Doc("The webhook's number."), Argument("NO")]
Url = Annotated[str, Len(1, URL_LENGTH_MAX)]
Events = Annotated[list[Event], MaxLen(10)]
EVENTS = Doc("Tell it of this; may be given several times.")
AllowHttp = Doc("Allow plain HTTP: counts can be read on the way then.")
ALLOW_HTTP = Option("--allow-http/--no-allow-http")


@request(Scope.ADMINISTER)
class WebhookAdd:
    """Tell an address of these events from now on.

    The answer has the secret that proves who sends, and is the only one to have it.
    """

    url: Annotated[Url, Doc("Where it listens, as in https://example.com/onhand."), Argument("URL")]
    events: Annotated[
        Events | None, Doc("Tell it of this; may be given several times. Of everything if left out."), Option("--event")
    ] = None
    allow_http: Annotated[bool, AllowHttp, ALLOW_HTTP] = False


@request(Scope.ADMINISTER)
class WebhookEdit:
    """Change a webhook, or switch it off and on; what is not given stays. What happens while it is off is not told later."""

    webhook: Webhook
    url: Annotated[Url | None, Doc("A new address.")] = None
    events: Annotated[Events | None, EVENTS, Option("--event")] = None
    active: Annotated[bool | None, Doc("Whether it is told anything."), Option("--active/--inactive")] = None
    allow_http: Annotated[bool | None, AllowHttp, ALLOW_HTTP] = None
    revision: Revision = None


@request(Scope.ADMINISTER)
class WebhookRemove:
    """Remove a webhook, with what was not delivered to it yet."""

    webhook: Webhook


@request(Scope.ADMINISTER)
class WebhookList:
    """List all webhooks with how many deliveries wait and the last one's answer."""


@request(Scope.ADMINISTER)
class WebhookShow:
    """Show a webhook with its deliveries, the newest first."""

    webhook: Webhook
    before: Annotated[Number | None, Doc("Only older deliveries."), Option(metavar="NO")] = None
    limit: PageLimit = 50


@request(Scope.ADMINISTER)
class WebhookTest:
    """Send a test message at once and say what was answered."""

    webhook: Webhook


@request(Scope.ADMINISTER)
class WebhookRetry:
    """Try a delivery again now, also one that was given up."""

    delivery: Annotated[Number, Doc("The delivery's number."), Argument("NO")]
