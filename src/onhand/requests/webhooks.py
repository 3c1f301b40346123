"""The arguments of the verbs in ``verbs.webhooks``: webhooks and their deliveries.

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
EVENTS = Doc("The events to send.")
AllowHttp = Doc("Allow plain HTTP: counts can then be read on the way.")
ALLOW_HTTP = Option("--allow-http/--no-allow-http")


@request(Scope.ADMINISTER)
class WebhookAdd:
    """Add a webhook: send these events to an address from now on.

    The answer has the secret that signs messages. It is not shown again.
    """

    url: Annotated[Url, Doc("The receiver's address, such as https://example.com/onhand."), Argument("URL")]
    events: Annotated[Events | None, Doc("The events to send; all events if left out."), Option("--event")] = None
    allow_http: Annotated[bool, AllowHttp, ALLOW_HTTP] = False


@request(Scope.ADMINISTER)
class WebhookEdit:
    """Change a webhook, or switch it off and on. Fields you leave out keep their value. Events while it is off are never sent."""

    webhook: Webhook
    url: Annotated[Url | None, Doc("The new address.")] = None
    events: Annotated[Events | None, EVENTS, Option("--event")] = None
    active: Annotated[bool | None, Doc("Whether events are sent to it."), Option("--active/--inactive")] = None
    allow_http: Annotated[bool | None, AllowHttp, ALLOW_HTTP] = None
    revision: Revision = None


@request(Scope.ADMINISTER)
class WebhookRemove:
    """Remove a webhook and its undelivered messages."""

    webhook: Webhook


@request(Scope.ADMINISTER)
class WebhookList:
    """List all webhooks with their waiting deliveries and latest answer."""


@request(Scope.ADMINISTER)
class WebhookShow:
    """Show a webhook with its deliveries, newest first."""

    webhook: Webhook
    before: Annotated[Number | None, Doc("Only deliveries before this number."), Option(metavar="NO")] = None
    limit: PageLimit = 50


@request(Scope.ADMINISTER)
class WebhookTest:
    """Send a test message now and return the receiver's answer."""

    webhook: Webhook


@request(Scope.ADMINISTER)
class WebhookRetry:
    """Retry a delivery now, even one that was given up."""

    delivery: Annotated[Number, Doc("The delivery's number."), Argument("NO")]
