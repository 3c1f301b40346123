"""What the verbs of ``verbs.carts`` take: carts, their keys, and how they are aligned and switched on.

Path: bound by ``verbs.carts``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_doc import Doc
from annotated_types import Interval, Len, MaxLen

from onhand.domain.people import Scope
from onhand.domain.stock import QUANTITY_MAX

from .declaring import Absent, Argument, Option, Pattern, request
from .kinds import AllLines, AnyCart, CartName, DryRun, Person, Revision, Shared, Sku, Text

# The key file is PHP, so what goes into it is checked before a key is changed. The forms are those of docs/protocol.md.
KEY_ID = Pattern(r"^[A-Za-z0-9_-]{0,40}$")
PREFIX = Pattern(r"^[A-Za-z0-9_]{0,40}$")
HOST = Pattern(r"^[A-Za-z0-9_.:%/-]{1,255}$")
BATCH_MAX = 2000
AllowHttp = Doc("Allow plain HTTP: the key stays secret, counts do not. For a database: allow a plain connection.")
ALLOW_HTTP = Option("--allow-http/--no-allow-http")


@request(Scope.MANAGE)
class CartAdd:
    """Connect a shop: its name and the address of the connector file in it, or of its database."""

    name: Annotated[str, Len(1, 100), Doc("What you call this shop."), Argument("NAME")]
    url: Annotated[
        str,
        MaxLen(2000),
        Doc(
            "Where onhand.php is, as in https://www.example.com/onhand.php; or the shop's database, as in"
            " mysql://user@db.example/shop."
        ),
        Option("--url"),
    ]
    allow_http: Annotated[bool, AllowHttp, ALLOW_HTTP] = False
    key_id: Annotated[str, KEY_ID, Doc("The id of a key that exists already."), Absent("`cart key` makes one")] = ""
    secret: Annotated[
        str,
        MaxLen(200),
        Doc("64 hexadecimal digits, or the password of the database user."),
        Absent("others could see it in the list of processes: a password is asked for"),
    ] = ""


@request(Scope.MANAGE)
class CartEdit:
    """Change a cart's settings; what is not given stays."""

    cart: CartName
    name: Annotated[Text | None, Doc("A new name.")] = None
    url: Annotated[Text | None, Doc("A new address.")] = None
    allow_http: Annotated[bool | None, AllowHttp, ALLOW_HTTP] = None
    active: Annotated[bool | None, Doc("Whether it is used at all."), Option("--active/--inactive")] = None
    policy: Annotated[
        Literal["ours", "theirs", "ask", "default"] | None, Doc("What a count typed into the shop means.")
    ] = None
    buffer: Annotated[Annotated[int, Interval(ge=0, le=QUANTITY_MAX)] | None, Doc("Units withheld from this shop.")] = (
        None
    )
    batch_size: Annotated[
        Annotated[int, Interval(ge=0, le=BATCH_MAX)] | None,
        Doc("Maximum number of items per send; 0: as the system parameter says."),
    ] = None
    tick_seconds: Annotated[
        Annotated[float, Interval(ge=0, le=3600)] | None,
        Doc("How often it is looked at, in seconds; 0: as the system parameter says."),
    ] = None
    settle_seconds: Annotated[
        Annotated[float, Interval(ge=0, le=600)] | None,
        Doc("How long a difference must last, in seconds; 0: as the system parameter says."),
    ] = None
    revision: Revision = None


@request(Scope.READ)
class CartList:
    """List all carts with their settings, state and counts."""

    shared: Shared = False


@request(Scope.READ)
class CartShow:
    """Show everything about one cart but its secret.

    ``texts``: how many products have SKUs or names that are hard to read; ``pace``: the numbers in force for it; ``task``: the Send or
    Get that is at work on it.
    """

    cart: CartName


@request(Scope.READ)
class CartNames:
    """List the number and name of each cart, however many products they have."""


@request(Scope.READ)
class CartEvidence:
    """Show how carts followed: the newest movement elsewhere that each followed, and its newest difference.

    ``followed`` says by which post and when; ``differed`` is an open difference before all others.
    """

    cart: AnyCart = None


@request(Scope.ADMINISTER)
class CartRemove:
    """Remove a cart with its listings, posts and differences; movements stay."""

    cart: CartName
    confirm: Annotated[Text, Doc("The cart's name once more."), Absent("the command asks for it, or takes --yes")] = ""


@request(Scope.ADMINISTER)
class CartKey:
    """Make the key of a cart, once, and the text of the file to upload.

    An existing key is shown again unless renewed.
    """

    cart: CartName
    prefix: Annotated[str, PREFIX, Doc("The shop's table prefix, if it is not found without.")] = ""
    renew: Annotated[bool, Doc("Make a new key; the old one ends.")] = False


@request(Scope.MANAGE)
class CartPassword:
    """Keep the password with which a direct cart's user logs in to the shop's database. It is never shown again."""

    cart: CartName
    password: Annotated[str, Len(1, 200), Doc("The password."), Absent("others could see it: it is asked for")]


@request(Scope.READ)
class CartGrants:
    """Print the rights that the user of a cart that is reached through its database needs there, and no others.

    The answer's ``prefix`` is null if it is not known.
    """

    cart: CartName
    host: Annotated[str, HOST, Doc("From where the user logs in; % is anywhere.")] = "%"
    prefix: Annotated[
        Annotated[str, PREFIX] | None, Doc("Of the shop's tables, if the cart's address does not say it.")
    ] = None


@request(Scope.MANAGE)
class CartTest:
    """Try the connection: who answers, how fast, and what stands in the way."""

    cart: CartName
    sku: Annotated[Sku | None, Doc("Also send one unit of this SKU there and back.")] = None


@request(Scope.MANAGE)
class GetQoh:
    """Get QOH: the cart is right, take its quantities over."""

    cart: CartName
    create: Annotated[bool, Doc("Make items for SKUs that no item has.")] = False
    dry_run: DryRun = False
    limit: AllLines = None


@request(Scope.MANAGE)
class SendQoh:
    """Send QOH: we are right, make the cart show our quantities."""

    cart: CartName
    dry_run: DryRun = False
    batch_size: Annotated[
        Annotated[int, Interval(ge=1, le=BATCH_MAX)] | None,
        Doc("Maximum number of items per send."),
        Option("--max"),
    ] = None
    limit: AllLines = None


@request(Scope.MANAGE)
class SyncOn:
    """Keep a cart in step from now on."""

    cart: CartName
    force: Annotated[Text, Doc("Why, although counts differ: ours win."), Option(metavar="REASON")] = ""
    person: Person = ""


@request(Scope.MANAGE)
class SyncOff:
    """Leave a cart alone until it is switched on again."""

    cart: CartName
    person: Person = ""
