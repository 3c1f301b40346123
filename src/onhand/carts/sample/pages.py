"""Draws the sample shop's pages as HTML text.

Path: ``storefront`` calls one function per page with what it read from the shop.
Promise: every text from the shop is escaped; the pages work without JavaScript, which only keeps counts fresh.
Never: reads a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .shop import PREPARING, Order, Ware

LOW = 5  # from this number down the page says that few are left
_ART = ("TEA", "MUG", "CUP", "POT", "TIN", "HON", "BIS", "KET", "TIM")  # SKU beginnings with a picture of their own


def on_sale(ware: Ware, allow_checkout: bool) -> bool:
    """Return whether the Buy button does anything."""
    return bool(ware.status) and (allow_checkout or ware.quantity > 0)


def thanks(order: str) -> str:
    """Return the notice after a purchase."""
    return f"Thank you. Order {order} is on its way."


def home(name: str, wares: Sequence[Ware], page: int, last: int, notice: str, allow_checkout: bool) -> str:
    """Return the page with the shelves."""
    cards = "".join(_card(ware, allow_checkout) for ware in wares)
    shelves = f'<ul class="shelves">{cards}</ul>' if wares else '<p class="empty">The shelves are empty.</p>'
    body = f"""<p class="notice" id="notice" role="status" aria-live="polite">{escape(notice)}</p>
{shelves}
{_pager("/", page, last)}"""
    return _frame(name, name, body, "shop")


def admin(name: str, wares: Sequence[Ware], page: int, last: int, orders: Sequence[Order]) -> str:
    """Return the back room: quantities typed over, orders deleted."""
    products = "".join(_product_row(ware, page) for ware in wares)
    placed = "".join(_order_row(order) for order in orders)
    body = f"""<section><h2>Products</h2>
<p class="hint">Save writes the number in the box, even if the shop has sold since this page was opened.</p>
<div class="table"><table><thead><tr><th>Id</th><th>SKU</th><th>Name</th><th class="number">Sold</th><th>Status</th>
<th>Quantity</th></tr></thead><tbody>{products}</tbody></table></div>{_pager("/admin", page, last)}</section>
<section id="orders"><h2>Latest orders</h2>
<div class="table"><table><thead><tr><th>Order</th><th>Placed</th><th>Goods</th><th>Status</th><th>Delete</th></tr>
</thead><tbody>{placed or '<tr><td colspan="5">No orders yet.</td></tr>'}</tbody></table></div></section>"""
    return _frame(f"Admin · {name}", name, body, "admin")


def trouble(title: str, message: str) -> str:
    """Return a page that says what went wrong."""
    return _frame(title, title, f'<p class="empty">{escape(message)} <a href="/">To the shop</a></p>', "")


def _frame(title: str, name: str, body: str, here: str) -> str:
    """Return a page with everything around its content."""
    shop = ' aria-current="page"' if here == "shop" else ""
    back = ' aria-current="page"' if here == "admin" else ""
    script = '<script src="/shop.js" defer></script>' if here == "shop" else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><link rel="icon" href="/art.svg"><link rel="stylesheet" href="/shop.css">{script}</head>
<body class="{_scheme(name)}"><header><h1><a href="/">{escape(name)}</a></h1>
<nav><a href="/"{shop}>Shop</a><a href="/admin"{back}>Admin</a></nav></header>
<main>{body}</main><footer>A sample shop. Nothing here is delivered, nothing is charged.</footer></body></html>
"""


def _scheme(name: str) -> str:
    """Return one of four colour schemes, so that several shops side by side look different."""
    return f"scheme-{sum(name.encode()) % 4}"


def _card(ware: Ware, allow_checkout: bool) -> str:
    open_ = on_sale(ware, allow_checkout)
    state = "" if open_ else " gone"
    return f"""<li class="card{state}" data-product="{ware.product}">
<div class="art hue-{ware.product % 6}"><svg aria-hidden="true"><use href="/art.svg#{_art(ware)}"/></svg></div>
<div class="text"><h2>{escape(ware.name)}</h2><p class="sku">{escape(ware.sku or "no SKU")}</p></div>
<dl><div><dt>left</dt><dd class="quantity{" low" if ware.quantity <= LOW else ""}">{ware.quantity}</dd></div>
<div><dt>sold</dt><dd class="ordered">{ware.ordered}</dd></div></dl>
<form method="post" action="/buy"><span class="price">€ {ware.price:.2f}</span>
<input type="hidden" name="product" value="{ware.product}"><label class="sr" for="n{ware.product}">How many</label>
<input id="n{ware.product}" name="quantity" type="number" value="1" min="1" max="99" required>
<button{"" if open_ else " disabled"}>{"Buy" if open_ else "Sold out"}</button></form></li>"""


def _art(ware: Ware) -> str:
    beginning = (ware.sku or "")[:3].upper()
    return beginning.lower() if beginning in _ART else "box"


def _product_row(ware: Ware, page: int) -> str:
    return f"""<tr><td>{ware.product}</td><td class="sku">{escape(ware.sku or "–")}</td><td>{escape(ware.name)}</td>
<td class="number">{ware.ordered}</td><td>{"on" if ware.status else "off"}</td>
<td><form method="post" action="/admin/save"><input type="hidden" name="product" value="{ware.product}">
<input type="hidden" name="page" value="{page}">
<input name="quantity" type="number" value="{ware.quantity}" required aria-label="Quantity of {escape(ware.name)}">
<button>Save</button></form></td></tr>"""


def _order_row(order: Order) -> str:
    goods = "<br>".join(f"{n} × {escape(name)}" for _, _, _, name, n in order.lines) or "no lines"
    status = {PREPARING: "preparing payment"}.get(order.status, "pending")
    hidden = f'<input type="hidden" name="order" value="{order.order}">'
    return f"""<tr><td>{order.order}</td><td>{escape(order.placed)}</td><td>{goods}</td><td>{status}</td>
<td><form method="post" action="/admin/delete">{hidden}<button name="restock" value="1">Restock</button>
<button name="restock" value="0" class="plain">No restock</button></form></td></tr>"""


def _pager(path: str, page: int, last: int) -> str:
    if last == 1:
        return ""
    back = f'<a href="{path}?page={page - 1}" rel="prev">Back</a>' if page > 1 else "<span></span>"
    on = f'<a href="{path}?page={page + 1}" rel="next">On</a>' if page < last else "<span></span>"
    return f'<nav class="pager" aria-label="Pages">{back}<span>Page {page} of {last}</span>{on}</nav>'
