"""Step by step with vLLM, driven directly in this process.

Each call of `propose` puts a request for every proposal of every beam into the engine at once; the engine batches them
with the requests of whatever other problems are at work, so no problem waits for another one's step. Prefix caching
makes the prompt and the steps that were kept cheap.

A draw's seed is not passed on: a request with a seed of its own is sampled row by row (2.6 times slower with 128 rows
of a 135M model on two cores, and never by FlashInfer on a GPU), and bfloat16 rows depend on their batch all the same.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.engine import Draw, Proposal, Proposals, Tokens
from pad_ray.errors import EngineError
from pad_ray.generation.engines import adapter_rank, engine_rank
from pad_ray.generation.step_tokens import StepTokenizer
from pad_ray.generation.vllm import check_served, engine_arguments, engine_environment, longest_of


class VLLMStepEngine(StepTokenizer):
    """A `StepEngine`; make it within a running event loop, and `close` it.

    Args:
        model: a local folder or a hub name, decoder-only.
        resources: devices and memory.
        adapter: folder of a LoRA adapter to put on the model.
    """

    def __init__(self, model: str, resources: ResourcesConfig, adapter: str | None = None) -> None:
        os.environ.update(engine_environment(resources))
        from vllm import AsyncEngineArgs
        from vllm.lora.request import LoRARequest
        from vllm.v1.engine.async_llm import AsyncLLM

        self._longest = longest_of(model, resources)
        settings: dict[str, Any] = {**engine_arguments(resources, self._longest), "enable_prefix_caching": True}
        self._adapter = LoRARequest("adapter", 1, adapter) if adapter else None
        if adapter:
            settings |= {"enable_lora": True, "max_lora_rank": engine_rank(adapter_rank(adapter))}
        self._engine = AsyncLLM.from_engine_args(AsyncEngineArgs(model=model, **settings))
        tokenizer = self._engine.get_tokenizer()
        # The Hugging Face settings may name more ends than the tokenizer does.
        super().__init__(tokenizer, self._engine.model_config.try_get_generation_config().get("eos_token_id"))
        self._numbers = itertools.count()

    def close(self) -> None:
        """Ends the engine's processes."""
        self._engine.shutdown()

    async def forget(self) -> None:
        """Empties the prefix cache, so that what is measured next owes nothing to what was before."""
        await self._engine.reset_prefix_cache()

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        """As `StepEngine.propose`.

        Raises:
            EngineError: the engine died.
        """
        cost = [0, 0]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._of(prompt + beam, draw, cost)) for beam in beams]
        return Proposals([task.result() for task in asked], *cost)

    async def _of(self, tokens: Tokens, draw: Draw, cost: list[int]) -> list[Proposal]:
        if len(tokens) + draw.max_tokens > self._longest:
            return []
        greedy = draw.greedy_first or draw.temperature == 0
        # A request for each: of one with n samples, the engine says only of the last what it had to read.
        asked = (self._ask(tokens, draw, cost, greedy and not number) for number in range(draw.count))
        return list(await asyncio.gather(*asked))

    async def _ask(self, tokens: Tokens, draw: Draw, cost: list[int], greedy: bool) -> Proposal:
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError

        sampling = SamplingParams(
            temperature=0.0 if greedy else draw.temperature,
            top_p=1.0 if greedy else draw.top_p,
            max_tokens=draw.max_tokens,
            stop_token_ids=list(self.line_breaks) if draw.lines else [],
            logprobs=0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        name = f"step-{next(self._numbers)}"
        try:
            asked = self._engine.generate(
                TokensPrompt(prompt_token_ids=list(tokens)), sampling, name, lora_request=self._adapter
            )
            [last] = [output async for output in asked]
        except EngineDeadError as error:
            raise EngineError(f"the vLLM engine died: {' '.join(str(error).split())[:200]}") from None
        [written] = last.outputs
        cost[0] += len(tokens) - (last.num_cached_tokens or 0)
        cost[1] += len(written.token_ids)
        return self._proposal(written)

    def _proposal(self, output: Any) -> Proposal:
        tokens = tuple(output.token_ids)
        ended = bool(tokens) and tokens[-1] in self.ends
        return Proposal(tokens[: len(tokens) - ended], float(output.cumulative_logprob or 0.0), ended)


@contextmanager
def running_engine(
    model: str, longest: int, adapter: str | None = None, seed: int = 0
) -> Iterator[tuple[asyncio.Runner, VLLMStepEngine]]:
    """An engine and the loop that it runs in, for callers without a loop of their own; closed behind the body.

    It runs at somebody's terminal, beside a progress line: of vLLM's own log only errors are shown, unless
    VLLM_LOGGING_LEVEL says otherwise.

    Args:
        model: a local folder or a hub name, decoder-only.
        longest: prompt and completion together, in tokens.
        adapter: folder of a LoRA adapter to put on the model.
        seed: of the engine, which draws from it whatever it is asked.

    Raises:
        ModelError: vLLM does not serve it.
    """
    check_served(model, adapter, "Give --engine transformers")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    resources = ResourcesConfig(max_model_len=longest, engine_kwargs={"use_tqdm_on_load": False, "seed": seed})

    async def start() -> VLLMStepEngine:
        return VLLMStepEngine(model, resources, adapter)

    with asyncio.Runner() as runner:
        engine = runner.run(start())
        try:
            yield runner, engine
        finally:
            engine.close()
