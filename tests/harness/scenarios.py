"""Scenarios: small mixes of roles, for 6 to 8 workers; and two of a thousand and more.

Quiet rounds matter as much as chaos: with many writers every anomaly is explainable. A wait that
missed a pulse is found out only if nobody else sets the event soon after. roles.py says what the
words mean.
"""

SETTER = "2* set | 3* set pause:0:0.5"
CLEARER = "2* clear | 3* clear pause:0:0.5"
PULSER = "set clear pause:0.3:4"
#: Sets, and clears a little later.
OPENER = "set pause:0:2 clear pause:1:4"
#: The only writer: sets and clears, sometimes twice.
BLINKER = "2* set pause:0:2 clear pause:0:2 | set set pause:0:2 clear | set clear clear pause:0:2"
#: Quiet rounds: a set, a pulse, or nothing, and then silence.
DIRECTOR = "set pause:30 clear pause:30 | set clear pause:30:150 | pause:30:150"
QUIET_WAITER = "wait:100 is_set pause:1:5"
#: Rounds of pulses that a waiter of 20 ms must not miss, wherever it is.
METRONOME = "set clear pause:10:40"
STEADY_WAITER = "wait:20 | wait:20 is_set pause:0:1"
#: Two pulses, of which the second finds waiters on their way into the wait. Who misses it has to
#: sleep on for more than half a second. (It shows only of waiters that can tell when they have
#: looked, see liveness.py.)
LIGHTHOUSE = "set clear pause:0:3 set clear pause:550:600"
#: Pulses that find everybody waiting for more than half a second. Who is not woken sleeps on.
SILENCE = "pause:600:700 set clear"
#: Waits of up to 3 ms, some of them without patience.
WAITER = "2* wait:0 | 3* wait:0 pause:0:0.5 | 2* wait:0:3 | 3* wait:0:3 pause:0:0.5"
PATIENT_WAITER = "wait pause:0:1"
READER = "7* is_set pause:0:0.3 | 3* wait:0 pause:0:0.3"
#: A foreign program: posts, and gives everybody time to wake up before it clears.
POSTER = "post pause:5:15 clear pause:5:15"
#: The same, rarely: who is not woken by the post has to sleep on for a second.
RARE_POSTER = "post pause:1000 clear pause:1:20"

SCENARIOS = {
    "quiet": [DIRECTOR] + [QUIET_WAITER] * 5,
    "chaos": [SETTER] * 2 + [CLEARER] * 2 + [WAITER] * 2 + [READER],
    "pulses": [PULSER] + [PATIENT_WAITER] * 3 + [WAITER] * 2 + [READER],
    "metronome": [METRONOME] + [STEADY_WAITER] * 5,
    "lighthouse": [LIGHTHOUSE] + [PATIENT_WAITER] * 12,
    "silence": [SILENCE] + [PATIENT_WAITER] * 12,
    "crowd": [OPENER] + [PATIENT_WAITER] * 6,
    "blinking": [BLINKER] + [READER] * 4 + [WAITER],
    "foreign": [POSTER] + ["wait:0:15 pause:0:1"] * 4 + [PATIENT_WAITER] * 2,
    "turnstile": [RARE_POSTER] + [PATIENT_WAITER] * 5,
}

#: Those of many workers; they take long to start.
LARGE = {
    "thousand": [METRONOME] + [PATIENT_WAITER] * 1000,
    "multitude": ["set pause:0:20 clear pause:5:50"] * 20
    + ["wait:50:200 pause:0:50"] * 1000
    + ["wait pause:0:50"] * 500
    + ["is_set pause:20:200"] * 480,
}


def is_foreign(role):
    """Is this role for a program that knows only semaphores?"""
    return any(step.partition(":")[0] == "post" for step in role.split())
