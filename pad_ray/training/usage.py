"""How to ask a student, as code for its model card that runs as it is printed, from the card's folder."""

from __future__ import annotations

from dataclasses import dataclass

from pad_ray.programs.error_code import EMPTY
from pad_ray.recipes import Recipe
from pad_ray.recipes.socratic_iterative import QA, SocraticIterative

_QUESTION = "Ann has 3 nuts and finds 20 more. How many has she?"
_LAST = "How many has she?"
_FOLDER = 'folder = "."  # the folder of this card, or its name on the hub'


@dataclass(frozen=True)
class Asking:
    """What a caller has to know of a student.

    Attributes:
        recipe: makes the prompt.
        encoder_decoder: the prompt is read by an encoder.
        max_tokens: longest completion.
        adapter_room: what vLLM is told as `max_lora_rank`; 0 where the student is no adapter.
        vllm: whether vLLM serves it.
        slot: it was taught to repair, so its prompt has the slot for a broken program.
        task: the one that it learnt, of a recipe with a student for each; the prompt is that of its first turn.
    """

    recipe: Recipe
    encoder_decoder: bool
    max_tokens: int
    adapter_room: int = 0
    vllm: bool = True
    slot: bool = False
    task: str = ""


def transformers_code(asking: Asking) -> str:
    """A program that asks the student through transformers, or through peft if it is an adapter."""
    kind = "Seq2SeqLM" if asking.encoder_decoder else "CausalLM"
    auto = f"AutoPeftModelFor{kind}" if asking.adapter_room else f"AutoModelFor{kind}"
    imports = (
        f"from peft import {auto}\nfrom transformers import AutoTokenizer"
        if asking.adapter_room
        else f"from transformers import {auto}, AutoTokenizer"
    )
    written = "output[0]" if asking.encoder_decoder else 'output[0, inputs["input_ids"].shape[1] :]'
    return f"""{imports}

{_FOLDER}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {auto}.from_pretrained(folder)

{_prompt(asking)}
inputs = tokenizer(prompt, return_tensors="pt")
output = model.generate(**inputs, max_new_tokens={asking.max_tokens}, do_sample=False)
print(prompt + tokenizer.decode({written}, skip_special_tokens=True))
"""


def vllm_code(asking: Asking) -> str:
    """A program that asks the student through vLLM; empty where vLLM does not serve it."""
    if not asking.vllm:
        return ""
    stop = list(asking.recipe.stop)
    sampling = f"SamplingParams(temperature=0, max_tokens={asking.max_tokens}, stop={stop!r})"
    imports = "from vllm import LLM, SamplingParams"
    if asking.adapter_room:
        imports = "from peft import PeftConfig\n" + imports + "\nfrom vllm.lora.request import LoRARequest"
        load = (
            "    base = PeftConfig.from_pretrained(folder).base_model_name_or_path\n"
            f"    model = LLM(base, enable_lora=True, max_lora_rank={asking.adapter_room})\n"
        )
        generate = f'model.generate([prompt], {sampling}, lora_request=LoRARequest("student", 1, folder))'
    else:
        load = "    model = LLM(folder)\n"
        generate = f"model.generate([prompt], {sampling})"
    return f"""{imports}

{_FOLDER}
{_prompt(asking)}

if __name__ == "__main__":  # vLLM starts processes that read this file again
{load}    [output] = {generate}
    print(prompt + output.outputs[0].text)
"""


def _first_turn(recipe: Recipe, task: str, question: str) -> str | None:
    """What the student that answers is asked first; None of the one that asks, whose first prompt is the recipe's."""
    return recipe.answer_prompt(question, (), _LAST) if task == QA and isinstance(recipe, SocraticIterative) else None


def _prompt(asking: Asking) -> str:
    mark = "\0"
    asked = _first_turn(asking.recipe, asking.task, mark) if asking.task else None
    asked = asked or asking.recipe.prompt(mark, (), EMPTY if asking.slot else None)
    before, after = (repr(text)[1:-1] for text in asked.split(mark))
    text = f"{before}{{question}}{after}".replace('"', '\\"')
    return f'question = "{_QUESTION}"\nprompt = f"{text}"'
