"""The executable promise of every port: subclass a suite, fill its fixtures, and pytest tells whether an adapter keeps it.

The suites need pytest-asyncio in its auto mode (``asyncio_mode = "auto"``).
"""

from pkgutil import iter_modules

import pytest

# So that a broken promise shows what was found, as in any other test.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
