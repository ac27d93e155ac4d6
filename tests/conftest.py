"""Property tests draw the same cases in every run, unless `make fuzz` asks for new ones."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("repeatable", deadline=None, derandomize=True, suppress_health_check=SLOW)
settings.register_profile("fuzz", deadline=None, suppress_health_check=SLOW, print_blob=True)
settings.load_profile("fuzz" if os.environ.get("LIKENESS_FUZZ") else "repeatable")
