"""Exhaustive exploration: every interleaving of a few processes, as a model, by spin: event.pml, of
one event; multi.pml, of several (see multi.py).

    python -m tests.harness.explore [--large] [--mutant NAME] [--variant NAME] [CONFIGURATION ...]

PROMISES must hold, GAPS are what foreign programs and older kernels can break (the documentation's
list: if one cannot be shown any more, the list is wrong), MUTANTS must each break a promise.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import multi

MODEL = Path(__file__).with_name("event.pml")
MEMORY = 3000  # megabytes
# Who takes part, in the order of their numbers in the model.
ROLES = {
    "WAITERS": "waiter",
    "TURNSTILES": "foreign waiter",
    "SETTERS": "setter",
    "CLEARERS": "clearer",
    "PULSERS": "pulser",
    "POSTERS": "poster",
    "TRIERS": "trier",
}
SLEEPING = ("futex_waitv", "futex_wait", "mixed")


@dataclass(frozen=True)
class Configuration:
    """Who takes part and what happens to them (event.pml's macros), and what is looked at."""

    name: str
    defines: str
    cycles: bool = False  # look for a cycle (somebody polls) instead of a broken promise
    sleeping: str = "futex_waitv"
    model = MODEL

    def slept(self, sleeping):
        """The same configuration, all waiters sleeping like that ("mixed": one on value only)."""
        return Configuration(self.name, self.defines, self.cycles, sleeping)

    def modes(self, mixed=False):
        """How its waiters can sleep."""
        return SLEEPING if mixed else SLEEPING[:2]

    def macros(self):
        """The model's macros by name."""
        pairs = (word.partition("=") for word in self.defines.split())
        macros = {name: value or "1" for name, _, value in pairs}
        waiters = macros.setdefault("WAITERS", "1")
        macros["OLDER"] = dict(zip(SLEEPING, ("0", waiters, "1"), strict=True))[self.sleeping]
        return macros

    def names(self):
        """What everybody is called in a story."""
        counts = {role: int(self.macros().get(macro, 0)) for macro, role in ROLES.items()}
        return [
            f"{role} {number + 1}" if count > 1 else role
            for role, count in counts.items()
            for number in range(count)
        ] + ["rescuer"]


@dataclass(frozen=True)
class Result:
    """What spin says: how much it has seen, and the story that ends in an error ("": none)."""

    states: int
    seconds: float
    errors: int
    trail: str


PROMISES = [
    Configuration("time-out", "WAITERS=2 TIMED=1 SETTERS=1 PULSERS=1 STRICT"),
    Configuration("kills", "WAITERS=2 SETTERS=1 PULSERS=1 KILLS=2 STRICT"),
    Configuration("clearers", "WAITERS=1 TIMED=1 SETTERS=2 CLEARERS=2 STRICT"),
    Configuration("signals", "WAITERS=2 PULSERS=1 SIGNALS=1 STRICT"),
    Configuration("stops", "WAITERS=2 PULSERS=1 CLEARERS=1 STOPS=1 STRICT"),
    Configuration("posts", "WAITERS=2 TIMED=1 POSTERS=1 PULSERS=1 STOPS=1 STRICT"),
    Configuration("posts, kills", "WAITERS=2 POSTERS=1 SETTERS=1 KILLS=1"),
    Configuration("foreign", "WAITERS=1 TURNSTILES=1 SETTERS=1 TRIERS=1 POSTERS=1 KILLS=1"),
    Configuration("rescued by a post", "RESCUE=2 WAITERS=2 POSTERS=1 KILLS=1"),
    Configuration("rescued by clear and set", "RESCUE=3 WAITERS=2 POSTERS=1 KILLS=1"),
    Configuration("no polling", "WAITERS=2 TURNSTILES=1 PULSERS=1", cycles=True),
    *multi.PROMISES,
]

PROMISES_LARGE = [
    Configuration("three waiters", "WAITERS=3 SETTERS=1 PULSERS=1 STRICT"),
    Configuration("three waiters, kills", "WAITERS=3 PULSERS=1 KILLS=1 STRICT"),
    Configuration("three waiters, posts", "WAITERS=3 POSTERS=1 CLEARERS=1 STRICT"),
    Configuration("everybody, kills", "WAITERS=2 PULSERS=1 SETTERS=1 CLEARERS=1 KILLS=1 STRICT"),
    Configuration("stops, signals", "WAITERS=2 TIMED=1 PULSERS=1 STOPS=1 SIGNALS=1 STRICT"),
    Configuration("stops, kills", "WAITERS=2 TIMED=1 PULSERS=1 STOPS=2 KILLS=2 STRICT"),
    Configuration("pulses in a stop", "WAITERS=2 TIMED=1 PULSERS=2 STOPS=1 STRICT"),
    Configuration("two posts", "WAITERS=2 POSTERS=2 PULSERS=1 STRICT"),
    Configuration("foreign waiters", "WAITERS=2 TURNSTILES=2 SETTERS=1 CLEARERS=1"),
    Configuration("foreign, kills", "WAITERS=2 TURNSTILES=1 POSTERS=1 SETTERS=1 KILLS=1"),
    Configuration("rescued, foreign", "RESCUE=2 WAITERS=2 TURNSTILES=1 POSTERS=1 KILLS=1"),
    *multi.PROMISES_LARGE,
]

# What is not promised (the foreign cases, the older kernels), by the sentence that says so.
GAPS = {
    "a late sem_post wakes who began after the clear": Configuration(
        "late post", "STRICT_FOREIGN ONLY=true_ WAITERS=1 POSTERS=1 CLEARERS=1"
    ),
    "a kill between a sem_post and its passing on leaves the others asleep": Configuration(
        "killed relay", "STRICT_FOREIGN ONLY=sleeper WAITERS=2 POSTERS=1 KILLS=1"
    ),
    "set() does not release them, since it finds the event set": Configuration(
        "rescued by set", "RESCUE=1 WAITERS=2 POSTERS=1 KILLS=1"
    ),
    "a pulse of sem_post and sem_trywait releases one waiter": Configuration(
        "foreign pulse", "STRICT_FOREIGN OWE_POSTS ONLY=pulse WAITERS=2 POSTERS=1 TRIERS=1"
    ),
    "so does one of sem_post and clear()": Configuration(
        "half foreign pulse", "STRICT_FOREIGN OWE_POSTS ONLY=pulse WAITERS=2 POSTERS=1 CLEARERS=1"
    ),
    "also if set() is called between, and finds the event set": Configuration(
        "pulse upon a post", "STRICT_FOREIGN ONLY=pulse WAITERS=2 POSTERS=1 PULSERS=1"
    ),
    "a pulse of set() and sem_trywait is missed by who is not asleep": Configuration(
        "set and trywait", "STRICT_FOREIGN ONLY=pulse WAITERS=1 SETTERS=1 TRIERS=1"
    ),
    "a pulse that a foreign waiter passes through, too": Configuration(
        "pulse and foreign waiter", "STRICT_FOREIGN ONLY=pulse WAITERS=2 TURNSTILES=1 PULSERS=1"
    ),
    "a foreign waiter undoes a clear()": Configuration(
        "undone clear", "STRICT_FOREIGN ONLY=clear_ WAITERS=1 TURNSTILES=1 SETTERS=1 CLEARERS=1"
    ),
    "on value only, a pulse between the last look and the sleep is missed": Configuration(
        "older kernel", "STRICT_OLDER WAITERS=1 PULSERS=1", sleeping="futex_wait"
    ),
    **multi.GAPS,
}

MUTANTS = {
    "STORE_THEN_WAKE": Configuration("killed setter", "WAITERS=1 SETTERS=1 KILLS=1"),
    "NO_WAKE": Configuration("a set", "WAITERS=1 SETTERS=1"),
    "UPPER_ONLY": Configuration("a set", "WAITERS=1 SETTERS=1", sleeping="futex_wait"),
    "WAKE_ONE": Configuration("a pulse for two", "WAITERS=2 PULSERS=1"),
    "LOOK_AGAIN": Configuration("a pulse", "WAITERS=1 PULSERS=1"),
    "NO_GENERATION": Configuration("a pulse", "WAITERS=1 PULSERS=1"),
    "GENERATION_BEFORE": Configuration("two clearers", "WAITERS=1 SETTERS=1 CLEARERS=2"),
    "GENERATION_AFTER": Configuration("a killed clearer", "ONLY=pulse WAITERS=1 PULSERS=1 KILLS=1"),
    "VALUE_ONLY": Configuration("a pulse in a stop", "WAITERS=1 PULSERS=1 STOPS=1"),
    "NO_PASS_ON": Configuration("a post for two", "WAITERS=2 POSTERS=1"),
    "NO_RELOAD": Configuration("a post, a time-out", "WAITERS=2 TIMED=1 POSTERS=1"),
    "CLOCK": Configuration("a pulse, a time-out", "WAITERS=1 TIMED=1 PULSERS=1"),
    "NO_COMPARE": Configuration("a set", "WAITERS=1 SETTERS=1"),
    "AGAIN_IS_TRUE": Configuration("a foreign waiter", "WAITERS=1 TURNSTILES=1"),
    "NO_STICKY": Configuration("a post", "WAITERS=1 POSTERS=1"),
    "FIRST_SEEN": Configuration("a foreign waiter", "WAITERS=1 TURNSTILES=1", cycles=True),
    "DELAYED_CLEAR": Configuration("a clear", "WAITERS=1 SETTERS=1 CLEARERS=1"),
    "COUNTING": Configuration("two sets, a clear", "WAITERS=1 SETTERS=2 CLEARERS=1"),
    "TURNSTILE": Configuration("version 1", "WAITERS=1 SETTERS=1"),
    **multi.MUTANTS,
}


class ExplorationFailed(Exception):
    """The exploration did not come to an end: nothing is known."""


def explore(configuration, mutant=None, variant=None, optimize="-O0", timeout=600):
    """Look at every interleaving of a configuration, of the protocol or of a mutant of it.

    ``-O0``: for small ones, compiling takes longer than running. Raises ExplorationFailed if spin
    gave up (depth, memory, ``timeout`` seconds).
    """
    macros = configuration.macros()
    if mutant:
        macros[f"MUTANT_{mutant}"] = "1"
    if variant:
        macros[variant] = "1"
    defines = [f"-D{name}={value}" for name, value in macros.items()]
    # NOREDUCE: the model has few steps that commute, and a reduction would have to be trusted.
    flags = ["-DNOREDUCE", f"-DMEMLIM={MEMORY}", "-DNP" if configuration.cycles else "-DSAFETY"]
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:

        def run(*words):
            try:
                return subprocess.run(
                    words, cwd=folder, text=True, capture_output=True, timeout=timeout
                )
            except subprocess.TimeoutExpired as error:
                raise ExplorationFailed(f"{configuration.name}: {error}") from None

        def generate(*words):
            done = run(*words)
            if done.returncode:
                raise ExplorationFailed(f"{words[0]}: {done.stdout}{done.stderr}")

        generate("spin", *defines, "-a", str(configuration.model))
        generate("gcc", optimize, "-w", *flags, "-o", "pan", "pan.c")
        output = run("./pan", "-m1000000", *(["-l"] if configuration.cycles else [])).stdout
        states = re.search(r"^ *(\d+) states, stored", output, re.MULTILINE)
        errors = re.search(r"errors: (\d+)", output)
        found = errors and int(errors[1])
        if not states or not errors or (not found and "Search not completed" in output):
            raise ExplorationFailed(f"{configuration.name}: {output}")
        trail = ""
        if found:
            model = configuration.model
            told = run("spin", *defines, "-T", "-k", f"{model.name}.trail", str(model)).stdout
            trail = story(told, configuration.names(), output)
    return Result(int(states[1]), time.monotonic() - start, found, trail)


def story(told, names, output):
    """The trail as text: one line a step, with names instead of numbers, and how it ends."""
    steps = [line for line in told.splitlines() if re.match(r"#\d+: |BROKEN|<<<", line.strip())]
    lines = [re.sub(r"#(\d+): ", lambda at: f"{names[int(at[1])]}: ", one).strip() for one in steps]
    if not lines or "BROKEN" not in lines[-1]:
        lines.append(re.search(r"pan:\d+: (.*)", output)[1])
    return "\n".join(lines)


def main(words=None):
    """The command; exit status 1 if anything is not as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.explore", description=__doc__)
    parser.add_argument("--large", action="store_true", help="also what takes minutes")
    parser.add_argument(
        "--mutant", choices=sorted(MUTANTS), help="only this mutant, with its trail"
    )
    parser.add_argument("--variant", help="a macro of the model, to try a change")
    parser.add_argument("configuration", nargs="*", help="only configurations of these names")
    options = parser.parse_args(words)

    jobs = []  # mutant, configuration, whether an error has to be found, gcc's option
    if not options.mutant:
        large = [(one, "-O2") for one in PROMISES_LARGE if options.large or options.configuration]
        for one, optimize in [*((one, "-O0") for one in PROMISES), *large]:
            for sleeping in one.modes(mixed=optimize == "-O2"):
                jobs.append((None, one.slept(sleeping), False, optimize))
        jobs += [(None, one, True, "-O0") for one in GAPS.values()]
    jobs += [
        (mutant, one, True, "-O0")
        for mutant, one in MUTANTS.items()
        if options.mutant in (None, mutant)
    ]
    wrong = 0
    for mutant, one, expected, optimize in jobs:
        if options.configuration and one.name not in options.configuration:
            continue
        result = explore(one, mutant, options.variant, optimize)
        good = (result.errors > 0) == expected
        wrong += not good
        verdict = ("holds", "breaks")[result.errors > 0] + ("" if good else "  <== WRONG")
        what = f"{one.name}, mutant {mutant}" if mutant else one.name
        print(f"{what:44} {one.sleeping:12} {result.states:>9} states {result.seconds:6.1f} s "
              f" {verdict}", flush=True)  # fmt: skip
        if result.trail and (options.mutant or options.configuration or not good):
            print(*("    " + line for line in result.trail.splitlines()), sep="\n")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
