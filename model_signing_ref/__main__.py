"""`python -m model_signing_ref`."""

import sys

from .cli import main

sys.exit(main())
