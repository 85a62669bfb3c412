"""Sentences whose verdict hangs on how they are built: denial, contrast, expectation, concession. Composed, so their labels are known.

    python training/contrast/compose.py --count 20      # prints some

A bag of words cannot tell "not a good film" from "not a bad film", and few reviews turn on it, so a model has little reason to
learn it. Here each pattern comes with words of praise and words of blame in the same places, and the words alone say nothing.
The lexicon is of films, books, meals, rooms, devices and services. `pairs.csv` was written by hand and is not made from this.
"""

from __future__ import annotations

import argparse
import random

GOOD = """good great excellent wonderful funny moving clever brilliant charming gripping fresh beautiful touching delightful superb
engaging memorable convincing satisfying original witty thoughtful exciting enjoyable interesting entertaining impressive fascinating
lovely strong smart warm honest inspired rewarding thrilling amusing compelling fine worthwhile likable tense sharp lively graceful
reliable comfortable delicious friendly helpful clean quiet fast sturdy useful generous fair polite bright spotless tasty solid
pleasant intelligent subtle believable perfect fantastic terrific amazing outstanding hilarious remarkable special""".split()
BAD = """bad awful terrible boring dull stupid predictable weak lazy silly tedious clumsy annoying forgettable confusing ugly shallow
pointless disappointing tiresome wooden dreadful mediocre unfunny painful cheap slow bland lifeless pretentious ridiculous messy empty
irritating unconvincing cold flat stale horrible embarrassing poor miserable unwatchable overlong offensive dreary sloppy rude dirty
noisy broken useless greasy flimsy unreliable overpriced cramped bitter soggy unhelpful hopeless depressing generic tired hollow
trite worthless tacky mean unpleasant incoherent laughable contrived""".split()
GOOD_NOUNS = """success|triumph|joy|delight|masterpiece|pleasure|treat|classic|gem|winner|revelation|bargain|work of art|surprise|hit""".split("|")
BAD_NOUNS = """failure|mess|disaster|bore|disappointment|waste of time|waste of money|chore|letdown|insult|joke|embarrassment|
    flop|mistake|rip-off|bad joke|ordeal""".replace("\n    ", "").split("|")
QUALITIES = "charm wit energy humor style tension imagination heart depth warmth flavor comfort quality sense logic purpose talent passion".split()
FLAWS = "clichés flaws mistakes faults problems defects gaps weaknesses complaints errors".split()
GOOD_VERBS = """enjoyed|loved|liked|admired|adored|appreciated""".split("|")
BAD_VERBS = """hated|disliked|regretted|resented|despised|loathed""".split("|")
GOOD_ACTS = "entertain|impress|delight|surprise|move us|make me smile|make me laugh|please|work|hold my attention|deliver|win me over|convince".split("|")
BAD_ACTS = "bore me|annoy me|disappoint|let me down|irritate|drag|fall apart|offend|put me to sleep|break|waste my time|confuse me".split("|")
GOOD_CLAUSES = """the acting is {g}|the story is {g}|the ending is {g}|the food was {g}|the staff were {g}|the room was {g}|the screen is {g}|
it kept me smiling|I could watch it again|I loved every minute|it won me over|it works beautifully|I would buy it again|the cast shines|
it stays with you|the last hour is {g}|we had a {g} evening|the songs are {g}|it made me laugh|the writing is {g}|I was hooked|
the service was {g}|the battery is {g}|it all comes together|it pays off|it is a {gn}|I left happy|I will go back""".replace("\n", "").split("|")
BAD_CLAUSES = """the acting is {b}|the story is {b}|the ending is {b}|the food was {b}|the staff were {b}|the room was {b}|the screen is {b}|
it put me to sleep|I could not finish it|I hated every minute|it lost me|it does not work at all|I want my money back|the cast is wasted|
it is soon forgotten|the last hour is {b}|we had a {b} evening|the songs are {b}|it made me cringe|the writing is {b}|I was bored|
the service was {b}|the battery is {b}|it all falls apart|it leads nowhere|it is a {bn}|I left angry|I will never go back""".replace("\n", "").split("|")
THINGS = """film|movie|book|novel|story|show|series|episode|play|album|script|plot|performance|comedy|thriller|drama|sequel|restaurant|meal|
hotel|phone|camera|laptop|product|game|place|service|documentary|ending|cast|direction|dialogue|soup|blender|app|picture""".replace("\n", "").split("|")
WATCH = "watching it|seeing it|reading it|buying it|going there|trying it|renting it|owning it|staying there|eating there".split("|")
ADVERBS = "really|very|particularly|exactly|remotely|especially|at all|that|terribly|even|so".split("|")

# `+` is a word of the verdict and `-` one against it: filled for a positive sentence, and the other way round for a negative one.
# {+a} adjective, {+n} noun, {+v} verb in the past, {+x} what it does, {+c} clause; {t} thing, {w} having to do with it.
PATTERNS = """
it is not {-a}|it isn't {-a}|it was not {-a}|it wasn't {-a} at all|not {-a}|not {-a} at all|not at all {-a}|not {adv} {-a}|it is not {adv} {-a}
this is not a {-a} {t}|not a {-a} {t}|this isn't a {-a} {t} at all|the {t} is not {-a}|the {t} isn't {adv} {-a}|the {t} was never {-a}
never {-a}|never {-a}, never {-a2}|it is never {-a} and never {-a2}|neither {-a} nor {-a2}|not {-a}, not {-a2}|it is neither {-a} nor {-a2}, just {+a}
there is nothing {-a} about it|there is nothing {-a} in this {t}|nothing about this {t} is {-a}|nothing {-a} here|I saw nothing {-a} in it
I would not call it {-a}|nobody could call it {-a}|no one would call this {t} {-a}|you can't call it {-a}|I can't say it is {-a}
I don't think it is {-a}|I don't find it {-a}|I do not believe that the {t} is {-a}|I never found it {-a}|nobody will find it {-a}
far from {-a}|it is far from {-a}|it is far from being a {-n}|anything but {-a}|the {t} is anything but {-a}|anything but a {-n}|hardly a {-n}
hardly {-a}|it is hardly {-a}|it is by no means {-a}|by no means a {-n}|it is no {-n}|this {t} is no {-n}|it is not a {-n}|not the {-n} I had feared or hoped for
nothing but {+a}|it is nothing if not {+a}|it could not be more {+a}|the {t} couldn't be {adv2} more {+a}|never less than {+a}|it is nothing short of {+a}|always {+a}, never {-a}
I expected it to be {-a}, but it is {+a}|I expected a {-n}, and got a {+n}|I thought it would be {-a}. it was {+a}|I expected it to be {-a} and it turned out {+a}
I was told that it is {-a}; it is {+a}|they say it is {-a}. they are wrong|everyone said it was {-a}, but I found it {+a}|the reviews call it {-a}. I disagree
it looks {-a}, but it is {+a}|it sounds {-a}, and is {+a}|it seemed {-a} at first, but soon it was {+a}|it begins {-a} and ends {+a}|it starts out {-a}; it becomes {+a}
I wanted to {-like} it, but I {+v} it|I went in expecting to {-like} it and {+v} it|I thought I would {-like} it; I {+v} it|I was ready to {-like} this {t}. instead I {+v} it
{-c}, but {+c}|{-c}, yet {+c}|{-c}; still, {+c}|although {-c}, {+c}|though {-c}, {+c}|even though {-c}, {+c}|{+c}, although {-c}|{+c}, even if {-c}|while {-c}, {+c}
despite its {-a} beginning, {+c}|in spite of a {-a} start, it is {+a}|{-c}. nevertheless, {+c}|{-c}. all the same, {+c}|true, {-c}. but {+c}|yes, {-c}, but {+c}
{-c} at first. by the end, {+c}|for an hour {-c}; then {+c}|the first half is {-a}, the second is {+a}, and in the end {+c}|the trailer is {-a}. the {t} itself is {+a}
it does not {-x}|it didn't {-x}|it has never managed to {-x}|it will not {-x}|it won't {-x}|the {t} doesn't {-x}|this {t} did not {-x}
it is not that it is {-a}; it is {+a}|it is not {-a} but {+a}|not {-a} but {+a}|it is not just {+a}, it is {+a2}|not only {+a} but {+a2}|it is less {-a} than {+a}|more {+a} than {-a}
I did not {-base} it|I didn't {-base} it at all|I can't say I {-v} it|no one will {-base} it|I do not know anyone who {-v} it|nobody {-v} it|I never {-v} a minute of it
it is hard to {-base}|it is easy to {+base}|it is hard not to {+base} it|it is impossible not to {+base} this {t}|how could anyone not {+base} it|how could anyone {-base} it
what is {-a} about it? nothing|is it {-a}? no|is it {-a}? not for a moment|if you think it is {-a}, you are wrong|it has been called {-a}, wrongly
it used to be {-a}. now it is {+a}|the old one was {-a}; this one is {+a}|unlike the first {t}, which was {-a}, this one is {+a}|the {t2} was {-a}. the {t} is {+a}
I have seen nothing as {+a} in years|I have never seen anything so {+a}|rarely is a {t} so {+a}|seldom have I seen such a {+a} {t}|it has never been so {+a}
"""
# Patterns that have one verdict: a sentence, then one of the other verdict built in the same way
FIXED = """
it lacks nothing|it lacks {q}|it has {q} to spare|it has no {q}|full of {q}|without a trace of {q}|it never lacks {q}|it lacks any {q}
it has no {f}|it has nothing but {f}|without {f}|full of {f}|free of {f}|riddled with {f}|I found no {f}|I found many {f}|hardly any {f}|far too many {f}
it never fails to {gx}|it fails to {gx}|it does not fail to {gx}|it failed to {gx}|it managed to {gx}|it never manages to {gx}|it can't help but {gx}|it does nothing to {gx}
you will not regret {w}|you will regret {w}|I do not regret {w}|I regret {w}|nobody regrets {w}|everybody regrets {w}|I would not mind {w} again|I would mind {w} again
don't miss it|don't bother|you should not miss this {t}|you should not bother with this {t}|not to be missed|to be avoided|do not let it pass you by|do not let it fool you
I have seen worse, but rarely anything better|I have seen better, but rarely anything worse|it could not be better|it could not be worse|it does not get better than this|it does not get worse than this
I couldn't stop reading it|I couldn't go on with it|I could not put it down|I could not get through it|I can't wait to go back|I can't imagine going back|I couldn't ask for more|I could have asked for more
I can't recommend it enough|I can't recommend it|I would recommend it to anyone|I would not recommend it to anyone|I recommend it without reservation|I can't recommend it to anybody|I won't hesitate to recommend it|I won't recommend it
there is no better {t}|there is no worse {t}|no other {t} is as good|no other {t} is as bad|nothing comes close to it|nothing good comes of it|few are better|few are worse
I wish there were more {t}s like this|I wish I had not seen this {t}|I wish it had not ended|I wish it had ended sooner|I did not want it to end|I could not wait for it to end|it ended too soon|it did not end soon enough
it deserves every award|it deserves none of its awards|it deserves all the praise|it does not deserve the praise|the praise is earned|the praise is not earned|believe the praise|do not believe the praise
no complaints|no redeeming features|nothing to complain about|nothing to recommend it|I have no complaints about this {t}|I have nothing good to say about this {t}|nothing went wrong|nothing went right
worth every penny|not worth a penny|well worth {w}|not worth {w}|it was worth the wait|it was not worth the wait|I want another|I want a refund
it works as it should|it does not work as it should|it has never let me down|it has never been any use|it never breaks|it broke again|not a dull moment|not a single good moment
if only every {t} were like this|if only this {t} had been any good|I wish they were all this good|I wish it were half as good as they say|it is as good as they say|it is not as good as they say|it should win everything|it should have been much better
nobody left early|everybody left early|I was never bored|I was always bored|no minute is wasted|every minute is wasted|not one false note|not one true note
the critics who hated it are wrong|the critics who loved it are wrong|do not listen to those who hate it|do not listen to those who love it|it is not the disaster that people describe|it is not the triumph that people describe
"""
LEADS = [""] * 9 + ["honestly, ", "to be fair, ", "I must say, ", "in short: ", "well, ", "for me, ", "frankly, ", "all in all, ", "as for the {t}: "]
TAILS = [""] * 14 + [" in my opinion", " overall", ", I think", ", believe me", ", as my wife said"]
LIKE = {True: ["like", "love", "enjoy"], False: ["hate", "dislike", "despise"]}
BASE = {True: ["like", "enjoy", "admire", "love", "praise"], False: ["dislike", "hate", "regret", "fault", "resent"]}


def fill(pattern: str, positive: bool, rng: random.Random) -> str:
    """The pattern with words in its places: + of the verdict, - of its opposite"""

    def word(kind: str, good: bool) -> str:
        table = {"a": (BAD, GOOD), "n": (BAD_NOUNS, GOOD_NOUNS), "v": (BAD_VERBS, GOOD_VERBS), "x": (BAD_ACTS, GOOD_ACTS)}
        if kind == "c":
            return fill(rng.choice(GOOD_CLAUSES if good else BAD_CLAUSES), positive, rng)
        if kind in ("like", "base"):
            return rng.choice((LIKE if kind == "like" else BASE)[good])
        return rng.choice(table[kind][good])

    out = pattern
    while "{" in out:
        start = out.index("{")
        end = out.index("}", start)
        key = out[start + 1 : end]
        if key[0] in "+-":
            chosen = word(key[1:].rstrip("2"), positive == (key[0] == "+"))
        else:
            chosen = {
                "t": lambda: rng.choice(THINGS), "t2": lambda: rng.choice(THINGS), "w": lambda: rng.choice(WATCH), "q": lambda: rng.choice(QUALITIES),
                "f": lambda: rng.choice(FLAWS), "adv": lambda: rng.choice(ADVERBS), "adv2": lambda: rng.choice(["any", "much"]),
                "g": lambda: rng.choice(GOOD), "b": lambda: rng.choice(BAD), "gn": lambda: rng.choice(GOOD_NOUNS),
                "bn": lambda: rng.choice(BAD_NOUNS), "gx": lambda: rng.choice(GOOD_ACTS)}[key]()  # fmt: skip
        out = out[:start] + chosen + out[end + 1 :]
    return out


def compose(count: int, seed: int = 1) -> list[tuple[str, bool]]:
    """`count` sentences, each with whether it is positive; half of them are"""
    rng = random.Random(seed)
    patterns = [each for line in PATTERNS.strip().splitlines() for each in line.split("|")]
    fixed = [each for line in FIXED.strip().splitlines() for each in line.split("|")]
    out = []
    for i in range(count):
        positive = i % 2 == 0
        if rng.random() < 0.25:
            text = fill(fixed[2 * rng.randrange(len(fixed) // 2) + (not positive)], positive, rng)
        elif rng.random() < 0.12:
            text = fill(rng.choice(["it is {+a}", "a {+a} {t}", "the {t} is {+a} and {+a2}", "{+c}", "I {+v} it", "a {+n}", "{+c}, and {+c}",
                                    "what a {+a} {t}", "{+a}"]), positive, rng)  # fmt: skip
        else:
            text = fill(rng.choice(patterns), positive, rng)
        text = fill(rng.choice(LEADS), positive, rng) + text + rng.choice(TAILS)
        for vowel in "aeiou":
            text = text.replace(f" a {vowel}", f" an {vowel}")
        text = text.replace("a an ", "an ")
        if rng.random() < 0.85:
            text = ". ".join(part[:1].upper() + part[1:] for part in text.split(". ")) + rng.choice([".", ".", ".", ".", "!", ""])
        out.append((text, positive))
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for text, positive in compose(args.count, args.seed):
        print("positive" if positive else "negative", text, sep="\t")
