"""`python -m pad_ray.cli` is `pad-ray`."""

import sys

from pad_ray.cli import main

sys.exit(main())
