from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codem.sandbox import HarnessError, Sandbox, open_sandbox

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    try:
        return open_sandbox("auto")
    except HarnessError as error:
        pytest.skip(str(error))
