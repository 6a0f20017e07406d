"""How many random inputs the tests of recipes and addresses try.

A few hundred in the suite, the same ones in every run. `make random` tries 10,000 new ones of either kind.
"""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("RNNSTORE_RANDOM", "300"))


def frugal(tests: int = 1, dearer: int = 1) -> settings:
    """Settings of one of `tests` that share the examples, or that tries so many times fewer because each is dear."""
    return settings(
        max_examples=max(EXAMPLES // tests // dearer, 5),
        derandomize="RNNSTORE_RANDOM" not in os.environ,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
