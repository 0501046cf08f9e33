"""Benchmarks of SystemEvent: ``python -m bench``. See README.md beside this file."""

import os

# All of it is about this machine, also for those who keep their events on a server.
os.environ.pop("SYSTEMEVENT_URL", None)
