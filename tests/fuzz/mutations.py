"""Makes hostile values, texts, JSON and bytes, all from one random generator.

Path: ``api``, ``connector`` and ``files`` make their inputs with it.
Promise: what is made follows from the generator's seed alone.
Never: knows what an input is for.
"""

from __future__ import annotations

import json
import random
from typing import Any

NUMBERS = [0, 1, -1, 2, 5, 255, 2**31 - 1, -(2**31), 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**15, 10**30,
           0.5, 5.0, -0.0, 1e15, 1e308]  # fmt: skip
TEXTS = ["", " ", "\t", "\n", "\x00", "0", "1.000", "1,5", "-1", "=1+1", "＝1+1", "NaN", "null", "true", "'", '"', "<b>",
         "';DROP TABLE products;--", "%s%n", "../../etc/passwd", "ä", "Ω漢字", "\u202egpj", "\ufeff", "\u00a0", "\u200b", "🫖",
         "a" * 300, "é" * 5000, "{}", "[]", "\\u0000"]  # fmt: skip
SURROGATE = "\\ud800"  # in JSON text only: no UTF-8 has it


def text(rng: random.Random) -> str:
    """A text that something may stumble over."""
    if rng.random() < 0.5:
        return rng.choice(TEXTS)
    return "".join(
        chr(rng.choice((rng.randrange(32, 127), rng.randrange(160, 1500)))) for _ in range(rng.randrange(40))
    )


def value(rng: random.Random, depth: int = 3) -> Any:
    """Any JSON value."""
    kind = rng.randrange(8 if depth else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in {1, 2}:
        return rng.choice(NUMBERS)
    if kind in {3, 4}:
        return text(rng)
    if kind == 5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {text(rng)[:20]: value(rng, depth - 1) for _ in range(rng.randrange(4))}


def mutated(rng: random.Random, given: Any) -> Any:
    """A JSON value with something in it changed."""
    if isinstance(given, dict) and given and rng.random() < 0.9:
        changed, name = dict(given), rng.choice(sorted(given))
        act = rng.randrange(5)
        if act == 0:
            del changed[name]
        elif act == 1:
            changed[rng.choice(["person", "app", "progress", "x", name.upper(), text(rng)[:20]])] = value(rng)
        else:
            changed[name] = mutated(rng, given[name])
        return changed
    if isinstance(given, list) and given and rng.random() < 0.9:
        changed, place = list(given), rng.randrange(len(given))
        act = rng.randrange(5)
        if act == 0:
            del changed[place]
        elif act == 1:
            changed.insert(place, given[place])
        else:
            changed[place] = mutated(rng, given[place])
        return changed
    if isinstance(given, int) and not isinstance(given, bool) and rng.random() < 0.5:
        return rng.choice([given + 1, -given, float(given), str(given), given * 10**9, [given]])
    return value(rng)


def spoilt(rng: random.Random, content: bytes) -> bytes:
    """Bytes with something in them changed."""
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        place = rng.randrange(len(content) + 1)
        left, right = content[:place], content[place:]
        content = rng.choice(
            (
                left + bytes([rng.randrange(256)]) + right[1:],
                left + right[rng.choice((1, 2, 10, 100)) :],
                left + rng.choice(TEXTS).encode() + right,
                left + right[:20] * rng.choice((1, 3, 50)) + right,
                left + rng.choice((b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\xc3")) + right,
                left,
            )
        )
    return content


def as_json(rng: random.Random, given: Any) -> bytes:
    """A value as JSON, now and then as JSON that is none, or in an odd way of writing it."""
    content = json.dumps(given, ensure_ascii=rng.random() < 0.5).encode(errors="replace")
    act = rng.random()
    if act < 0.08:
        return spoilt(rng, content)
    if act < 0.10:
        return b"[" * rng.choice((10, 1000, 100_000)) + content
    if act < 0.12:
        return content.replace(b'"', b'"' + SURROGATE.encode(), 1)
    return content
