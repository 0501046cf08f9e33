"""``python -m tests.harness judge DIRECTORY``: judge a saved history again, and draw it.

``python -m tests.harness stress``: let workers loose on the event, and judge what they saw.
"""

import argparse
import sys

from . import report, stress


def main(words=None):
    """The command; its status: 0 legal, 1 illegal or slept, 2 unknown, 3 no history."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    judging = commands.add_parser("judge", help="judge the logs in a directory")
    judging.add_argument("directory")
    stressing = commands.add_parser("stress", help="stress the event")
    stress.add_options(stressing)
    options = parser.parse_args(words)
    try:
        if options.command == "stress":
            return stress.main(options)
        return report.judge_directory(options.directory)
    except (OSError, ValueError) as error:
        print(f"harness: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
