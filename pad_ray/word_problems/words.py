"""The words that fill the templates. A placeholder's name is its list: `{fruit}` comes from the list `fruit`.

Plural nouns are single words, so that they can also stand in a program's variable names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody with a first name. In a template `{who}` is the name, `{who.she}` the fitting pronoun."""

    name: str
    she: str
    her: str

    def __str__(self) -> str:
        return self.name

    @property
    def She(self) -> str:
        return self.she.capitalize()

    @property
    def key(self) -> str:
        """The name as the start of a variable's name."""
        return self.name.lower()


@dataclass(frozen=True)
class Noun:
    """Something that is counted. In a template `{thing}` is the plural, `{thing.one}` the singular."""

    one: str
    many: str

    def __str__(self) -> str:
        return self.many


def _nouns(text: str) -> list[Noun]:
    """Nouns from "apple, box/boxes": the plural is spelt out where an s is not enough."""
    pairs = (word.partition("/") for word in text.split(", "))
    return [Noun(one, many or f"{one}s") for one, _, many in pairs]


_WOMEN = "Mia, Ana, Emma, Nora, Sara, Zoe, Ruth, Maya, Lena, Kate, Amy, Nina, Priya, Leila, Grace, Hana, Julia"
_MEN = "Tom, Ben, Paul, Leo, Max, Omar, Jack, Noah, Luis, Ivan, Raj, Kofi, Adam, Eric, Hugo, Dan, Yusuf"

PEOPLE = [Person(name, "she", "her") for name in _WOMEN.split(", ")]
PEOPLE += [Person(name, "he", "his") for name in _MEN.split(", ")]
PERSON_SLOTS = ("who", "friend", "third")

NOUNS = {
    "thing": _nouns("marble, sticker, stamp, card, bead, button, pencil, crayon, balloon, ribbon"),
    "find": _nouns("shell, pebble, feather, stone"),
    "fruit": _nouns("apple, pear, plum, peach/peaches, lemon, orange, fig, apricot"),
    "sweet": _nouns("candy/candies, cookie, strawberry/strawberries, chocolate, nut, cherry/cherries"),
    "baked": _nouns("muffin, cupcake, roll, pie, bun, donut, cookie"),
    "ware": _nouns("notebook, pen, cup, plate, scarf/scarves, hat, candle, brush/brushes, bowl"),
    "toy": _nouns("puzzle, doll, kite, ball, robot"),
    "flower": _nouns("rose, tulip, daisy/daisies, sunflower"),
    "bird": _nouns("hen, duck, goose/geese"),
}

PLAIN = {
    "shop": ["market", "store", "fair", "mall"],
    "owner": ["store", "school", "club", "teacher"],
    "shore": ["beach", "lake", "river"],
    "orchard": ["garden", "orchard"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "wish": ["bike", "guitar", "phone", "camera", "tent", "skateboard"],
    "relative": ["aunt", "uncle", "grandmother", "grandfather"],
    "gift": ["jacket", "bag", "lamp", "game", "watch", "cake"],
    "place": ["park", "school", "station", "museum", "stadium", "hospital", "library"],
    "trip": ["zoo", "museum", "farm", "castle", "beach"],
    "vehicle": ["car", "bus", "train", "truck", "van", "boat"],
    "line": ["bus", "train", "tram"],
    "show": ["concert", "play", "meeting", "film"],
    "color": ["red", "blue", "white", "green", "yellow", "brown", "gray"],
}
