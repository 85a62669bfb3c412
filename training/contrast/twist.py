"""Sentences of reviews, with a small change that may turn their verdict: a denial put in or taken out, two clauses in the other order, a
word of praise for one of blame. Whether the verdict does turn is for a teacher to say.

    cd training; python -m contrast.twist "It is a good film, but the ending fails." "I never liked her."  # prints what becomes of them

Natural sentences and these differ in what a bag of words hardly sees, so a student has to look at the order.
"""

from __future__ import annotations

import random
import re
import sys

from contrast.compose import BAD, GOOD

DENIABLE = "is was are were do does did can could would should has have had will".split()
CONTRACTED = {"won't": "will", "can't": "can", "cannot": "can", "ain't": "is"}
SWAPS = [("never", "always"), ("nothing", "something"), ("without", "with"), ("less", "more"), ("few", "many"), ("nobody", "everybody"),
         ("worst", "best"), ("worse", "better"), ("hardly", "really"), ("little", "much"), ("before", "after"), ("too", "so"), ("no", "some"),
         ("despite", "because of"), ("fails", "manages"), ("nor", "and"), ("could have been", "has been"), ("hated", "loved"), ("like", "dislike")]  # fmt: skip


def deny(sentence: str, rng: random.Random) -> str | None:
    """Takes one denial of a verb out, or puts one in"""
    denied = list(re.finditer(r"\b(\w+)n't\b|\b(?:cannot|(" + "|".join(DENIABLE) + r") not)\b", sentence, re.IGNORECASE))
    if denied:
        found = rng.choice(denied)
        verb = found[2] or CONTRACTED.get(found[0].lower()) or found[1]
        return sentence[: found.start()] + verb + sentence[found.end() :]
    plain = list(re.finditer(r"\b(" + "|".join(DENIABLE) + r")\b", sentence, re.IGNORECASE))
    if not plain:
        return None
    end = rng.choice(plain).end()
    return f"{sentence[:end]} not{sentence[end:]}"


def turn_round(sentence: str, _: random.Random) -> str | None:
    """X, but Y. -> Y, but X."""
    found = re.fullmatch(r"(.{8,}?),? (but|although|though|yet) (.{8,}?)([.!?]*)", sentence)
    return f"{found[3][0].upper()}{found[3][1:]}, {found[2]} {found[1][0].lower()}{found[1][1:]}{found[4]}" if found else None


def swap(sentence: str, pairs: list[tuple[str, str]], rng: random.Random) -> str | None:
    """One word that is in a pair for the other of it"""
    other = {a: b for a, b in pairs} | {b: a for a, b in pairs}
    found = [f for word in other if word in sentence for f in re.finditer(rf"\b{word}\b", sentence)]
    if not found:
        return None
    chosen = rng.choice(found)
    return sentence[: chosen.start()] + other[chosen[0]] + sentence[chosen.end() :]


def twist(sentence: str, rng: random.Random) -> str | None:
    """The sentence with one change of a kind that is drawn, the next kind where it offers nothing to change; None if no kind does"""
    count = min(len(GOOD), len(BAD))
    verdicts = list(zip(rng.sample(GOOD, count), rng.sample(BAD, count)))
    kinds = [deny, turn_round, lambda s, r: swap(s, SWAPS, r), lambda s, r: swap(s, verdicts, r)]
    rng.shuffle(kinds)
    return next((out for kind in kinds if (out := kind(sentence, rng))), None)


if __name__ == "__main__":
    for text in sys.argv[1:]:
        print(twist(text, random.Random()))
