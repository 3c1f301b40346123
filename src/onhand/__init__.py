"""OnHand keeps one true quantity on hand per SKU in sync with several osCommerce-family web shops.

This page is the map of the code. Each module below says what it does, what it promises and what it never does.

- ``domain``: decisions. Pure values and functions: stock, the law, the sketch, differences, posts, errors.
- ``services``: actions, written against the protocols in ``services.ports``.
- ``storage``: OnHand's own database. Tables, migrations and one book per noun.
- ``carts``: the shops. The HTTP client of the connector, direct MySQL, the families as data, the sample shop.
- ``running``: work without a request: the controller, which looks at every cart and empties the post stack, tasks and webhooks.
- ``app``: the composition root, the one module that knows both ``storage`` and ``carts``.
- ``requests``, ``verbs``: what callers can ask for, with arguments and checks.
- ``cli``, ``serving``, ``web``: the entry points for terminals, programs and browsers.

Imports point one way: ``domain ← services ← storage and carts ← app ← the entry points``; ``make check`` enforces it.
The file inside the shop, ``connector/onhand.php``, is beside ``src`` and implements ``docs/protocol.md``.
"""

__version__ = "0.1.0"
