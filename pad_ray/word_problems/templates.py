"""The templates of the quickstart's word problems: 24 to train on and 6 that are held out.

A template reads as data: the text, the program that solves it (statements apart by "; "), the range of each
number, the answer as a formula, and, where ranges alone do not make sense, a condition on them. Numbers are
drawn until the condition holds, so every quantity on the way to the answer is a positive whole number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _always(**numbers: int) -> bool:
    return True


@dataclass(frozen=True)
class Template:
    """One kind of word problem.

    Attributes:
        name: what happens in the story; unique.
        operations: how many times + - * / of two numbers are needed, 1 to 3.
        text: the question; placeholders are numbers (a, b, c, d) and word lists (see `words`).
        program: the body of a reference `solution()`, statements apart by "; ". The last assigns `result`.
        ranges: lowest and highest value of each number.
        formula: the answer from the numbers. Written apart from the program, so that each checks the other.
        where: which numbers make sense.
    """

    name: str
    operations: int
    text: str
    program: str
    ranges: dict[str, tuple[int, int]]
    formula: Callable[..., int]
    where: Callable[..., bool] = _always


TRAINED = [
    Template(
        "buy_more", 1,
        "{who} has {a} {thing}. {who.She} buys {b} more {thing} at the {shop}. "
        "How many {thing} does {who} have now?",
        "{thing}_at_start = {a}; {thing}_bought = {b}; result = {thing}_at_start + {thing}_bought",
        {"a": (5, 60), "b": (3, 40)}, lambda a, b: a + b,
    ),
    Template(
        "pick_together", 1,
        "{who} picks {a} {fruit} in the {orchard} and {friend} picks {b} {fruit}. "
        "How many {fruit} do they pick in total?",
        "{who.key}_{fruit} = {a}; {friend.key}_{fruit} = {b}; "
        "result = {who.key}_{fruit} + {friend.key}_{fruit}",
        {"a": (8, 70), "b": (8, 70)}, lambda a, b: a + b,
    ),
    Template(
        "give_away", 1,
        "{who} has {a} {thing}. {who.She} gives {b} {thing} to {friend}. "
        "How many {thing} does {who} have left?",
        "{thing}_at_start = {a}; {thing}_given = {b}; result = {thing}_at_start - {thing}_given",
        {"a": (10, 80), "b": (3, 60)}, lambda a, b: a - b, lambda a, b: a - b >= 2,
    ),
    Template(
        "find_how_many_more", 1,
        "{who} finds {a} {find} at the {shore} and {friend} finds {b} {find}. "
        "How many more {find} does {who} find than {friend}?",
        "{who.key}_{find} = {a}; {friend.key}_{find} = {b}; result = {who.key}_{find} - {friend.key}_{find}",
        {"a": (10, 80), "b": (5, 60)}, lambda a, b: a - b, lambda a, b: a - b >= 2,
    ),
    Template(
        "count_boxes", 1,
        "A {owner} has {a} boxes of {thing}. There are {b} {thing} in each box. "
        "How many {thing} are there in all?",
        "boxes = {a}; {thing}_per_box = {b}; result = boxes * {thing}_per_box",
        {"a": (3, 15), "b": (4, 30)}, lambda a, b: a * b,
    ),
    Template(
        "pay_for_all", 1,
        "{who} buys {a} {ware} at the {shop}. Each {ware.one} costs {b} dollars. "
        "How many dollars does {who} pay?",
        "{ware} = {a}; price_per_{ware.one} = {b}; result = {ware} * price_per_{ware.one}",
        {"a": (2, 20), "b": (2, 15)}, lambda a, b: a * b,
    ),
    Template(
        "share_equally", 1,
        "{who} has {a} {sweet} and shares all of them equally among {b} friends. "
        "How many {sweet} does each friend get?",
        "{sweet} = {a}; friends = {b}; result = {sweet} / friends",
        {"a": (8, 120), "b": (2, 12)}, lambda a, b: a // b, lambda a, b: a % b == 0 and a // b >= 3,
    ),
    Template(
        "pack_boxes", 1,
        "{who} bakes {a} {baked} and packs all of them into boxes. Each box holds {b} {baked}. "
        "How many boxes does {who} fill?",
        "{baked} = {a}; {baked}_per_box = {b}; result = {baked} / {baked}_per_box",
        {"a": (12, 144), "b": (3, 12)}, lambda a, b: a // b, lambda a, b: a % b == 0 and a // b >= 2,
    ),
    Template(
        "get_then_lose", 2,
        "{who} has {a} {thing} and gets {b} more {thing} from {friend}. Later {who.she} loses {c} {thing}. "
        "How many {thing} does {who} have left?",
        "{thing}_at_start = {a}; {thing}_from_{friend.key} = {b}; {thing}_lost = {c}; "
        "result = {thing}_at_start + {thing}_from_{friend.key} - {thing}_lost",
        {"a": (8, 50), "b": (4, 30), "c": (3, 30)}, lambda a, b, c: a + b - c, lambda a, b, c: a + b - c >= 4,
    ),
    Template(
        "buy_packs", 2,
        "{who} has {a} {thing}. {who.She} buys {b} packs with {c} {thing} in each pack. "
        "How many {thing} does {who} have now?",
        "{thing}_at_start = {a}; packs = {b}; {thing}_per_pack = {c}; "
        "{thing}_bought = packs * {thing}_per_pack; "
        "result = {thing}_at_start + {thing}_bought",
        {"a": (4, 40), "b": (2, 9), "c": (3, 15)}, lambda a, b, c: a + b * c,
    ),
    Template(
        "money_left", 2,
        "{who} has {a} dollars. At the {shop} {who.she} buys {b} {ware} for {c} dollars each. "
        "How many dollars does {who} have left?",
        "dollars_at_start = {a}; {ware} = {b}; price_per_{ware.one} = {c}; "
        "dollars_spent = {ware} * price_per_{ware.one}; "
        "result = dollars_at_start - dollars_spent",
        {"a": (20, 100), "b": (2, 8), "c": (2, 15)}, lambda a, b, c: a - b * c,
        lambda a, b, c: a - b * c >= 2,
    ),
    Template(
        "join_and_share", 2,
        "{who} has {a} {sweet} and {friend} has {b} {sweet}. They share all of them equally among {c} "
        "children. "
        "How many {sweet} does each child get?",
        "{who.key}_{sweet} = {a}; {friend.key}_{sweet} = {b}; children = {c}; "
        "total_{sweet} = {who.key}_{sweet} + {friend.key}_{sweet}; "
        "result = total_{sweet} / children",
        {"a": (6, 50), "b": (6, 50), "c": (3, 10)}, lambda a, b, c: (a + b) // c,
        lambda a, b, c: (a + b) % c == 0 and (a + b) // c >= 2,
    ),
    Template(
        "pack_the_rest", 2,
        "{who} bakes {a} {baked}, and {who.her} family eats {b} of them. {who.She} packs the rest into "
        "boxes of {c}. "
        "How many boxes does {who} fill?",
        "{baked}_at_start = {a}; {baked}_eaten = {b}; {baked}_per_box = {c}; "
        "{baked}_left = {baked}_at_start - {baked}_eaten; "
        "result = {baked}_left / {baked}_per_box",
        {"a": (15, 90), "b": (3, 15), "c": (3, 10)}, lambda a, b, c: (a - b) // c,
        lambda a, b, c: a > b and (a - b) % c == 0 and (a - b) // c >= 2,
    ),
    Template(
        "times_as_many_pages", 2,
        "{who} reads {a} pages on {day}. The next day {who.she} reads {b} times as many pages. "
        "How many pages does {who} read on the two days together?",
        "first_day_pages = {a}; times_as_many = {b}; second_day_pages = first_day_pages * times_as_many; "
        "result = first_day_pages + second_day_pages",
        {"a": (5, 40), "b": (2, 4)}, lambda a, b: a + a * b,
    ),
    Template(
        "fewer_than_friend", 2,
        "{who} has {a} {thing}. {friend} has {b} fewer {thing} than {who}. "
        "How many {thing} do they have together?",
        "{who.key}_{thing} = {a}; fewer_{thing} = {b}; "
        "{friend.key}_{thing} = {who.key}_{thing} - fewer_{thing}; "
        "result = {who.key}_{thing} + {friend.key}_{thing}",
        {"a": (10, 60), "b": (2, 30)}, lambda a, b: a + (a - b), lambda a, b: a - b >= 3,
    ),
    Template(
        "same_price", 2,
        "A store sells {a} {ware} for {b} dollars. Each {ware.one} has the same price. "
        "How many dollars do {c} {ware} cost?",
        "{ware}_sold = {a}; dollars_paid = {b}; {ware}_wanted = {c}; "
        "price_per_{ware.one} = dollars_paid / {ware}_sold; "
        "result = price_per_{ware.one} * {ware}_wanted",
        {"a": (2, 8), "b": (6, 80), "c": (2, 12)}, lambda a, b, c: b // a * c,
        lambda a, b, c: a != c and b % a == 0 and 2 <= b // a <= 15,
    ),
    Template(
        "two_prices", 3,
        "At the {shop} {who} buys {a} {ware} for {b} dollars each and {c} {toy} for {d} dollars each. "
        "How many dollars does {who} spend in all?",
        "{ware} = {a}; price_per_{ware.one} = {b}; {toy} = {c}; price_per_{toy.one} = {d}; "
        "{ware}_cost = {ware} * price_per_{ware.one}; {toy}_cost = {toy} * price_per_{toy.one}; "
        "result = {ware}_cost + {toy}_cost",
        {"a": (2, 9), "b": (2, 12), "c": (2, 9), "d": (3, 15)}, lambda a, b, c, d: a * b + c * d,
    ),
    Template(
        "trays_sold_then_packed", 3,
        "{who} bakes {a} trays of {baked} with {b} {baked} on each tray. {who.She} sells {c} {baked} and "
        "packs the rest into boxes of {d}. "
        "How many boxes does {who} fill?",
        "trays = {a}; {baked}_per_tray = {b}; {baked}_sold = {c}; {baked}_per_box = {d}; "
        "total_{baked} = trays * {baked}_per_tray; {baked}_left = total_{baked} - {baked}_sold; "
        "result = {baked}_left / {baked}_per_box",
        {"a": (3, 9), "b": (6, 16), "c": (4, 60), "d": (3, 10)}, lambda a, b, c, d: (a * b - c) // d,
        lambda a, b, c, d: a * b > c and (a * b - c) % d == 0 and (a * b - c) // d >= 2,
    ),
    Template(
        "three_pickers", 3,
        "{who} picks {a} {fruit}, {friend} picks {b} {fruit} and {third} picks {c} {fruit}. They put all "
        "the {fruit} into {d} baskets, with the same number in each basket. "
        "How many {fruit} are in each basket?",
        "{who.key}_{fruit} = {a}; {friend.key}_{fruit} = {b}; {third.key}_{fruit} = {c}; baskets = {d}; "
        "total_{fruit} = {who.key}_{fruit} + {friend.key}_{fruit} + {third.key}_{fruit}; "
        "result = total_{fruit} / baskets",
        {"a": (6, 40), "b": (6, 40), "c": (6, 40), "d": (3, 9)}, lambda a, b, c, d: (a + b + c) // d,
        lambda a, b, c, d: (a + b + c) % d == 0,
    ),
    Template(
        "save_for_wish", 3,
        "{who} wants a {wish} that costs {a} dollars. {who.She} has {b} dollars and gets {c} dollars from "
        "{who.her} {relative}. "
        "If {who.she} saves {d} dollars each week, how many weeks does {who.she} need to save the rest?",
        "{wish}_price = {a}; dollars_saved = {b}; dollars_from_{relative} = {c}; dollars_per_week = {d}; "
        "dollars_needed = {wish}_price - dollars_saved - dollars_from_{relative}; "
        "result = dollars_needed / dollars_per_week",
        {"a": (80, 300), "b": (10, 90), "c": (10, 60), "d": (5, 20)}, lambda a, b, c, d: (a - b - c) // d,
        lambda a, b, c, d: (a - b - c) % d == 0 and 2 <= (a - b - c) // d <= 15,
    ),
    Template(
        "earn_and_spend", 3,
        "{who} has {a} dollars. {who.She} works for {b} days and earns {c} dollars each day. Then {who.she} "
        "spends {d} dollars on a {gift}. "
        "How many dollars does {who} have left?",
        "dollars_at_start = {a}; days = {b}; dollars_per_day = {c}; {gift}_price = {d}; "
        "dollars_earned = days * dollars_per_day; "
        "result = dollars_at_start + dollars_earned - {gift}_price",
        {"a": (10, 60), "b": (2, 9), "c": (8, 30), "d": (10, 60)}, lambda a, b, c, d: a + b * c - d,
        lambda a, b, c, d: a + b * c - d >= 5,
    ),
    Template(
        "pick_then_give", 3,
        "{who} picks {a} {flower} in the morning and {b} times as many in the afternoon. {who.She} gives "
        "{c} {flower} to {friend}. "
        "How many {flower} does {who} have left?",
        "morning_{flower} = {a}; times_as_many = {b}; {flower}_given = {c}; "
        "afternoon_{flower} = morning_{flower} * times_as_many; "
        "result = morning_{flower} + afternoon_{flower} - {flower}_given",
        {"a": (4, 20), "b": (2, 5), "c": (3, 40)}, lambda a, b, c: a + a * b - c,
        lambda a, b, c: a + a * b - c >= 3,
    ),
    Template(
        "sell_eggs", 3,
        "{who} has {a} {bird}, and each {bird.one} lays {b} eggs this month. {who.She} sells {c} boxes with "
        "{d} eggs in each box. "
        "How many eggs are left?",
        "{bird} = {a}; eggs_per_{bird.one} = {b}; boxes = {c}; eggs_per_box = {d}; "
        "eggs_laid = {bird} * eggs_per_{bird.one}; eggs_sold = boxes * eggs_per_box; "
        "result = eggs_laid - eggs_sold",
        {"a": (4, 15), "b": (6, 20), "c": (2, 9), "d": (4, 12)}, lambda a, b, c, d: a * b - c * d,
        lambda a, b, c, d: a * b - c * d >= 2,
    ),
    Template(
        "pages_left", 3,
        "{who} reads a book of {a} pages. Every day {who.she} reads {b} pages in the morning and {c} pages "
        "in the evening. "
        "How many pages are left after {d} days?",
        "book_pages = {a}; morning_pages = {b}; evening_pages = {c}; days = {d}; "
        "pages_per_day = morning_pages + evening_pages; pages_read = pages_per_day * days; "
        "result = book_pages - pages_read",
        {"a": (80, 300), "b": (3, 20), "c": (3, 20), "d": (2, 9)}, lambda a, b, c, d: a - (b + c) * d,
        lambda a, b, c, d: a - (b + c) * d >= 5,
    ),
]  # fmt: skip

HELD_OUT = [
    Template(
        "empty_spaces", 1,
        "A parking lot near the {place} has {a} spaces. Cars are parked in {b} of the spaces. "
        "How many spaces are empty?",
        "total_spaces = {a}; taken_spaces = {b}; result = total_spaces - taken_spaces",
        {"a": (20, 120), "b": (8, 90)}, lambda a, b: a - b, lambda a, b: a - b >= 2,
    ),
    Template(
        "miles_per_hour", 1,
        "A {vehicle} travels {a} miles every hour. "
        "How many miles does the {vehicle} travel in {b} hours if it never stops?",
        "miles_per_hour = {a}; hours = {b}; result = miles_per_hour * hours",
        {"a": (15, 70), "b": (2, 9)}, lambda a, b: a * b,
    ),
    Template(
        "chairs_taken", 2,
        "A hall has {a} rows of chairs with {b} chairs in each row. During the {show}, {c} chairs are "
        "empty. "
        "How many chairs are taken?",
        "rows = {a}; chairs_per_row = {b}; empty_chairs = {c}; total_chairs = rows * chairs_per_row; "
        "result = total_chairs - empty_chairs",
        {"a": (4, 15), "b": (6, 20), "c": (3, 60)}, lambda a, b, c: a * b - c, lambda a, b, c: a * b - c >= 5,
    ),
    Template(
        "people_get_off", 2,
        "A {line} leaves the station with {a} people. At the first stop {b} people get off, and at the "
        "second stop {c} people get off. "
        "How many people are still on the {line}?",
        "people_at_start = {a}; off_at_first_stop = {b}; off_at_second_stop = {c}; "
        "result = people_at_start - off_at_first_stop - off_at_second_stop",
        {"a": (20, 90), "b": (3, 30), "c": (3, 30)}, lambda a, b, c: a - b - c,
        lambda a, b, c: a - b - c >= 3,
    ),
    Template(
        "school_trip", 3,
        "A school takes {a} boys and {b} girls to the {trip}. They ride in {c} buses, with the same number "
        "of children in each bus. There are also {d} teachers in each bus. "
        "How many people are in each bus?",
        "boys = {a}; girls = {b}; buses = {c}; teachers_per_bus = {d}; children = boys + girls; "
        "children_per_bus = children / buses; "
        "result = children_per_bus + teachers_per_bus",
        {"a": (20, 99), "b": (20, 99), "c": (2, 6), "d": (2, 5)}, lambda a, b, c, d: (a + b) // c + d,
        lambda a, b, c, d: (a + b) % c == 0 and 15 <= (a + b) // c <= 50,
    ),
    Template(
        "paint_cans", 3,
        "Painters have {a} liters of {color} paint. They use {b} liters each day for {c} days. They pour "
        "the rest into cans of {d} liters. "
        "How many cans do they fill?",
        "liters_at_start = {a}; liters_per_day = {b}; days = {c}; liters_per_can = {d}; "
        "liters_used = liters_per_day * days; liters_left = liters_at_start - liters_used; "
        "result = liters_left / liters_per_can",
        {"a": (40, 200), "b": (4, 20), "c": (2, 8), "d": (2, 10)}, lambda a, b, c, d: (a - b * c) // d,
        lambda a, b, c, d: a > b * c and (a - b * c) % d == 0 and (a - b * c) // d >= 2,
    ),
]  # fmt: skip
