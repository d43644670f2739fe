"""Takes one DeepSpeed step on a tiny model, and says so as JSON."""

from __future__ import annotations

import json
import os
import socket


def main() -> None:
    """Runs in a process of its own."""
    from pad_ray.arithmetic import trains_bf16
    from pad_ray.doctor.machine import gpus

    on_gpu = bool(gpus())
    if not on_gpu:
        os.environ["DS_ACCELERATOR"] = "cpu"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    import deepspeed
    import torch

    if not on_gpu:
        # Compiled at initialize() for inference only; a process killed meanwhile leaves a lock that hangs later ones.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    torch.distributed.init_process_group("nccl" if on_gpu else "gloo")
    in_bf16 = trains_bf16(on_gpu)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 1))
    settings = {
        "train_micro_batch_size_per_gpu": 1,
        "bf16": {"enabled": in_bf16},
        "zero_optimization": {"stage": 2},
        "optimizer": {"type": "AdamW", "params": {"lr": 1e-3, "torch_adam": not on_gpu}},
        "zero_allow_untested_optimizer": True,
    }
    engine, *_ = deepspeed.initialize(model=model, model_parameters=model.parameters(), config=settings)
    rows = torch.ones(4, 8, dtype=torch.bfloat16 if in_bf16 else torch.float32, device=engine.device)
    before = float(engine(rows).float().mean())
    engine.backward(engine(rows).float().pow(2).mean())
    engine.step()
    assert float(engine(rows).float().mean()) != before, "the step changed nothing"
    arithmetic = "bf16" if in_bf16 else "fp32, since bf16 is slow here,"
    print(json.dumps({"says": f"a ZeRO step in {arithmetic} on {'a GPU' if on_gpu else 'the CPU'}"}), flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
