"""The arguments of the verbs in ``verbs.carts``: carts, their keys, aligning them and switching them on.

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

# The key file is PHP, so its values are checked before a key is changed. docs/protocol.md defines the forms.
KEY_ID = Pattern(r"^[A-Za-z0-9_-]{0,40}$")
PREFIX = Pattern(r"^[A-Za-z0-9_]{0,40}$")
HOST = Pattern(r"^[A-Za-z0-9_.:%/-]{1,255}$")
BATCH_MAX = 2000
AllowHttp = Doc(
    "Allow plain HTTP: the key stays secret, but counts can be read on the way. For a database: allow an unencrypted connection."
)
ALLOW_HTTP = Option("--allow-http/--no-allow-http")


@request(Scope.MANAGE)
class CartAdd:
    """Add a shop, by its name and the address of its connector file or database."""

    name: Annotated[str, Len(1, 100), Doc("Your name for this shop."), Argument("NAME")]
    url: Annotated[
        str,
        MaxLen(2000),
        Doc(
            "The address of onhand.php, such as https://www.example.com/onhand.php, or of the shop's database, such as"
            " mysql://user@db.example/shop."
        ),
        Option("--url"),
    ]
    allow_http: Annotated[bool, AllowHttp, ALLOW_HTTP] = False
    key_id: Annotated[str, KEY_ID, Doc("The id of an existing key."), Absent("`cart key` makes a key")] = ""
    secret: Annotated[
        str,
        MaxLen(200),
        Doc("64 hexadecimal digits, or the password of the database user."),
        Absent("others could see it in the list of processes: the command asks for the password"),
    ] = ""


@request(Scope.MANAGE)
class CartEdit:
    """Change a cart's settings. Settings you leave out keep their value."""

    cart: CartName
    name: Annotated[Text | None, Doc("The new name.")] = None
    url: Annotated[Text | None, Doc("The new address.")] = None
    allow_http: Annotated[bool | None, AllowHttp, ALLOW_HTTP] = None
    active: Annotated[bool | None, Doc("Whether OnHand uses this cart at all."), Option("--active/--inactive")] = None
    policy: Annotated[
        Literal["ours", "theirs", "ask", "default"] | None,
        Doc("Whose count wins when someone types a count into the shop."),
    ] = None
    buffer: Annotated[
        Annotated[int, Interval(ge=0, le=QUANTITY_MAX)] | None, Doc("Units to hold back from this shop.")
    ] = None
    batch_size: Annotated[
        Annotated[int, Interval(ge=0, le=BATCH_MAX)] | None,
        Doc("The most items per send; 0: use the system parameter."),
    ] = None
    tick_seconds: Annotated[
        Annotated[float, Interval(ge=0, le=3600)] | None,
        Doc("Seconds between two looks at the shop; 0: use the system parameter."),
    ] = None
    settle_seconds: Annotated[
        Annotated[float, Interval(ge=0, le=600)] | None,
        Doc("Seconds that a difference must last before it counts; 0: use the system parameter."),
    ] = None
    revision: Revision = None


@request(Scope.READ)
class CartList:
    """List all carts with their settings, state and counts."""

    shared: Shared = False


@request(Scope.READ)
class CartShow:
    """Show everything about one cart except its secret.

    ``texts``: how many products have a SKU or name that is hard to read; null if that was not asked for. ``pace``: the settings in force.
    ``task``: the Send or Get that is running.
    """

    cart: CartName
    texts: Annotated[
        bool,
        Doc("Also count the products whose SKU or name is hard to read. This reads all products of the cart."),
        Absent("a person who looks at one cart has time for that"),
    ] = True


@request(Scope.READ)
class CartNames:
    """List the number and name of each cart. This is quick, even with many products."""


@request(Scope.READ)
class CartEvidence:
    """Show that carts follow: the newest movement elsewhere that each cart followed, and its newest difference.

    ``followed`` names the post and its time. ``differed`` is an open difference if there is one, otherwise the newest.
    """

    cart: AnyCart = None


@request(Scope.ADMINISTER)
class CartRemove:
    """Remove a cart with its listings, posts and differences; movements stay."""

    cart: CartName
    confirm: Annotated[
        Text, Doc("The cart's name again, to confirm."), Absent("the command asks for it, or takes --yes")
    ] = ""


@request(Scope.ADMINISTER)
class CartKey:
    """Make a cart's key, and the text of the key file to upload.

    An existing key is shown again, unless you renew it.
    """

    cart: CartName
    prefix: Annotated[str, PREFIX, Doc("The shop's table prefix, if OnHand cannot find it.")] = ""
    renew: Annotated[bool, Doc("Make a new key and end the old one.")] = False


@request(Scope.MANAGE)
class CartPassword:
    """Set the password of a direct cart's database user. It is never shown again."""

    cart: CartName
    password: Annotated[str, Len(1, 200), Doc("The password."), Absent("others could see it: the command asks for it")]


@request(Scope.READ)
class CartGrants:
    """Print the database rights that a direct cart's user needs, and no others.

    The answer's ``prefix`` is null if it is not known.
    """

    cart: CartName
    host: Annotated[str, HOST, Doc("The host that the user logs in from; % means any host.")] = "%"
    prefix: Annotated[
        Annotated[str, PREFIX] | None, Doc("The shop's table prefix, if the cart's address does not contain it.")
    ] = None


@request(Scope.MANAGE)
class CartTest:
    """Test the connection: which shop answers, how fast, and what is in the way."""

    cart: CartName
    sku: Annotated[Sku | None, Doc("Also add one unit of this SKU in the shop and take it away again.")] = None


@request(Scope.MANAGE)
class GetQoh:
    """Get QOH: the cart is right, so take over its quantities."""

    cart: CartName
    create: Annotated[bool, Doc("Create items for SKUs that have no item.")] = False
    dry_run: DryRun = False
    limit: AllLines = None


@request(Scope.MANAGE)
class SendQoh:
    """Send QOH: OnHand is right, so make the cart show its quantities."""

    cart: CartName
    dry_run: DryRun = False
    batch_size: Annotated[
        Annotated[int, Interval(ge=1, le=BATCH_MAX)] | None,
        Doc("The most items per send."),
        Option("--max"),
    ] = None
    limit: AllLines = None


@request(Scope.MANAGE)
class SyncOn:
    """Synchronize a cart in real time from now on."""

    cart: CartName
    force: Annotated[
        Text, Doc("Switch on although counts differ, for this reason; OnHand's counts win."), Option(metavar="REASON")
    ] = ""
    person: Person = ""


@request(Scope.MANAGE)
class SyncOff:
    """Stop synchronizing a cart until it is switched on again."""

    cart: CartName
    person: Person = ""
