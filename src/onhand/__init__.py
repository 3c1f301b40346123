"""OnHand keeps one true quantity on hand per SKU in step with several osCommerce-family web shops.

This page is the map of the house; every module below says for itself what it owns, promises and never does.

- ``domain``: what is decided. Pure values and functions: stock, the law, the sketch, differences, posts, errors.
- ``services``: what is done, one verb each, written against the protocols in ``services.ports``.
- ``storage``: our own database. Tables, migrations and one book per noun.
- ``carts``: other people's shops. The HTTP client of the connector, direct MySQL, the families as data, the sample shop.
- ``controller``: the process that looks at every cart and drains the post stack.
- ``app``: the composition root, the one place that knows both ``storage`` and ``carts``.
- ``config``, ``cli``, ``serving.server``, ``web``: the ways in, for a file, a keyboard, a program and a browser.

Imports point one way: ``domain ← services ← storage and carts ← app ← the ways in``; ``make check`` holds them to it.
The file inside the shop, ``connector/onhand.php``, stands beside ``src`` and speaks ``docs/protocol.md``.
"""

__version__ = "0.1.0"
