"""A server for one test, with models in memory."""

import pytest
from served_models import opened
from servers import in_memory


@pytest.fixture
def serving(tmp_path):
    """Serve backends, or the errors of loading them, by name and version; further options are those of in_memory."""

    def run(backends, described=None, **options):
        artefacts = {
            key: item if isinstance(item, Exception) else opened(item, **(described or {}))
            for key, item in backends.items()
        }
        return in_memory(tmp_path, artefacts, **options)

    return run
