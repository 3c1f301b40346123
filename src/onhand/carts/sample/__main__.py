"""Runs one sample shop in a process of its own until it is stopped.

Path: ``python -m onhand.carts.sample FILE --key-id … --secret-file …``; the first line printed is the shop's address.
Promise: SIGTERM and Ctrl-C end it after the work in progress; the file keeps everything.
Never: changes the shelves of a file that already holds a shop.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from .catalogue import catalogue
from .shop import SampleShop
from .storefront import serve


def main() -> int:
    wishes = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(message)s")
    shop = SampleShop(wishes.file, wishes.name, wishes.think_ms / 1000)
    try:
        secret = wishes.secret_file.read_text().strip()
        if not shop.created:
            shop.create(catalogue(wishes.products), wishes.allow_checkout)
        storefront = serve(shop, wishes.port, key_id=wishes.key_id, secret=secret)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The shop cannot open: {error}\n")
        return 1
    sys.stdout.write(f"{storefront.url} {shop.name}\n")
    sys.stdout.flush()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    storefront.stop()
    shop.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m onhand.carts.sample", description="A small, careless web shop.")
    parser.add_argument("file", type=Path, help="the shop's SQLite file; made if it is not there")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free one")
    parser.add_argument("--key-id", required=True, help="1 to 40 letters, digits, '_' or '-'")
    parser.add_argument("--secret-file", type=Path, required=True, help="a file with 64 hexadecimal digits")
    parser.add_argument("--name", default="Sample Shop", help="what is written over the door")
    parser.add_argument("--products", type=int, default=24, help="how many, when the shop is made")
    parser.add_argument("--think-ms", type=float, default=0.0, help="between a buyer's SELECT and UPDATE")
    parser.add_argument("--allow-checkout", action="store_true", help="let buyers go below zero")
    return parser


if __name__ == "__main__":
    sys.exit(main())
