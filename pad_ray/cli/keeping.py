"""Verbs for what teaching costs besides: `ability` measures it, `average` and `rehearse` save some of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pad_ray.cli.parser import Commands, add_command, human_lines, jsonable, print_json
from pad_ray.errors import InputError

if TYPE_CHECKING:
    from pad_ray.ability.measure import Ability
    from pad_ray.ability.models import Measured
    from pad_ray.ability.settings import Settings


def add(commands: Commands[Any]) -> None:
    """Adds `ability`, `average` and `rehearse`."""
    _add_ability(commands)
    _add_average(commands)
    _add_rehearse(commands)


def _add_average(commands: Commands[Any]) -> None:
    average = add_command(
        commands,
        "average",
        "write a checkpoint between a student and its base, which keeps more of what the base could",
        _average,
        examples="pad-ray average runs/mine/student embedded --share 0.5 --out averaged/\n"
        "pad-ray average runs/lora/student --share 0.7 --out weaker/   # an adapter, by that factor",
        more="Weights are share × student + (1 - share) × base. An adapter names its base itself.",
    )
    average.add_argument("student", metavar="STUDENT", help="a student's folder: a checkpoint, or a LoRA adapter")
    average.add_argument("base", nargs="?", metavar="BASE", help="the model that it was trained from")
    average.add_argument("--share", type=float, default=0.5, metavar="S", help="of the student, 0 to 1 (default: 0.5)")
    average.add_argument("--out", required=True, metavar="FOLDER", help="where to write; empty, or not there yet")
    jsonable(average)


def _add_rehearse(commands: Commands[Any]) -> None:
    rehearse = add_command(
        commands,
        "rehearse",
        "let a model write examples of its own, to be mixed into what its student learns",
        _rehearse,
        examples="pad-ray rehearse embedded --rows 500 --out replay.jsonl\n"
        "pad-ray run mine.yaml --set training.replay.file=replay.jsonl",
        more="A chat model writes what a user might ask, and answers it; any other model writes texts. What overlaps "
        "with an evaluation set is left out. The same command again goes on where one was stopped: what was drawn is "
        "kept in FILE.part until all is there.",
    )
    rehearse.add_argument("model", metavar="MODEL", help="`embedded`, a folder, or a hub name: the base of a run")
    rehearse.add_argument("--rows", type=int, default=500, metavar="N", help="examples to write (default: 500)")
    rehearse.add_argument("--temperature", type=float, default=0.8, metavar="T", help="above 0 (default: 0.8)")
    rehearse.add_argument("--max-tokens", type=int, default=384, metavar="N", help="longest text (default: 384)")
    rehearse.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other examples (default: 0)")
    rehearse.add_argument(
        "--engine",
        choices=("transformers", "vllm"),
        default="transformers",
        help="who writes; vllm starts slowly and is then faster (default: transformers)",
    )
    rehearse.add_argument("--threads", type=int, metavar="N", help="CPU threads of transformers")
    rehearse.add_argument("--data", metavar="FOLDER", help="the data folder (default: PAD_RAY_DATA)")
    rehearse.add_argument("--out", type=Path, required=True, metavar="FILE", help="the JSON Lines file to write")
    jsonable(rehearse)


def _add_ability(commands: Commands[Any]) -> None:
    ability = add_command(
        commands,
        "ability",
        "measure what models can besides: direct answers to BIG-Bench Hard, perplexity of plain text",
        _ability,
        examples="pad-ray ability embedded runs/mine/student --limit 50\n"
        "pad-ray ability --run mine --output ability.json   # a run's base and its students\n"
        "pad-ray ability embedded --only perplexity --text book.txt",
        more="Answers are greedy. Programs that a model writes where text is asked are counted apart, and are not "
        "right. Each model is held against the first.",
    )
    ability.add_argument("models", nargs="*", metavar="MODEL", help="`embedded`, a folder (an adapter's too), a name")
    ability.add_argument(
        "--run", dest="of_run", metavar="RUN", help="a run's folder, or its name: its base, then its students"
    )
    ability.add_argument("--runs", default="runs", metavar="FOLDER", help="where run folders are kept (default: runs)")
    ability.add_argument("--only", choices=("bbh", "perplexity"), help="measure one of the two")
    ability.add_argument("--subsets", metavar="A,B", help="of BIG-Bench Hard (default: all that are known)")
    ability.add_argument("--limit", type=int, metavar="N", help="measure the first N problems of each subset and set")
    ability.add_argument(
        "--taught", metavar="A,B", help="also evaluation sets that it was taught for, asked as a student is: gsm8k, …"
    )
    ability.add_argument("--shots", type=int, default=3, metavar="N", help="problems shown with answers (default: 3)")
    ability.add_argument("--max-tokens", type=int, default=64, metavar="N", help="longest answer (default: 64)")
    ability.add_argument(
        "--ask",
        choices=("completion", "chat"),
        default="completion",
        help="continue a text, or answer in the model's chat template (default: completion)",
    )
    ability.add_argument(
        "--engine",
        choices=("transformers", "vllm"),
        default="transformers",
        help="who generates; vllm starts slowly and is then faster (default: transformers)",
    )
    ability.add_argument("--threads", type=int, metavar="N", help="CPU threads of transformers")
    ability.add_argument(
        "--text", metavar="FILE", help="JSON Lines or plain text (default: strategyqa/dev.jsonl of the data folder)"
    )
    ability.add_argument("--field", metavar="NAME", help="of each line of --text (default: text)")
    ability.add_argument("--data", metavar="FOLDER", help="the data folder (default: PAD_RAY_DATA)")
    ability.add_argument("--output", type=Path, metavar="FILE", help="write the figures there, as JSON")
    ability.add_argument("--answers", type=Path, metavar="FILE", help="write every answer there, as JSON Lines")
    jsonable(ability)


def _ability(arguments: argparse.Namespace) -> int:
    from pad_ray.ability.measure import as_document, measure, write_answers, write_document
    from pad_ray.ability.table import print_abilities
    from pad_ray.ability.tasks import load_tasks
    from pad_ray.ability.taught import load_taught
    from pad_ray.ability.texts import FACTS, read_texts

    settings = _settings(arguments)
    tasks = [] if arguments.only == "perplexity" else load_tasks(settings)
    texts = [] if arguments.only == "bbh" else read_texts(arguments.text, arguments.field, data=arguments.data)
    taught = load_taught(arguments.taught.split(","), settings) if arguments.taught else []
    models = _models(arguments)
    source = (arguments.text or FACTS) if texts else None

    def done(found: list[Ability]) -> None:
        """After each model, so that what was measured is there if a later one fails."""
        if arguments.output:
            write_document(arguments.output, as_document(found, settings, source))
        if arguments.answers:
            write_answers(arguments.answers, found)

    with human_lines(arguments):
        found = measure(models, tasks, texts, settings, done, taught)
        print_abilities(found)
    if arguments.json:
        print_json(as_document(found, settings, source))
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    from pad_ray.ability.settings import SUBSETS, Settings

    chosen = tuple(arguments.subsets.split(",")) if arguments.subsets else SUBSETS
    return Settings(
        subsets=chosen,
        shots=arguments.shots,
        limit=arguments.limit,
        max_tokens=arguments.max_tokens,
        ask=arguments.ask,
        engine=arguments.engine,
        threads=arguments.threads,
        data=arguments.data,
    ).checked()


def _models(arguments: argparse.Namespace) -> list[Measured]:
    from pad_ray.ability.models import Measured, of_run

    of_a_run = of_run(arguments.of_run, arguments.runs) if arguments.of_run else []
    models = [*of_a_run, *map(Measured.named, arguments.models)]
    if not models:
        raise InputError("there is no model to measure", "Name models, or a run with --run")
    return models


def _average(arguments: argparse.Namespace) -> int:
    from pad_ray.ability.models import Measured
    from pad_ray.models import hub_model, resolve_model
    from pad_ray.remedies.averaging import average

    student = Measured.named(arguments.student)
    if student.adapter is None and arguments.base is None:
        raise InputError(f"{arguments.student} does not say what it was trained from", "Name the base behind it")
    base = resolve_model(arguments.base) if arguments.base else student.folder
    hub = hub_model(arguments.base) if arguments.base else None
    found = average(student.adapter or student.folder, base, arguments.share, arguments.out, bool(student.adapter), hub)
    if arguments.json:
        print_json(found)
        return 0
    distance = "" if found.distance is None else f", which are {found.distance:.2e} apart (root mean square)"
    print(f"{found.share:g} of the student, {1 - found.share:g} of its base{distance}: {found.folder}")
    return 0


def _rehearse(arguments: argparse.Namespace) -> int:
    from pad_ray.remedies.rehearsal import Rehearsal, rehearse

    names = ("rows", "temperature", "max_tokens", "seed", "engine", "threads", "data")
    settings = Rehearsal(**{name: getattr(arguments, name) for name in names})
    with human_lines(arguments):
        found = rehearse(arguments.model, settings, arguments.out)
        print(
            f"{found.kept:,} examples of {found.drawn:,} texts in {found.file}; left out: {found.unfinished:,} without "
            f"an end, {found.repeated:,} repeated, {found.contaminated:,} that overlap with evaluation sets"
        )
    if arguments.json:
        print_json(found)
    return 0
