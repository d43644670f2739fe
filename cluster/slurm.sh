#!/usr/bin/env bash
# sbatch --nodes=4 --gpus-per-node=4 cluster/slurm.sh jobs/gsm8k.yaml --set runs=/mnt/pad-ray/runs
#
# A run on SLURM: Ray's head and the run itself on the first node, workers on the others, everything ended when the run
# ends, whose exit code is the job's. Without --gpus-per-node it runs on CPUs. What follows the script's name goes to
# `pad-ray run`. Submit it from the checkout; .venv and `runs` must lie where all nodes see them.
# A job that was stopped or preempted goes on with the same command, and by itself where the site requeues jobs.
#
# --exclusive, because one machine can hold one Ray of a user: the end of one job would take another's Ray along.
#SBATCH --job-name=pad-ray
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "pad-ray slurm: no configuration is named. Give one: sbatch cluster/slurm.sh jobs/quickstart.yaml" >&2
  exit 2
fi
VENV=${VENV:-$SLURM_SUBMIT_DIR/.venv}
if [ ! -x "$VENV/bin/ray" ]; then
  echo "pad-ray slurm: there is no $VENV/bin/ray. Submit from a checkout after \`make setup\`, or set VENV" >&2
  exit 2
fi
export PATH=$VENV/bin:$PATH

# Only who holds the token may speak to this Ray; the steps below inherit it, and other users do not see it.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_USAGE_STATS_ENABLED=0
# A .venv on a shared disk loads slowly when many nodes read it at once: seconds that nodes may take to come up, and
# milliseconds that a node's agents may.
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=${RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT:-300}
export RAY_agent_register_timeout_ms=${RAY_agent_register_timeout_ms:-120000}

# The node's CPUs that are this job's, where a step would get one by default.
cpus=${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}
step=(srun --ntasks-per-node=1 --cpus-per-task="$cpus" --kill-on-bad-exit=0)
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# An address that other nodes reach: a host's own name often leads to 127.0.1.1.
address=$("${step[@]}" --nodes=1 --ntasks=1 --nodelist="$head" hostname --all-ip-addresses | awk '{print $1}')
port=$((20000 + SLURM_JOB_ID % 10000))

# On the node that has the address it starts a head, waits for the others, runs the command and stops Ray; on the others
# a worker, which ends within about a minute of the head.
"${step[@]}" --nodes="$SLURM_JOB_NUM_NODES" ray symmetric-run --address "$address:$port" \
  --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$cpus" -- pad-ray run "$@"
