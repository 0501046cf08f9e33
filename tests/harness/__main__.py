"""``python -m tests.harness``: the long run. ``python -m tests.harness judge DIRECTORY``: judge a
saved history again, and draw it.

The long run does every sweep, catches every mutant, plays the large scenarios (all of which takes
some ten minutes), and then random stress for the minutes that are asked for. Naming
implementations, scenarios or perturbations leaves out what is not random stress.

Exit status: 0 all passed, 1 something failed, 2 something is not known (a verdict, or a sweep that
was skipped), 3 wrong usage.
"""

import argparse
import os
import signal
import sys
import time

from . import report


class _Line:
    """The live line on a terminal; elsewhere, a line every half minute."""

    def __init__(self, out=sys.stderr, every=30.0):
        self._out = out
        self._is_live = out.isatty()
        self._every = 0.1 if self._is_live else every
        self._next = 0.0

    def show(self, text):
        """Show it, unless the last one is too young."""
        if time.monotonic() >= self._next:
            end = "\033[K\r" if self._is_live else "\n"
            print(text, end=end, file=self._out, flush=True)
            self._next = time.monotonic() + self._every

    def clear(self):
        """Make room for other output."""
        if self._is_live:
            print("\033[K", end="", file=self._out, flush=True)


class _Interruption:
    """Ctrl-C, or SIGTERM, which ends the run even if the KeyboardInterrupt gets lost.

    The interpreter prints what a finalizer or a callback of fork() raises, and goes on.
    """

    def __init__(self):
        self._is_requested = False
        self._process = os.getpid()
        signal.signal(signal.SIGINT, self._request)
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number, frame):
        if os.getpid() == self._process:
            self._request(number, frame)
        signal.signal(number, signal.SIG_DFL)  # a child has nothing to tidy up
        os.kill(os.getpid(), number)

    def _request(self, number, frame):
        self._is_requested = True
        raise KeyboardInterrupt

    def check(self):
        """Raise what got lost."""
        if self._is_requested:
            raise KeyboardInterrupt


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(3, f"harness: {message}\n")


def _parser():
    parser = _Parser(
        prog="python -m tests.harness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    from .perturbations import PERTURBATIONS
    from .stress import ALL_SCENARIOS, BOUND, EVENTS
    from .sweeps import SWEEPS

    add = parser.add_argument
    add("--minutes", type=float, default=10, help="of random stress, behind the rest (default: 10)")
    add("--seed", type=int, default=0, help="of the first run; then one more each")
    several = {"action": "append", "metavar": "NAME"}
    add("--implementation", choices=EVENTS, help="repeatable: " + ", ".join(EVENTS), **several)
    add("--scenario", choices=ALL_SCENARIOS, help=", ".join(ALL_SCENARIOS), **several)
    add("--perturbation", choices=PERTURBATIONS, help=", ".join(PERTURBATIONS), **several)
    add("--sweep", choices=SWEEPS, help="only these: " + ", ".join(SWEEPS), **several)
    add(
        "--bound",
        type=float,
        help=f"how late a waiter may be, in seconds, on an idle machine (default: {BOUND:g})",
    )
    add("--json", metavar="FILE", help="write a summary for programs")
    add("--junit", metavar="FILE", help="write JUnit XML")
    return parser


def _run(options):
    from . import results
    from .campaign import Campaign
    from .environment import environment

    line = _Line()
    interruption = _Interruption()

    def show(text):
        interruption.check()
        line.show(text)

    def say(text):
        line.clear()
        print(text, flush=True)

    about = {"seed": options.seed, "environment": environment()}
    say(", ".join(f"{key}: {value}" for key, value in about["environment"].items()))
    campaign = Campaign(options.seed, options.bound, show, say)
    chosen = options.implementation, options.scenario, options.perturbation
    try:
        if options.sweep or not any(chosen):
            campaign.sweep(options.sweep)
        if not options.sweep and not any(chosen):
            campaign.catch_mutants()
            campaign.run_large()
        if not options.sweep:
            campaign.stress(time.monotonic() + options.minutes * 60, *chosen)
    except KeyboardInterrupt:
        say("interrupted")
        campaign.add_interruption()
    line.clear()
    if options.json:
        results.write_json(campaign.results, options.json, **about)
    if options.junit:
        results.write_junit(campaign.results, options.junit)
    say(results.table(campaign.results))
    say(campaign.progress())
    say(f"{results.summary(campaign.results)} (seed {options.seed})")
    return results.status(campaign.results)


def main(words=None):
    """The command; its exit status."""
    # All of it is about this machine, also for those who keep their events on a server.
    os.environ.pop("SYSTEMEVENT_URL", None)
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["judge"]:
        parser = _Parser(prog="python -m tests.harness judge")
        parser.add_argument("directory", help="of the logs")
        options = parser.parse_args(words[1:])
        try:
            return report.judge_directory(options.directory)
        except (OSError, ValueError) as error:
            print(f"harness: {error}", file=sys.stderr)
            return 3
    parser = _parser()
    return _run(parser.parse_args(words))


if __name__ == "__main__":
    sys.exit(main())
