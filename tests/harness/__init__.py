"""The stress harness: is every behaviour that we can provoke one that threading.Event could show?

history.py records what workers do; model.py says in words, and by brute force, what is legal;
checker.py says it fast; window.py finds the shortest part of an illegal history that shows it, and
report.py draws that; liveness.py finds what no order of instants can show: sleepers.
"""

import sys
from pathlib import Path

# As `tests.harness`, too, it imports what lies beside it by name, as pytest has it.
if (_tests := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.append(_tests)
