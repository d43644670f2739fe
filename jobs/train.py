"""A student as a Ray job: what is missing of samples and examples first, then the training.

ray job submit --address http://HEAD:8265 --working-dir . --runtime-env jobs/runtime_env.yaml -- \
    python jobs/train.py jobs/quickstart.yaml --set runs=/shared/runs
"""

import sys

from pad_ray.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:], "--until", "student"]))
