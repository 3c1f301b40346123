"""Looks at where charts draw: three series are piled up and not drawn over one another, and a shop keeps its colour."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from onhand.domain.carts import Settings
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.storage.office_tables import samples

pytestmark = pytest.mark.browser

SHOPS = ("Rose", "Iris", "Lily")
SOLD = {"Rose": 3, "Iris": 1, "Lily": 4, None: 2}  # today; None: by phone

# The colour of the picture at a number on the vertical axis, in the middle of a bar; and a colour as the canvas tells it.
READ = """
([address, day, number]) => {
  const figure = document.querySelector(`[data-chart="${address}"]`);
  const plot = plots.get(figure);
  const x = plot.valToPos(plot.data[0][day], "x", true), y = plot.valToPos(number, "y", true);
  return [...plot.ctx.getImageData(Math.round(x), Math.round(y), 1, 1).data].slice(0, 3).join();
}
"""
COLOURS = """
(names) => names.map((name) => {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = colour(name);
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).join();
})
"""
LABELS = """
(address) => {
  const plot = plots.get(document.querySelector(`[data-chart="${address}"]`));
  return plot.axes[1]._values;
}
"""
STROKES = """
(address) => Object.fromEntries(plots.get(document.querySelector(`[data-chart="${address}"]`)).series.slice(1)
  .map(({ label, stroke }) => [label.replace(/ \\(.*/, ""), typeof stroke === "function" ? stroke() : stroke]))
"""


@pytest.fixture
def trade(house):
    """Three shops and a phone; only the second has a post stack."""
    house.do("item_add", sku="TEA", name="Tea", on_hand=0)
    now = house.app.clock.now()

    def write(books) -> None:
        for name in SHOPS:
            books.carts.add(Settings(name, "http://127.0.0.1:1/onhand.php"), now)
        carts = {cart.name: cart.id for cart in books.carts.all()}
        number = itertools.count()
        moves = [Movement(1, Kind.SALE, -units, f"t/{next(number)}", carts.get(name)) for name, units in SOLD.items()]
        bookkeeping.book(books, moves, now)
        back = [Movement(1, Kind.CANCELLATION, units, f"t/{next(number)}", carts["Rose"]) for units in (2,)]
        bookkeeping.book(books, back, now - timedelta(days=1))
        depth = {"waiting": 3, "in_flight": 0, "parked": 0, "differences": 0}
        for minutes in (5, 60, 600):
            at = int((now - timedelta(minutes=minutes)).timestamp() * 1_000_000)
            books._connection.execute(insert(samples).values(cart_id=carts["Iris"], at=at, **depth))

    house.app.database.write(write)
    return house


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_of_a_day_are_piled_up_so_that_each_shows_what_it_adds(trade, visit, scheme) -> None:
    page = visit("/", scheme=scheme)
    sales = "/charts/sales.json"
    expect(page.locator(f'[data-chart="{sales}"] canvas')).to_be_visible()
    names = ["--shop-1", "--shop-2", "--shop-3", "--off"]
    tones = dict(zip(SOLD, page.evaluate(COLOURS, names), strict=True))
    assert len(set(tones.values())) == 4
    height = 0
    for name, units in SOLD.items():
        for at in (height + 0.2, height + units / 2, height + units - 0.2):
            assert page.evaluate(READ, [sales, 29, at]) == tones[name], (name, at)
        height += units
    assert page.evaluate(READ, [sales, 29, height + 0.4]) not in tones.values(), (
        "the pile is as high as all that was sold"
    )
    # More came back than was sold the day before: that goes down from zero, and nothing up.
    assert page.evaluate(READ, [sales, 28, -1]) == tones["Rose"]
    assert page.evaluate(READ, [sales, 28, 0.5]) not in tones.values()


def test_a_shop_has_one_colour_in_all_charts(trade, visit) -> None:
    page = visit("/")
    for address in ("/charts/sales.json", "/charts/stack.json"):
        expect(page.locator(f'[data-chart="{address}"] canvas')).to_be_visible()
    sales, stack = (page.evaluate(STROKES, f"/charts/{what}.json") for what in ("sales", "stack"))
    assert set(sales) == {*SHOPS, "by phone and hand"}
    assert len(set(sales.values())) == 4
    assert stack == {name: sales[name] for name in SHOPS}


def test_the_hovered_number_is_what_was_sold_and_not_the_height_of_the_pile(trade, visit) -> None:
    page = visit("/")
    figure = page.locator('[data-chart="/charts/sales.json"]')
    expect(figure.locator("canvas")).to_be_visible()
    page.evaluate(
        "() => { for (const plot of plots.values()) if (plot.data[0].length === 30) plot.setLegend({ idx: 29 }); }"
    )
    said = {
        row.inner_text().split(" (")[0]: row.inner_text().split(")")[-1].strip()
        for row in figure.locator(".u-legend .u-series").all()
    }
    for name, units in SOLD.items():
        assert said[name or "by phone and hand"] == str(units)


@pytest.mark.parametrize("highest", [0.009, 0.04, 0.7, 3.0, 17.0, 260.0])
def test_labels_of_seconds_stand_at_even_distances(trade, visit, highest) -> None:
    page = visit("/")
    expect(page.locator('[data-chart="/charts/sales.json"] canvas')).to_be_visible()
    # A chart of its own: those of the page are drawn again at any moment.
    labels = page.evaluate(
        """async (highest) => {
          const found = { x: [1, 2], unit: "s", series: [{ label: "Rose", place: 0, values: [0, highest] }] };
          const place = document.body.appendChild(document.createElement("div"));
          const plot = new uPlot(options(found, 600, 220), [found.x, found.series[0].values], place);
          while (!plot.axes[1]._values) await new Promise(requestAnimationFrame);
          return plot.axes[1]._values;
        }""",
        highest,
    )
    numbers = [float(label.replace(",", "")) for label in labels]
    steps = {round(b - a, 6) for a, b in itertools.pairwise(numbers)}
    assert len(numbers) >= 3
    assert len(steps) == 1, numbers


def test_labels_of_pieces_are_whole(trade, visit) -> None:
    page = visit("/")
    expect(page.locator('[data-chart="/charts/sales.json"] canvas')).to_be_visible()
    labels = page.evaluate(LABELS, "/charts/sales.json")
    numbers = [int(label) for label in labels]
    assert len({b - a for a, b in itertools.pairwise(numbers)}) == 1


def test_the_chart_of_an_item_follows_its_count_at_once(trade, visit) -> None:
    page = visit("/item?sku=TEA")
    expect(page.locator("figure.chart canvas")).to_be_visible()
    trade.do("receive", lines=[("TEA", 77)], reference="PO-1")
    last = "() => { const [plot] = plots.values(); return plot?.data[1].at(-1) === 69; }"  # 77 less what was sold, and 2 back
    page.wait_for_function(last, timeout=6000)  # sooner than charts are drawn again anyway
