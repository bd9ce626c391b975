"""Whether everything is gone over, for minutes (script/sweep), or a sample of it (script/test)."""

import os

WHOLE = os.environ.get("SWEEP") == "whole"
