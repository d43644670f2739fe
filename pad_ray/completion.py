"""Completion for shells: `pad-ray completion bash|zsh|fish` prints what a shell shall load.

The shell asks the command itself what may come next, so that keys of settings and names of runs are completed too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
_pad_ray() {
    local line=("${COMP_WORDS[@]:1:COMP_CWORD}")
    # Bash takes = for a border of words; the command sees them as they were typed.
    local joined=() part; for part in "${line[@]}"; do
        if [[ $part == "=" && ${#joined[@]} -gt 0 ]]; then joined[-1]+="="
        elif [[ ${#joined[@]} -gt 0 && ${joined[-1]} == *"=" ]]; then joined[-1]+=$part
        else joined+=("$part"); fi
    done
    local reply replies typed=${joined[-1]} border=""
    if [[ $typed == *=* && $COMP_WORDBREAKS == *=* ]]; then border=${typed%%=*}=; fi
    replies=$(pad-ray completion --words "${joined[@]}" 2>/dev/null)
    COMPREPLY=()
    while IFS= read -r reply; do [[ -n $reply ]] && COMPREPLY+=("${reply#"$border"}"); done <<< "$replies"
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o default; fi
}
complete -F _pad_ray pad-ray
"""
_ZSH = """\
#compdef pad-ray
_pad_ray() {
    local -a replies
    replies=("${(@f)$(pad-ray completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -z "${replies[*]}" ]]; then _files; return; fi
    if [[ ${#replies} -eq 1 && ${replies[1]} == *= ]]; then compadd -S '' -- "${replies[@]}"
    else compadd -- "${replies[@]}"; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _pad_ray pad-ray
"""
_FISH = """\
function __pad_ray
    set -l line (commandline -opc) (commandline -ct)
    pad-ray completion --words $line[2..-1] 2>/dev/null
end
complete -c pad-ray -a '(__pad_ray)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def words(parser: argparse.ArgumentParser, line: Sequence[str], runs: Iterable[str] = ()) -> list[str]:
    """What the last word of a line may become; nothing where a file is meant, which the shell knows better.

    Args:
        parser: of the whole command.
        line: the words after `pad-ray`, the last one unfinished and perhaps empty.
        runs: names of runs.
    """
    *before, word = line or [""]
    chosen, rest = _descend(parser, before)
    return sorted({option for option in _options(chosen, rest, word, runs) if option.startswith(word)})


def _descend(parser: argparse.ArgumentParser, before: Sequence[str]) -> tuple[argparse.ArgumentParser, list[str]]:
    """The parser of the command that is on the line, and the words after it."""
    commands = _commands(parser)
    for place, word in enumerate(before):
        if word in commands:
            return commands[word], list(before[place + 1 :])
    return parser, list(before)


def _commands(parser: argparse.ArgumentParser) -> dict[str, Any]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser, rest: Sequence[str], word: str, runs: Iterable[str]) -> Iterator[str]:
    flags = {flag: action for action in parser._actions for flag in action.option_strings}
    if rest and rest[-1] in flags and flags[rest[-1]].nargs != 0:
        yield from _values(flags[rest[-1]], word, runs)
        return
    if word.startswith("-"):
        yield from flags
        return
    yield from _commands(parser)
    taken = _positionals_on(rest, flags)
    positionals = [action for action in parser._actions if not action.option_strings]
    if taken < len(positionals):
        yield from _values(positionals[taken], word, runs)


def _positionals_on(rest: Sequence[str], flags: dict[str, argparse.Action]) -> int:
    count, value_of = 0, False
    for word in rest:
        if value_of:
            value_of = False
        elif word in flags:
            value_of = flags[word].nargs != 0
        else:
            count += not word.startswith("-")
    return count


def _values(action: argparse.Action, word: str, runs: Iterable[str]) -> Iterator[str]:
    if action.dest == "set":
        yield from _settings(word)
    elif action.dest == "verdict":
        from pad_ray.verification import Verdict

        yield from map(str, Verdict)
    elif action.dest == "run_folder":
        yield from runs
    elif action.choices and not isinstance(action, argparse._SubParsersAction):
        yield from map(str, action.choices)


def _settings(word: str) -> Iterator[str]:
    """Keys with their sign; after the sign the values of a key that has a few."""
    from typing import Literal, get_args, get_origin

    from pad_ray.config import known_keys
    from pad_ray.key_reference import field_at
    from pad_ray.section import section_of

    key, sign, _ = word.partition("=")
    if sign:
        found = field_at(key)
        kind = found.annotation if found else None
        values = get_args(kind) if get_origin(kind) is Literal else ("true", "false") if kind is bool else ()
        yield from (f"{key}={value}" for value in values)
        return
    for known in known_keys():
        found = field_at(known)
        if found and section_of(found.annotation) is None:
            yield f"{known}="
