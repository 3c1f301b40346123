"""Knows the column headings of other programs, and finds the heading line of a file.

Path: ``sheets.read`` finds the header of every file here.
Promise: one heading names a column; if two could, the person is asked. A person's choice wins.
Never: guesses the meaning of a heading from the values below it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from onhand.domain.errors import Refused
from onhand.domain.spelling import as_seen

HEADER_WITHIN = 20  # first lines of a file in which headings are searched
NAMED_MAX = 20  # headings named in one sentence
HEADING_LENGTH_MAX = 200  # characters of a heading that are kept
SKIP = ""  # in a mapping: leave this column out


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", ",").split(",") if word.strip())


# The headings of each column, as ``normal`` writes them: OnHand's own and those of common programs, in English, German, French, Spanish,
# Italian and Dutch. The first of a pair mean only this column; the second count if none of the first is present.
_QUANTITY = """
    quantity, qty, pieces, pcs, products quantity, v products quantity, product quantity
    menge, anzahl, stuck, stuckzahl, stk, quantite, qte, cantidad, cant, quantita, qta, aantal
"""
SKU = (
    _words("""
    sku, local sku, variant sku, seller sku, merchant sku, product sku, item sku, sku number, sku code, sku no, sku id
    model, product model, products model, v products model, item number, item no, item code, itemnumber, itemcode, part number, part no
    mpn, product code, productcode, stock code, stockcode, inventory number
    artikelnummer, artikelnr, artikel nr, artikel no, art nr, artnr, art no, modell, bestellnummer, artikelcode
    reference, ref, reference produit, code article, referencia, codigo, codice, codice articolo
    """),
    _words("item, code, article, artikel, number, nummer, produkt, product, product id, id, ean, barcode, gtin"),
)
NAME = (
    _words("""
    name, title, product name, product title, products name, v products name 1, item name, item title, itemtitle
    bezeichnung, artikelbezeichnung, artikelname, produktname, titel, nom, libelle, designation, nombre, nombre del producto
    nome, descrizione, naam, omschrijving
    """),
    _words("description, item description, beschreibung, descripcion, artikel, produkt, product, item"),
)
ON_HAND = (
    _words(f"""{_QUANTITY}
    on hand, qoh, quantity on hand, qty on hand, on hand quantity, on hand qty, on hand new, units, stock, stock level, stocklevel
    stock quantity, stock qty, stock on hand, soh, in stock, instock, quantity in stock, current stock, inventory quantity, inventory qty
    variant inventory qty, bestand, lagerbestand, lagermenge, bestandsmenge, aktueller bestand, ist bestand, anzahl auf lager
    stock actuel, stock disponible, en stock, quantite en stock, existencias, inventario, giacenza, disponibilita, voorraad
    """),
    _words("available, available quantity, quantity available, inventory, level, count, verfugbar, disponible"),
)
COUNTED = (
    _words(f"""{_QUANTITY}
    counted, counted quantity, count, physical count, units, gezahlt, gezahlte menge, zahlmenge, ist, compte, contado, contato, geteld
    """),
    (),
)
UNITS = (
    _words(f"""{_QUANTITY}
    units, received, received quantity, quantity received, qty received, delivered, count, erhalten, eingang, zugang, geliefert
    gelieferte menge, recu, quantite recue, recibido, ricevuto, ontvangen
    """),
    (),
)
REORDER_POINT = (
    _words("reorder point, reorder level, minimum stock, min stock, mindestbestand, meldebestand, stock minimum"),
    (),
)
REORDER_TO = (
    _words("reorder to, order up to, maximum stock, max stock, sollbestand, hochstbestand, stock maximum"),
    (),
)
SUPPLIER = (
    _words("supplier, supplier name, lieferant, fournisseur, proveedor, fornitore, leverancier"),
    _words("vendor"),
)
BARCODE = (
    _words(
        "barcode, bar code, ean, ean13, ean code, gtin, gtin13, upc, upc code, strichcode, code barre, codigo de barras"
    ),
    (),
)
LOCATION = (
    _words("location, shelf, shelf location, bin, bin location, lagerplatz, lagerort, regal, emplacement, ubicacion"),
    (),
)
IGNORE_QOH = (_words("ignore qoh"), ())
DROP_SHIP = (_words("drop ship, dropship, drop shipping"), ())
EXPORTED_ON_HAND = (_words("exported on hand"), ())
EXPORTED_MOVEMENT = (_words("exported movement"), ())

# Labels of a line of totals, which has no SKU.
TOTALS = frozenset(
    _words("total, totals, grand total, sum, summe, gesamt, gesamtsumme, somme, total general, suma, totale, totaal")
)

Known = tuple[tuple[str, ...], tuple[str, ...]]


def normal(heading: str) -> str:
    """Return a heading without case, accents, signs, extra blanks and invisible characters."""
    plain = unicodedata.normalize("NFKD", as_seen(heading[:HEADING_LENGTH_MAX])).casefold()
    letters = (letter if letter.isalnum() else " " for letter in plain if unicodedata.category(letter) != "Mn")
    return " ".join("".join(letters).split())


@dataclass(frozen=True, slots=True)
class Header:
    """One line of a file read as headings, with the column of each, or None if it is left out."""

    headings: tuple[str, ...]
    columns: tuple[str | None, ...]
    missing: tuple[str, ...]  # needed columns that no heading names
    doubtful: Mapping[str, tuple[str, ...]]  # columns that several headings could be

    @property
    def score(self) -> tuple[bool, int, int]:
        """Return how well this line fits as the header. If no line names a column, the line with most headings wins."""
        named = sum(column is not None for column in self.columns) + len(self.doubtful)
        return not self.missing, named, 0 if named else sum(bool(word) for word in self.headings)


Index = Mapping[
    str, Sequence[tuple[str, int, int]]
]  # heading → columns it can mean, each with its level and rank there


def index(known: Mapping[str, Known]) -> Index:
    """Return an index of the headings of all columns."""
    found: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for column, levels in known.items():
        for level, words in enumerate(levels, 1):
            for rank, word in enumerate(words):
                found[word].append((column, level, rank))
    return dict(found)


def _candidates(
    words: Sequence[str], known: Index, chosen: Sequence[Mapping[str, str]]
) -> dict[str, list[tuple[int, int, int]]]:
    """Return for each column the headings that could name it, as level, rank and position."""
    could: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for place, word in enumerate(words):
        by_hand = next((mapping[word] for mapping in chosen if word and word in mapping), None)
        for column, level, rank in known.get(word, ()) if by_hand is None else [(by_hand, 0, 0)]:
            could[column].append((level, rank, place))
    return could


def header(
    words: Sequence[str],
    known: Index,
    needed: Sequence[str],
    chosen: Sequence[Mapping[str, str]],
    lenient: Collection[str] = (),
) -> Header:
    """Return a line read as headings.

    ``chosen`` are mappings of normal headings to columns, the strongest first. A column in ``lenient`` takes its likeliest heading if
    several fit.
    """
    could = _candidates([normal(word) for word in words], known, chosen)
    columns: dict[int, str] = {}
    doubtful: dict[str, tuple[str, ...]] = {}
    taken: set[int] = set()
    for column in sorted(could, key=lambda name: min(could[name])[0]):
        free = sorted(one for one in could[column] if one[2] not in taken)
        places = [place for level, _, place in free if level == free[0][0]]
        if column == SKIP or not places:
            continue
        if len(places) > 1 and column not in lenient:
            doubtful[column] = tuple(words[place].strip() for place in sorted(places))
        else:
            columns[places[0]] = column
        taken |= set(places)
    missing = tuple(column for column in needed if column not in columns.values() and column not in doubtful)
    headings = tuple(word.strip() for word in words)
    return Header(headings, tuple(columns.get(place) for place in range(len(words))), missing, doubtful)


def mapping_of(given: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """Return a mapping in stored form: normal headings to columns, or to ``SKIP``. Raise Refused for an unknown column."""
    found = {}
    for heading, column in given.items():
        name = column.strip().casefold().replace(" ", "_")
        if name not in {*columns, SKIP, "skip"}:
            raise Refused(
                f"There is no column {column[:40]!r}: map {heading[:40]!r} to {', '.join(columns)}, or to nothing to leave it out.",
                column=column,
            )
        if normal(heading):
            found[normal(heading)] = SKIP if name == "skip" else name
    return found


def check(found: Header | None, needed: Sequence[str], chosen: Mapping[str, str], samples: Sequence[str]) -> Header:
    """Return the header if it names every needed column. Raise Refused with the fact ``headings``, so that a person can choose."""
    facts = {"needed": list(needed), "headings": described(found, samples) if found else []}
    if found is None:
        raise Refused(
            f"The file is empty: it needs a line of headings with {' and '.join(needed)}, and lines below it.", **facts
        )
    shown = ", ".join(repr(word[:40]) for word in found.headings[:NAMED_MAX] if word)
    if unknown := sorted(set(chosen) - {normal(word) for word in found.headings}):
        raise Refused(
            f"No column has the heading {unknown[0][:40]!r}. The headings are: {shown}.",
            unknown=unknown[:NAMED_MAX],
            **facts,
        )
    if found.doubtful:
        column, words = next(iter(found.doubtful.items()))
        doubtful = {name: list(headings[:NAMED_MAX]) for name, headings in found.doubtful.items()}
        if len({normal(word) for word in words}) == 1:  # a mapping goes by heading, so it cannot tell them apart
            message = f"{len(words)} columns have the heading {words[0][:40]!r}: rename or remove all but one."
            raise Refused(message, doubtful=doubtful, **facts)
        several, example = " and ".join(repr(word[:40]) for word in words[:NAMED_MAX]), f"{words[-1][:40]}={column}"
        raise Refused(
            f"{several} can all mean {column}: choose one, such as --map {example!r}.", doubtful=doubtful, **facts
        )
    if found.missing:
        raise Refused(
            f"No heading names the column {' or '.join(found.missing)}. The headings are: {shown}. "
            f"Choose one, such as --map {'Their heading=' + found.missing[0]!r}.",
            missing=list(found.missing),
            **facts,
        )
    return found


def described(found: Header, samples: Sequence[str]) -> list[dict[str, str]]:
    """Return each heading with its column, blank if it is left out, and the value below it in the first line."""
    below = [*samples, *[""] * len(found.headings)]
    return [
        {"heading": word, "column": column or SKIP, "sample": sample[:60]}
        for word, column, sample in zip(found.headings, found.columns, below, strict=False)
        if word
    ]
