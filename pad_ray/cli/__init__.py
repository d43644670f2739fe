"""The command `pad-ray`: one verb a thing that people want done, no logic.

running.py    run, sample, train, evaluate
refining.py   refine, rounds
comparing.py  compare
judging.py    verify
solving.py    solve
serving.py    serve
looking.py    status, report, show, samples
taking.py     export
keeping.py    ability, average, rehearse
starting.py   init, doctor, clean, completion
cluster.py    submit
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress

from pad_ray.cli import (
    cluster,
    comparing,
    judging,
    keeping,
    looking,
    refining,
    running,
    serving,
    solving,
    starting,
    taking,
)
from pad_ray.cli.parser import Parser, new_parser
from pad_ray.errors import PadRayError

_THE_MACHINES = {
    errno.ENOSPC: "Free some space and run the same command again",
    errno.EDQUOT: "Free some space and run the same command again",
    errno.EACCES: "Choose a place that you may use, or change its permissions",
    errno.EPERM: "Choose a place that you may use, or change its permissions",
    errno.EROFS: "Choose a place that can be written to",
    errno.ENAMETOOLONG: "Check the path",
    errno.EMFILE: "Raise the limit of open files: ulimit -n 65536",
}

_LONGEST = 200  # characters of a word that a line shows


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 done, 1 failed, 2 bad input, 130 interrupted.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = parser().parse_args(given)
    try:
        return int(arguments.run(arguments))
    except PadRayError as error:
        return _said(str(error), error.exit_code)
    except BrokenPipeError:  # a reader that has seen enough (`| head`)
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        if error.errno not in _THE_MACHINES:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _said(f"{where}{error.strerror}. {_THE_MACHINES[error.errno]}", 2)
    except KeyboardInterrupt:
        again = f"; go on with: {shlex.join(['pad-ray', *given])}" if arguments.resumes else ""
        return _said(f"interrupted{again}", 130)


def _said(line: str, code: int) -> int:
    words = " ".join(line.splitlines()).split(" ")
    shown = (word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…" for word in words)
    print(f"pad-ray: {' '.join(shown)}", file=sys.stderr)
    return code


def parser() -> Parser:
    """The whole command line."""
    top, commands = new_parser()
    verbs = (running, refining, comparing, judging, solving, serving, looking, taking, keeping, cluster, starting)
    for add in (starting.add_init, *(group.add for group in verbs)):
        add(commands)
    return top
