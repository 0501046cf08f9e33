"""No temporary folder outlives a run: pytest would keep those of the last three."""

import functools
import shutil
import tempfile

import pytest


@pytest.hookimpl(tryfirst=True)  # pytest's own looks where temporary folders are to be
def pytest_configure(config):
    """All temporary folders of a run are in one, which goes with it. Whoever wants to see one
    afterwards says where: --basetemp."""
    if config.option.basetemp is None:  # a worker of pytest-xdist has been told
        config.option.basetemp = tempfile.mkdtemp(prefix="SystemEvent.tests.")
        remove = functools.partial(shutil.rmtree, config.option.basetemp, ignore_errors=True)
        config.add_cleanup(remove)
