"""Names the goods of the sample shop: a few dozen things around tea, and as many more lots of them as wanted.

Path: ``shop.create`` and the demo ask for ``catalogue(count)``.
Promise: the same count gives the same products; SKUs are unique and fit the twelve characters of the cart.
Never: reads a clock or a random number.
"""

from __future__ import annotations

from dataclasses import dataclass

SKU_LENGTH = 12  # products_model is varchar(12) in osCommerce 2.3


@dataclass(frozen=True, slots=True)
class Article:
    """One article on sale, before any shop has given it an id."""

    sku: str
    name: str
    quantity: int
    price: float


_SHELF = (
    Article("TEA-ASSAM", "Assam Breakfast, 100 g", 64, 7.90),
    Article("MUG-SLATE", "Slate Mug, 350 ml", 38, 14.50),
    Article("TEA-JASMIN", "Jasmine Pearls, 80 g", 27, 16.80),
    Article("POT-CELADON", "Celadon Teapot, 600 ml", 12, 48.00),
    Article("TEA-EARL", "Earl Grey with Bergamot, 100 g", 72, 8.40),
    Article("HON-LINDEN", "Linden Honey, 250 g", 31, 9.20),
    Article("MUG-SAND", "Sand Mug, 350 ml", 42, 14.50),
    Article("TEA-SENCHA", "Sencha Uji, 100 g", 55, 13.60),
    Article("SET-MATCHA", "Matcha Set: Bowl, Whisk, Scoop", 9, 54.00),
    Article("TEA-LAPSANG", "Lapsang Souchong, 100 g", 23, 11.20),
    Article("CUP-PLUM", "Plum Tasting Cup, 60 ml", 80, 6.50),
    Article("TEA-ROOIBOS", "Rooibos Vanilla, 150 g", 66, 6.90),
    Article("TIN-COPPER", "Copper Caddy, 150 g", 18, 26.00),
    Article("TEA-MATCHA", "Ceremonial Matcha, 30 g", 34, 24.90),
    Article("BIS-GINGER", "Ginger Biscuits, 180 g", 90, 4.80),
    Article("POT-IRON", "Cast Iron Teapot, 800 ml", 14, 62.00),
    Article("TEA-DARJ-1", "Darjeeling First Flush, 80 g", 29, 18.50),
    Article("MUG-MOSS", "Moss Mug, 350 ml", 36, 14.50),
    Article("TEA-CHAI", "Masala Chai, 120 g", 58, 8.90),
    Article("KET-GOOSE", "Gooseneck Kettle, 1 l", 11, 79.00),
    Article("TEA-OOLONG", "Milk Oolong, 100 g", 33, 15.40),
    Article("INF-BASKET", "Basket Infuser, fine mesh", 47, 9.90),
    Article("TEA-MINT", "Peppermint, whole leaf, 60 g", 84, 4.90),
    Article("CUP-RIVER", "River Tasting Cup, 60 ml", 76, 6.50),
    Article("TEA-PUERH", "Pu-erh Cake, 2016, 200 g", 16, 32.00),
    Article("BIS-ALMOND", "Almond Shortbread, 180 g", 88, 5.20),
    Article("TIN-WALNUT", "Walnut-lid Caddy, 100 g", 21, 22.00),
    Article("TEA-GENMAI", "Genmaicha, 100 g", 45, 9.40),
    Article("POT-GLASS", "Glass Teapot, 1 l", 17, 29.00),
    Article("TEA-CEYLON", "Ceylon Highgrown, 100 g", 61, 7.60),
    Article("HON-CHEST", "Chestnut Honey, 250 g", 26, 10.40),
    Article("MUG-INK", "Ink Mug, 350 ml", 40, 14.50),
    Article("TEA-WHITE", "White Peony, 50 g", 24, 14.20),
    Article("TIM-SAND", "Three-minute Sand Timer", 52, 7.80),
    Article("TEA-KEEMUN", "Keemun Mao Feng, 100 g", 30, 12.70),
    Article("TRY-BAMBOO", "Bamboo Tea Tray", 13, 44.00),
    Article("TEA-FRUIT", "Orchard Fruit, 150 g", 70, 6.40),
    Article("SPO-BRASS", "Brass Tea Spoon", 95, 5.90),
    Article("TEA-GYOKURO", "Gyokuro Shade-grown, 50 g", 19, 21.50),
    Article("SAM-WEEK", "A Week of Teas, 7 samples", 48, 17.00),
)


def catalogue(count: int) -> list[Article]:
    """Return ``count`` products; after the first few dozen come further lots of the same, under their own SKUs."""
    return [_article(number) for number in range(count)]


def _article(number: int) -> Article:
    round_, place = divmod(number, len(_SHELF))
    first = _SHELF[place]
    if not round_:
        return first
    tail = f"{place:02}-{round_ + 1}"
    return Article(
        sku=f"{first.sku[:3]}-{tail}"[:SKU_LENGTH],
        name=f"{first.name}, lot {round_ + 1}",
        quantity=(first.quantity * 7 + number * 13) % 90 + 10,
        price=first.price,
    )
