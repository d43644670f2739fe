#!/usr/bin/env bash
# Makes the virtual environment .venv from a lock file. `make setup` calls it; a second call does nothing.
#
#   requirements/install.sh [cpu|gpu]      without an argument: what .venv already is, or else cpu
#
# PYTHON names the interpreter to use (python3.11, or a python3 that is 3.11, by default).
# Safe to interrupt: marks are written last, and an environment without its mark is made anew.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
LOCK_MARK=$VENV/.locked-packages    # "<accelerator> <hash>" of the lock that was installed in full
PROJECT_MARK=$VENV/.project         # hash of the pyproject.toml that was installed

die() { echo "pad-ray setup: $*" >&2; exit 1; }
say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

installed_accelerator() { cut -d' ' -f1 "$LOCK_MARK" 2>/dev/null || true; }

# The path counts too: a virtual environment that was moved does not work.
lock_state() {
  echo "$ACCELERATOR $({ cat "requirements/$ACCELERATOR.txt" requirements/dev.txt; pwd -P; } | sha256sum | cut -c1-16)"
}
project_state() { sha256sum < pyproject.toml | cut -c1-16; }

lock_installed() { [ -x $VENV/bin/python ] && [ "$(cat $LOCK_MARK 2>/dev/null)" = "$(lock_state)" ]; }
project_installed() { [ "$(cat $PROJECT_MARK 2>/dev/null)" = "$(project_state)" ]; }

# Prints the interpreter behind the first candidate that is Python 3.11: never that of the environment to be replaced.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 python3}; do
    "$candidate" -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit(1); print(sys._base_executable)' 2>/dev/null && return
  done
  return 1
}

check_machine() {
  local missing=() packages=()
  [ "$(uname -s)" = Linux ] || die "Linux is needed (this is $(uname -s)): the sandbox and the pinned packages have no other"
  [ "$(uname -m)" = x86_64 ] || die "an x86-64 processor is needed (this is $(uname -m)): the locks name packages built for it"
  if BASE_PYTHON=$(find_python); then
    "$BASE_PYTHON" -c 'import venv, ensurepip' 2>/dev/null || { missing+=("Python's venv module"); packages+=(python3.11-venv); }
    "$BASE_PYTHON" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
      || { missing+=("Python's headers"); packages+=(python3.11-dev); }
  else
    missing+=("Python 3.11"); packages+=(python3.11 python3.11-venv python3.11-dev)
  fi
  command -v g++ >/dev/null || { missing+=("a C++ compiler (g++)"); packages+=(g++); }
  [ ${#missing[@]} -eq 0 ] && return
  local list; list=$(printf '%s, ' "${missing[@]}")
  die "missing: ${list%, }. On Debian or Ubuntu: apt-get install ${packages[*]}; another Python 3.11: make setup PYTHON=/path/to/python3.11"
}

pip() { $VENV/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

install_lock() {
  local lock=requirements/$ACCELERATOR.txt
  rm -rf $VENV
  "$BASE_PYTHON" -m venv $VENV
  say "installing $(cat "$lock" requirements/dev.txt | grep -c '^[^#].*==') pinned packages of $lock and dev.txt (once, some minutes)"
  pip install -qq --no-compile --no-deps --only-binary :all: -r <(grep -v '^deepspeed==' "$lock") -r requirements/dev.txt
  # Nothing to do for a CPU build of torch. Where pip was offered the CUDA build alone, that one does not even import
  # without its CUDA libraries: they are fetched here, in the versions of the other lock.
  pip install -qq --no-compile --only-binary :all: -c requirements/gpu.txt "$(grep '^torch==' "$lock")"
  # DeepSpeed comes as source alone. It is built apart from this environment, without torch: for its setup.py fails
  # where torch meets the setuptools that vLLM asks for (77.0.3). None of its C++ parts are built ahead: on CPUs
  # training uses none, on GPUs it builds them when they are needed.
  DS_BUILD_OPS=0 PIP_CONSTRAINT=$lock pip install -qq --no-compile --no-deps "$(grep '^deepspeed==' "$lock")"
  say "compiling to bytecode"
  # On both cores, where pip would use one; all but the packages' own tests. It pays after ten processes that import
  # vLLM. Some packages carry templates that are no Python, so errors say nothing here.
  $VENV/bin/python -m compileall -qq -j 0 -x '/tests/' $VENV/lib >/dev/null || true
  lock_state > $LOCK_MARK
}

install_project() {
  say "installing pad-ray itself, editable"
  pip install -qq --no-deps --no-build-isolation --editable .
  project_state > $PROJECT_MARK
}

ACCELERATOR=${1:-$(installed_accelerator)}
ACCELERATOR=${ACCELERATOR:-cpu}
[[ $ACCELERATOR =~ ^(cpu|gpu)$ ]] || die "ACCELERATOR is cpu or gpu, not \"$ACCELERATOR\""
lock_installed && project_installed && exit

check_machine
# Two calls at the same time: the second waits, and then finds the work done.
exec 9> .venv.lock
flock 9
lock_installed || install_lock
project_installed || install_project
say "ready: $VENV ($ACCELERATOR)"
