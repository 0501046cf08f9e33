"""A plugin that tox loads by this file's name: the interpreters of pyenv are found as well."""

import os
from pathlib import Path

_root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
_folders = [str(folder) for folder in sorted(_root.glob("versions/3.*/bin"))]
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *_folders])
