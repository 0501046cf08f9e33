"""Wrong ways to wait for any, or for all, of several events: they must be caught as those in
mutants.py are.

Those in Python are what people write who have no wait_any and wait_all (wrong_waits.py), on right
events. Those whose names begin with "C/" are systemevent_multi.h with one mistake: the rules of its
essay, each of them broken.
"""

from . import wrong_waits
from .copies import Edit
from .implementations import MODES, Processes, Programs
from .programs import MULTI


class Mutant:
    """What is to be known of a mutant; see mutants.py."""

    fault = ""
    scenario = ""
    perturbation = "none"
    budget = 60.0
    seconds = 0.5
    bound = 0.5
    mode = MODES[0]
    sees_all_pulses = True


def _in_python(fault, scenario, **about):
    waits = {name: about.pop(name) for name in ("wait_any", "wait_all") if name in about}
    about |= {"fault": fault, "scenario": scenario, "waits": waits}
    return type("WrongWait", (Mutant, Processes), about)


def _in_c(fault, scenario, *texts, **about):
    """`texts`: each replaced by the next one, pair by pair."""
    edits = tuple(Edit(MULTI, *pair) for pair in zip(texts[::2], texts[1::2], strict=True))

    def program(self, task, mode=None, mutant=None):
        return Programs.program(self, task, mode, edits)

    about |= {"fault": fault, "scenario": scenario, "program": program}
    return type("WrongHeader", (Mutant, Programs), about)


MUTANTS_OF_SEVERAL = {
    "any-set-now": _in_python(
        "wait_any looks again at who is set: pulses are lost",
        "any-metronome",
        wait_any=wrong_waits.any_set_now,
    ),
    "any-by-turns": _in_python(
        "wait_any looks at one after the other, and sleeps in between: pulses are lost",
        "any-silence",
        wait_any=wrong_waits.any_by_turns,
        seconds=1.5,
    ),
    "any-neighbour": _in_python(
        "wait_any returns another event than the one that was set",
        "any-pulses",
        wait_any=wrong_waits.any_and_its_neighbour,
    ),
    "any-early": _in_python(
        "wait_any gives up 5 % early", "any-quiet", wait_any=wrong_waits.any_too_early
    ),
    "all-one-by-one": _in_python(
        "wait_all waits for one after the other: each was set at some time",
        "all-relay",
        wait_all=wrong_waits.all_one_by_one,
    ),
    "all-one-look": _in_python(
        "wait_all looks at each of them once: each was set at some time",
        "all-relay",
        wait_all=wrong_waits.all_in_one_look,
        perturbation="memory",
    ),
    "all-early": _in_python(
        "wait_all gives up 5 % early", "all-quiet", wait_all=wrong_waits.all_too_early
    ),
    "C/any-index": _in_c(
        "wait_any takes the number of a futex for that of an event",
        "any-pulses",
        "*woken = (unsigned)index / 2;",
        "*woken = (unsigned)index;",
    ),
    "C/any-one-is-enough": _in_c(
        "wait_any of one event believes that the end of its sleep is a wake-up, whatever ended it",
        "any-quiet",
        "if (outcome == SYSTEMEVENT__WOKEN || outcome == SYSTEMEVENT__WOKEN_BY_SET) *woken = 0;",
        "*woken = 0;",
    ),
    "C/any-set-now": _in_c(
        "wait_any believes no wake-up and no generation: pulses are lost",
        "any-metronome",
        "told || systemevent__happened(entry->readings[0], entry->readings[3]);",
        "(told || true) && systemevent__value(entry->readings[3]) != 0;",
        "        if (outcome != EINTR && outcome != EAGAIN) {\n            errno = outcome;\n"
        "            return -1;\n        }\n        outcome = systemevent__sleep_on_any(",
        "        outcome = systemevent__sleep_on_any(",
    ),
    "C/any-no-generation": _in_c(
        "wait_any compares no generations: a pulse in a signal handler is lost",
        "any-metronome",
        "told || systemevent__happened(entry->readings[0], entry->readings[3]);",
        "told || systemevent__value(entry->readings[3]) != 0;",
        perturbation="handlers",
    ),
    "C/any-values-alone": _in_c(
        "wait_any sleeps whatever the generations are: a pulse in a stop is lost",
        "any-silence",
        "        futexes[futex++] = systemevent__value_then(entry);\n"
        "        futexes[futex++] = systemevent__upper_then(entry);",
        "        futexes[futex++] = systemevent__value_then(entry);\n"
        "        futexes[futex++] = systemevent__value_then(entry);",
        perturbation="stops",
        seconds=4.0,
    ),
    "C/any-no-reload": _in_c(
        "wait_any believes its time-out, and says [] of a set event",
        "any-posts",
        "        if (any) break;\n        if (outcome == ETIMEDOUT) return 0;",
        "        if (outcome == ETIMEDOUT) return 0;\n        if (any) break;",
        perturbation="delays",
    ),
    "C/any-no-pass-on": _in_c(
        "whom a foreign post wakes in wait_any does not wake the others",
        "any-foreign",
        "if (entries[i].was_set && !by_set) systemevent__pass_on(entries[i].event);",
        "(void)by_set;",
        seconds=1.5,
    ),
    "C/all-one-pass": _in_c(
        "wait_all makes one pass: each was set at some time",
        "all-relay",
        "two_passes &= systemevent__stayed_set(entry->readings, from + 2);",
        "two_passes &= systemevent__value(entry->readings[from + 2]) != 0;",
        perturbation="memory",
        seconds=1.5,
    ),
    "C/all-no-generation": _in_c(
        "wait_all compares no generations: set twice is not set all the time",
        "all-relay",
        "systemevent__generation(readings[i]) != systemevent__generation(readings[3]))",
        "0)",
        perturbation="memory",
    ),
    "C/all-three-passes": _in_c(
        "wait_all proves a pulse by the outer passes, too",
        "all-relay",
        "return one->event->word == woken || systemevent__happened(inner[0], inner[1]);",
        "return one->event->word == woken || systemevent__happened(inner[-1], inner[1]);",
        perturbation="memory",
        seconds=1.5,
    ),
    "C/all-now": _in_c(
        "wait_all wants two passes in which all are set: a pulse of the last one is lost",
        "all-sentry",
        "    return one->event->word == woken || systemevent__happened(inner[0], inner[1]);",
        "    (void)inner;\n    (void)woken;\n    return false;",
        perturbation="stops",
        seconds=4.0,
    ),
    "C/all-sleeps-on-one": _in_c(
        "wait_all sleeps on one event: it does not know which of two was set first",
        "all-sentry",
        "(number == 0 || (number == 1 && entry->event->word != clear[0]->event->word))",
        "number == 0",
        perturbation="stops",
        seconds=4.0,
    ),
    "C/all-no-news": _in_c(
        "wait_all sleeps after one look at what is set: a pulse of the last one is not proven",
        "all-sentry",
        "if (again || !systemevent__is_settled(entries, count)) {",
        "if (again) {",
        perturbation="stops",
        seconds=4.0,
    ),
    "C/all-no-pass-on": _in_c(
        "whom a foreign post wakes in wait_all does not wake the others",
        "all-foreign",
        "systemevent__pass_on(clear[i]->event);",
        "(void)clear;",
        seconds=1.5,
    ),
}
