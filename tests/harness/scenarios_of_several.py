"""Scenarios of several events, for wait_any and wait_all; as scenarios.py, whose remarks hold here.

In `relay` A and D are never set at once: who has seen each of them set has seen nothing. In
`sentry` a pulse of the last one that was clear comes when the others have been set for long; a
waiter that misses it sleeps on for more than a bound.
"""

ANY_PULSER = "set:A clear:A pause:0.3:4 | set:B clear:B pause:0.3:4 | set:C clear:C pause:0.3:4"
ANY_CHANGER = "set:A | set:B | set:C | clear:A | clear:B | clear:C | 3* pause:0:0.5"
ANY_WAITER = "2* any:ABC:0 | 3* any:AB:0 pause:0:0.5 | 2* any:BC:0:3 | 3* any:ABC:0:3 pause:0:0.5"
PATIENT_ANY = "any:ABC pause:0:1"
ANY_READER = "is_set:A pause:0:0.3 | is_set:B pause:0:0.3 | wait:C:0 pause:0:0.3"
#: Rounds of pulses that a waiter of 20 ms must not miss, wherever it is.
ANY_METRONOME = "set:A clear:A pause:10:40 | set:B clear:B pause:10:40"
STEADY_ANY = "any:AB:20 | any:AB:20 is_set:A pause:0:1 | any:BA:20"
#: Pulses that find everybody waiting for more than half a second.
ANY_SILENCE = "pause:600:700 set:A clear:A | pause:600:700 set:B clear:B"
#: Quiet rounds: a set, a pulse, or nothing, and then silence.
ANY_DIRECTOR = (
    "set:A pause:30 clear:A pause:30 | set:B clear:B pause:30:150 | pause:30:150 | "
    "set:C set:A pause:5 clear:A clear:C pause:30"
)
QUIET_ANY = "any:ABC:100 is_set:A pause:1:5 | any:BC:50 is_set:B pause:1:5 | any:A:20"
#: A foreign program: who is not woken by its post has to sleep on for a second.
ANY_POSTER = "post:A pause:1000 clear:A pause:1:20 | post:B pause:1000 clear:B pause:1:20"
ANY_OFTEN_POSTER = "post:A pause:5:15 clear:A pause:5:15 | post:B pause:5:15 clear:B pause:5:15"

ALL_CHANGER = "set:A | set:B | clear:A | clear:B | 2* pause:0:0.3"
ALL_WAITER = "2* all:AB:0 | 3* all:AB:0 pause:0:0.5 | 2* all:AB:0:3 | 3* all:AB:0:3 pause:0:0.5"
PATIENT_ALL = "all:AB pause:0:1"
ALL_READER = "is_set:A pause:0:0.3 | is_set:B pause:0:0.3 | wait:A:0 | wait:B:0 pause:0:0.3"
#: A and D one after the other, and never both, while B and C are set. Who reads A before its clear
#: and D after its set finds all of them set; for that, a page fault or two must come in between.
RELAY = "3* set:A clear:A set:D pause:0:0.6 clear:D | set:D clear:D set:A pause:0:0.6 clear:A"
KEEPER = "set:B set:C pause:20"
ALL_POLLER = "3* all:ABCD:0 pause:0:0.1 | 4* all:ABCD:0:0.02 pause:0:0.1 | all:ABCD:0:1"
#: B is set while A is; then a pulse of the third one. A waits for nobody.
DANCER = "9* set:A clear:A set:B clear:B set:C clear:C | set:A set:B set:C clear:B clear:A clear:C"
#: Two have been set for longer than the bound when the third one has its pulse. Mostly it is A or
#: C: a waiter that sleeps on one alone will sleep on the first, or on the last.
SENTRY = (
    "2* set:A set:B pause:600 set:C clear:C pause:600 clear:A clear:B pause:1:20 | "
    "set:C set:A pause:600 set:B clear:B pause:600 clear:C clear:A pause:1:20 | "
    "2* set:B set:C pause:600 set:A clear:A pause:600 clear:B clear:C pause:1:20"
)
ALL_DIRECTOR = (
    "set:A pause:30 set:B pause:5 clear:A clear:B pause:30 | "
    "set:A clear:A set:B clear:B pause:30 | "
    "set:A pause:30:150 clear:A | pause:30:150"
)
QUIET_ALL = "all:AB:100 is_set:A pause:1:5 | all:AB:20 is_set:B pause:1:5"
#: A foreign post finds waiters for all in front of LATE_WAITER: whom it wakes must wake the others.
ALL_POSTER = (
    "set:B pause:60 post:A pause:1000 clear:A clear:B pause:1:20 | "
    "set:A pause:60 post:B pause:1000 clear:B clear:A pause:1:20"
)
LATE_WAITER = "pause:20:40 wait:A | pause:20:40 wait:B"

SEVERAL = {
    "any-chaos": [ANY_CHANGER] * 3 + [ANY_WAITER] * 3 + [ANY_READER],
    "any-pulses": [ANY_PULSER] + [PATIENT_ANY] * 3 + [ANY_WAITER] * 2 + [ANY_READER],
    "any-quiet": [ANY_DIRECTOR] + [QUIET_ANY] * 4,
    "any-metronome": [ANY_METRONOME] + [STEADY_ANY] * 5,
    "any-silence": [ANY_SILENCE] + [PATIENT_ANY] * 12,
    "any-posts": [ANY_OFTEN_POSTER] + ["any:AB:0:15 pause:0:1"] * 4 + [PATIENT_ANY] * 2,
    "any-foreign": [ANY_POSTER] + [PATIENT_ANY] * 4 + ["wait:A pause:0:1", "wait:B pause:0:1"],
    "all-chaos": [ALL_CHANGER] * 3 + [ALL_WAITER] * 3 + [ALL_READER],
    "all-relay": [RELAY, KEEPER] + [ALL_POLLER] * 4 + ["all:ABCD"],
    "all-dance": [DANCER] + ["all:ABC:0 | all:ABC:0:3 | all:BC:0:2"] * 4 + ["all:ABC"],
    "all-quiet": [ALL_DIRECTOR] + [QUIET_ALL] * 4,
    "all-sentry": [SENTRY] + ["all:ABC pause:0:1"] * 6,
    "all-foreign": [ALL_POSTER] + [PATIENT_ALL] * 5 + [LATE_WAITER] * 2,
}
