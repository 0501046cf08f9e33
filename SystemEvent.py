"""The module name of version 1: ``import SystemEvent; SystemEvent.SystemEvent("my_event")``."""

from systemevent import SystemEvent

__all__ = ["SystemEvent"]
