/* The protocol of systemevent_multi.h as a model, for exhaustive exploration by spin: wait_any() and
 * wait_all() of two or three events. That of one event is event.pml; what is said there of steps, of
 * the kernel and of intervals holds here, too.
 *
 * explore.py runs it; multi.py says who takes part (all 0 unless given by -D):
 *
 *     EVENTS          2 or 3, named A, B, C
 *     WAITERS         at most 3, of the events in the bits of EVENTS_OF_<n>: in wait_all() if
 *                     ALL_<n>, else in wait_any(), which of one event is wait(); with a time-out, which
 *                     may pass at any moment, if TIMED_<n>
 *     OLDER           all waiters sleep on the value of one event only, as before Linux 5.16
 *     ACTORS          at most 3, each carries out what PROGRAM_<n> says: five bits an operation,
 *                     the first one lowest: an event, and 4 set(), 8 clear(), 12 sem_post,
 *                     16 sem_trywait, 20 a foreign waiter that comes and goes; 24: the change of
 *                     the control word
 *     POSTS, TAKES    there is a sem_post, a sem_trywait among them
 *     CONTROL         waiter 0 has a control word
 *     SIGNALS         how many sleeps a signal interrupts. Its handler does nothing: what it could
 *                     do to the events, an actor does while the waiter is out of its sleep.
 *     STOPS           how many sleeps a stop interrupts, or a handler with SA_RESTART
 *     KILLS           how many of all these are killed, at any step
 *     STRICT_OLDER    demands of older kernels what newer ones do
 *
 *     sleeper         nobody sleeps for ever in wait_any() while one of the events is set, or in
 *                     wait_all() while all are
 *     pulse           any: an event that has been set since the first look at it is in the result.
 *                     all: an event is set while the others stay set, from before, since the waiter
 *                     has either come to rest or looked twice, until the end: True
 *     true            any: each event in the result was set at some instant of the call. all: there
 *                     was an instant of the call at which all were
 *     false           any: each event that is not in the result was clear at some instant of the
 *                     call, and of a False: from the deadline on. all: False only if, at some
 *                     instant from the deadline on, not all were set
 *     control         nobody sleeps for ever although the control word has changed
 *
 * Foreign programs can break some of these, as for one event; what remains is said at each promise,
 * in the branches on POSTS and TAKES.
 */

#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef EVENTS_OF_1
#define EVENTS_OF_1 0
#endif
#ifndef EVENTS_OF_2
#define EVENTS_OF_2 0
#endif
#ifndef ALL_0
#define ALL_0 0
#endif
#ifndef ALL_1
#define ALL_1 0
#endif
#ifndef ALL_2
#define ALL_2 0
#endif
#ifndef TIMED_0
#define TIMED_0 0
#endif
#ifndef TIMED_1
#define TIMED_1 0
#endif
#ifndef TIMED_2
#define TIMED_2 0
#endif
#ifndef OLDER
#define OLDER 0
#endif
#ifndef ACTORS
#define ACTORS 0
#endif
#ifndef PROGRAM_0
#define PROGRAM_0 0
#endif
#ifndef PROGRAM_1
#define PROGRAM_1 0
#endif
#ifndef PROGRAM_2
#define PROGRAM_2 0
#endif
#ifndef POSTS
#define POSTS 0
#endif
#ifndef TAKES
#define TAKES 0
#endif
#ifndef CONTROL
#define CONTROL 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef KILLS
#define KILLS 0
#endif

/* Everybody has a number: waiters, then actors. */
#define ACTOR_0 WAITERS
#define MOST 6
#define choose(n, zero, one, two) (n == 0 -> zero : (n == 1 -> one : two))
#define events_of(waiter) choose(waiter, EVENTS_OF_0, EVENTS_OF_1, EVENTS_OF_2)
#define waits_for_all(waiter) choose(waiter, ALL_0, ALL_1, ALL_2)
#define is_timed(waiter) choose(waiter, TIMED_0, TIMED_1, TIMED_2)
#define has_control(waiter) (CONTROL && waiter == 0)
#define bit(e) (1 << (e))
#define is_of(waiter, e) (events_of(waiter) & bit(e))

/* ---- the words, their futex queues, the control word ------------------------------------------- */

byte value[EVENTS], foreign[EVENTS], generation[EVENTS]; /* the sticky bit is always 1 */
#define slot(waiter, e) ((waiter) * EVENTS + (e))
bool on_value[WAITERS * EVENTS], on_upper[WAITERS * EVENTS];
byte watched[WAITERS]; /* the events on which it sleeps, or is about to */
byte guarded[WAITERS]; /* all: those that are set, on whose upper halves it sleeps */
bit control, on_control, may_change; /* who changes it is started by the waiter */
byte signals = SIGNALS, stops = STOPS, kills = KILLS;

byte t, s; /* for loops within one step */

#define set_now(events) \
    ((!((events) & 1) || value[0]) && (!((events) & 2) || value[1]) && \
     (EVENTS < 3 || !((events) & 4) || value[EVENTS - 1]))

/* ---- what everybody is doing, and what was promised to waiters: seen by no one but the promises */

#define WAITING 1 /* has begun to load, and has not decided */
#define BUSY 2    /* in anything else that takes more than a step: can be killed */
#define KILLED 4
#define EXPIRED 8 /* its deadline has passed */
byte doing[MOST];
byte carries[MOST]; /* events: woken by a foreign wake-one, or about to make it: others depend on it */
#define does(who, what) (doing[who] & (what))
#define begin(who, what) doing[who] = doing[who] | (what)
#define end(who, what) doing[who] = doing[who] & ~(what)

/* Of a waiter, bits of events. */
byte looked[WAITERS];  /* any: has loaded the first time. all: not now, see rested */
byte saw_set[WAITERS]; /* was set at some instant of the call; all: all were (1) */
byte saw_clear[WAITERS]; /* any: was clear at some instant of the call, or, if EXPIRED, since then.
                          * all: not all were set at some instant since it is EXPIRED (1) */
byte owed[WAITERS];    /* a set() that must not be missed */
/* all: since when one of the other events has been clear, has the waiter made one whole pass, two? */
byte in_pass[WAITERS], one_pass[WAITERS], two_passes[WAITERS];
byte relay_lost; /* events: a foreign wake-up was killed on its way */

mtype = { sleeper, pulse, true_, false_, control_ };
#define promise(name, condition) \
    if :: !(condition) -> printf("BROKEN: %e\n", name); assert(false) :: else fi

#define sleeps_well(w, e) \
    ((!(watched[w] & bit(e)) || on_value[slot(w, e)]) && \
     (OLDER || !((watched[w] | guarded[w]) & bit(e)) || on_upper[slot(w, e)]))
/* In all the queues that it has to be in; woken from none. */
#define is_asleep(w) \
    (watched[w] && sleeps_well(w, 0) && sleeps_well(w, 1) && \
     (EVENTS < 3 || sleeps_well(w, EVENTS - 1)) && (!has_control(w) || on_control))

inline see_all(w) {
    if
    :: set_now(events_of(w)) -> saw_set[w] = 1
    :: !set_now(events_of(w)) && does(w, EXPIRED) -> saw_clear[w] = 1
    :: else
    fi
}

inline forget(w) {
    looked[w] = 0;
    saw_set[w] = 0;
    saw_clear[w] = 0;
    owed[w] = 0;
    in_pass[w] = 0;
    one_pass[w] = 0;
    two_passes[w] = 0;
    watched[w] = 0;
    guarded[w] = 0
}

/* The event e has just become set. */
inline see_set(e) {
    for (t : 0 .. WAITERS - 1) {
        if
        :: does(t, WAITING) && is_of(t, e) ->
            if
            :: waits_for_all(t) -> see_all(t)
            :: else -> saw_set[t] = saw_set[t] | bit(e)
            fi
        :: else
        fi
    }
    t = 0
}

/* The event e has just become clear. */
inline see_clear(e) {
    for (t : 0 .. WAITERS - 1) {
        if
        :: does(t, WAITING) && is_of(t, e) ->
            if
            :: waits_for_all(t) ->
                see_all(t);
                owed[t] = owed[t] & bit(e);
                in_pass[t] = in_pass[t] & bit(e);
                one_pass[t] = one_pass[t] & bit(e);
                two_passes[t] = two_passes[t] & bit(e)
            :: else -> saw_clear[t] = saw_clear[t] | bit(e)
            fi
        :: else
        fi
    }
    t = 0
}

/* Must the waiter not miss a set() of e? (Kernels before 5.16 miss what comes between the last look and
 * the sleep, and do not notice that another event is set.) */
#ifdef STRICT_OLDER
#define is_owed_by_all(w, e) (set_now(events_of(w) & ~bit(e)) && is_asleep(w))
#else
#define is_owed_by_all(w, e) \
    (set_now(events_of(w) & ~bit(e)) && \
     (OLDER -> is_asleep(w) && (two_passes[w] & bit(e)) \
             : is_asleep(w) || (two_passes[w] & bit(e))))
#endif

#define is_owed_by_any(w, e) (OLDER -> is_asleep(w) : looked[w] & bit(e))

/* A set() takes effect. */
inline owe(e) {
    for (t : 0 .. WAITERS - 1) {
        if
        :: does(t, WAITING) && !does(t, EXPIRED) && is_of(t, e) &&
           (!TAKES || on_value[slot(t, e)]) &&
           (waits_for_all(t) -> is_owed_by_all(t, e) : is_owed_by_any(t, e)) ->
            owed[t] = owed[t] | bit(e)
        :: else
        fi
    }
    t = 0
}

/* ---- waking ------------------------------------------------------------------------------------ */

inline wake_all_on_value(e) {
    for (t : 0 .. WAITERS - 1) { on_value[slot(t, e)] = false }
    t = 0
}

inline wake_all_on_upper(e) {
    for (t : 0 .. WAITERS - 1) { on_upper[slot(t, e)] = false }
    t = 0
}

/* A wake-up that sem_post issues late can reach a waiter that began after a clear(). */
inline wake_if_asleep(w, e) {
    on_value[slot(w, e)] = false;
    carries[w] = carries[w] | bit(e);
    relay_lost = relay_lost & ~bit(e);
    saw_set[w] = saw_set[w] | (waits_for_all(w) -> set_now(events_of(w) & ~bit(e)) : bit(e))
}

inline wake_one_on_value(e) {
    if
    :: on_value[slot(0, e)] -> wake_if_asleep(0, e)
#if WAITERS > 1
    :: on_value[slot(1, e)] -> wake_if_asleep(1, e)
#endif
#if WAITERS > 2
    :: on_value[slot(2, e)] -> wake_if_asleep(2, e)
#endif
    :: else
    fi
}

/* ---- set, clear, foreign programs, and who changes the control word ------------------------------ */

#define name(e) ('A' + e)

proctype actor(byte me; int program) {
    byte e, word_value, word_foreign, word_generation;
    {
        do
        :: program == 0 -> break
        :: (program & 28) == 4 -> /* set() */
            atomic {
                e = program & 3;
                program = program >> 5;
                begin(me, BUSY);
                if
                :: value[e] != 0 ->
                    printf("#%d: set %c: finds it set\n", me, name(e));
                    /* Else its foreign poster wakes one waiter, who wakes the others. */
                    if :: !POSTS -> owe(e) :: else fi;
                    end(me, BUSY)
                :: else
                fi
            };
            if
            :: atomic { /* FUTEX_WAKE_OP */
                    does(me, BUSY) ->
                    printf("#%d: set %c: value = 1, wakes\n", me, name(e));
                    owe(e);
                    value[e] = 1;
                    see_set(e);
                    wake_all_on_value(e);
                    wake_all_on_upper(e);
                    relay_lost = relay_lost & ~bit(e);
                    end(me, BUSY);
                    e = 0
                }
            :: atomic { !does(me, BUSY) -> e = 0 }
            fi
        :: (program & 28) == 8 -> /* clear() */
            atomic {
                e = program & 3;
                program = program >> 5;
                begin(me, BUSY);
                word_value = value[e];
                word_foreign = foreign[e];
                word_generation = generation[e]
            };
            do
            :: atomic { /* compare-and-swap */
                    word_value != 0 ->
                    if
                    :: value[e] == word_value && foreign[e] == word_foreign &&
                       generation[e] == word_generation ->
                        printf("#%d: clear %c: clears\n", me, name(e));
                        value[e] = 0;
                        generation[e]++;
                        see_clear(e);
                        word_value = 0
                    :: else ->
                        word_value = value[e];
                        word_foreign = foreign[e];
                        word_generation = generation[e]
                    fi
                }
            :: atomic {
                    word_value == 0 ->
                    word_foreign = 0;
                    word_generation = 0;
                    end(me, BUSY);
                    e = 0;
                    break
                }
            od
        :: (program & 28) == 12 -> /* sem_post */
            atomic {
                e = program & 3;
                program = program >> 5;
                begin(me, BUSY);
                carries[me] = bit(e);
                value[e]++;
                printf("#%d: sem_post %c: value = %d\n", me, name(e), value[e]);
                if :: value[e] == 1 -> see_set(e) :: else fi
            };
            atomic {
                printf("#%d: sem_post %c: wakes one sleeper, if there is one\n", me, name(e));
                wake_one_on_value(e);
                end(me, BUSY);
                carries[me] = 0;
                e = 0
            }
        :: atomic {
                (program & 28) == 16 -> /* sem_trywait */
                e = program & 3;
                program = program >> 5;
                printf("#%d: sem_trywait %c: value %d\n", me, name(e), value[e]);
                if
                :: value[e] > 0 ->
                    value[e]--;
                    if :: value[e] == 0 -> see_clear(e) :: else fi
                :: else
                fi;
                e = 0
            }
        :: (program & 28) == 20 -> /* a foreign waiter that gives up */
            atomic {
                e = program & 3;
                program = program >> 5;
                printf("#%d: sem_timedwait %c: comes\n", me, name(e));
                foreign[e]++
            };
            atomic { printf("#%d: sem_timedwait %c: goes\n", me, name(e)); foreign[e]--; e = 0 }
        :: (program & 28) == 24 -> /* control.change() */
            atomic {
                may_change ->
                program = program >> 5;
                printf("#%d: control: changes\n", me);
                control = 1;
                begin(me, BUSY)
            };
            atomic { printf("#%d: control: wakes\n", me); on_control = false; end(me, BUSY) }
        od
    } unless { does(me, KILLED) }
}

/* ---- sleeping: systemevent__sleep_on_any, and systemevent__sleep for one ------------------------- */

mtype = { nothing, woken_, woken_by_set, again, timed_out, interrupted, restart };

/* Queues are numbered: value and upper half of A, of B, ...; the control word comes before. Its
 * locals: what is expected of the upper halves. Leaves `outcome`, `woken` (an event, or EVENTS). */
#define SLEEP_LOCALS \
    byte seen_foreign[EVENTS], seen_generation[EVENTS]; \
    byte q, queues, woken = EVENTS; \
    bit seen_control; \
    mtype outcome = interrupted

inline skip_queues(me) {
    do
    :: q < 2 * EVENTS && q % 2 == 0 && !(watched[me] & bit(q / 2)) -> q++
    :: q % 2 == 1 && (OLDER || !((watched[me] | guarded[me]) & bit(q / 2))) -> q++
    :: else -> break
    od
}

/* After a stop it begins anew, with the same expected values. */
inline sleep(me) {
    woken = EVENTS;
    sleep_again: atomic {
        outcome = nothing;
        q = 0;
        skip_queues(me);
        if
        :: has_control(me) ->
#ifndef MUTANT_CONTROL_NOT_COMPARED
            if
            :: control != seen_control ->
                printf("#%d: EAGAIN, control word\n", me);
                outcome = again;
                goto slept
            :: else
            fi;
#endif
            on_control = true
        :: else
        fi
    };
    do
    :: atomic { /* compare, and enqueue */
            q < 2 * EVENTS ->
            if
            :: q % 2 == 0 && value[q / 2] == 0 -> on_value[slot(me, q / 2)] = true
            :: q % 2 == 1 && foreign[q / 2] == seen_foreign[q / 2] &&
               generation[q / 2] == seen_generation[q / 2] -> on_upper[slot(me, q / 2)] = true
            :: else ->
                printf("#%d: EAGAIN, or woken by now: %c has changed\n", me, name(q / 2));
                outcome = again;
                goto leave
            fi;
            printf("#%d: in a queue of %c\n", me, name(q / 2));
            q++;
            skip_queues(me)
        }
    :: atomic { q == 2 * EVENTS -> break }
    od;
    end_asleep: atomic {
        if
        :: !is_asleep(me) -> outcome = again
        :: is_asleep(me) && is_timed(me) ->
            printf("#%d: the deadline passes\n", me);
            outcome = timed_out;
            expire(me)
        :: is_asleep(me) && signals > 0 ->
            printf("#%d: a signal\n", me);
            signals--;
            outcome = interrupted
        :: is_asleep(me) && stops > 0 ->
            printf("#%d: stopped\n", me);
            stops--;
            outcome = restart
        fi;
        /* It leaves the queues in the same order, and tells the last one from which it was woken. */
        leave: queues = q;
        q = 0;
        skip_queues(me);
        on_control = (has_control(me) -> false : on_control);
        if :: q < queues -> goto leave_queue :: else fi
    };
    do
    :: atomic {
            q < queues ->
            leave_queue: if
            :: q % 2 == 0 && on_value[slot(me, q / 2)] -> on_value[slot(me, q / 2)] = false
            :: q % 2 == 1 && on_upper[slot(me, q / 2)] -> on_upper[slot(me, q / 2)] = false
            :: else ->
                printf("#%d: woken by %c\n", me, name(q / 2));
                woken = q / 2;
                outcome = (q % 2 -> woken_by_set : woken_)
            fi;
            q++;
            skip_queues(me)
        }
    :: atomic { q >= queues -> q = 0; queues = 0; break }
    od;
    if
    :: atomic { outcome == restart -> goto sleep_again }
    :: else
    fi;
    slept: skip
}

inline expire(w) {
    begin(w, EXPIRED);
    if
    :: waits_for_all(w) -> see_all(w)
    :: else ->
        saw_clear[w] = 0;
        for (t : 0 .. EVENTS - 1) {
            if :: value[t] == 0 -> saw_clear[w] = saw_clear[w] | bit(t) :: else fi
        }
        t = 0
    fi
}

/* systemevent__pass_on; `expected` is a local */
inline pass_on(me, e) {
    do
    :: atomic { value[e] == 0 -> break }
    :: atomic { value[e] != 0 -> expected = value[e] };
        atomic { /* FUTEX_CMP_REQUEUE */
            if
            :: value[e] == expected ->
                printf("#%d: passes %c on\n", me, name(e));
                wake_all_on_value(e);
                relay_lost = relay_lost & ~bit(e);
                break
            :: else
            fi
        }
    od
}

/* ---- wait_any() -------------------------------------------------------------------------------- */

inline skip_events(me) {
    do
    :: e < EVENTS && !is_of(me, e) -> e++
    :: else -> break
    od
}

inline decide(me) {
    printf("#%d: wait_any returns events %d\n", me, was_set);
    promise(true_, !(was_set & ~saw_set[me]));
    promise(false_, !(events_of(me) & ~was_set & ~saw_clear[me]));
    promise(pulse, was_set || !owed[me]);
    forget(me);
    end(me, WAITING | EXPIRED)
}

proctype any(byte me) {
    byte first[EVENTS]; /* the generations */
    byte e, was_set, expected;
    SLEEP_LOCALS;
    {
        atomic {
            seen_control = control;
#ifndef MUTANT_CONTROL_READ_LATE
            may_change = true
#endif
        };
#ifdef MUTANT_CONTROL_READ_LATE
        atomic { may_change = true };
        atomic { seen_control = control };
#endif
        atomic {
            printf("#%d: wait_any begins\n", me);
            begin(me, WAITING);
            skip_events(me);
            for (t : 0 .. EVENTS - 1) {
                if
                :: value[t] != 0 -> saw_set[me] = saw_set[me] | bit(t)
                :: else -> saw_clear[me] = saw_clear[me] | bit(t)
                fi
            }
            t = 0;
            goto begin_any
        };
        do
        :: atomic {
                e < EVENTS ->
                begin_any: first[e] = generation[e];
                looked[me] = looked[me] | bit(e);
                if :: value[e] != 0 -> was_set = was_set | bit(e) :: else fi;
                e++;
                skip_events(me)
            }
        :: atomic {
                e == EVENTS ->
                e = 0;
                skip_events(me);
                if :: was_set -> decide(me); doing[me] = 0; goto done :: else fi;
                break
            }
        od;

        reload: do
        :: atomic {
                e < EVENTS ->
                seen_foreign[e] = foreign[e];
                seen_generation[e] = generation[e];
                if
#ifdef MUTANT_ANY_LOOKS_AGAIN
                :: value[e] != 0 ->
#else
                :: e == woken || value[e] != 0 || generation[e] != first[e] ->
#endif
                    was_set = was_set | bit(e)
                :: else
                fi;
                promise(pulse, TAKES || !(owed[me] & bit(e)) || (was_set & bit(e)));
                e++;
                skip_events(me)
            }
        :: atomic {
                e == EVENTS ->
                e = 0;
                skip_events(me);
                if
                :: was_set -> goto decided
                :: else
                fi;
                if
                :: outcome == timed_out -> goto decided
                :: else
                fi;
                if
                :: has_control(me) && control != seen_control ->
                    printf("#%d: the control word has changed\n", me);
                    goto given_up
                :: else
                fi;
                watched[me] = events_of(me);
                break
            }
        od;
        sleep(me);
        atomic {
            watched[me] = 0;
#ifdef MUTANT_ANY_NO_RELOAD
            if :: outcome == timed_out -> goto decided :: else fi;
#endif
            if
            :: outcome == interrupted -> printf("#%d: gives up\n", me); goto given_up
            :: true
            fi;
            goto reload
        };

        decided: atomic {
            decide(me);
            if :: was_set -> begin(me, BUSY) :: else -> doing[me] = 0; goto done fi
        };
#ifndef MUTANT_ANY_PASSES_NOTHING_ON
        do
        :: e < EVENTS && (was_set & bit(e)) && !(e == woken && outcome == woken_by_set) ->
#ifdef MUTANT_ANY_PASSES_ON_WHAT_IS_TOLD
            if :: e == woken :: else -> goto passed fi;
#endif
            pass_on(me, e);
            passed: e++
        :: e < EVENTS && (!(was_set & bit(e)) || (e == woken && outcome == woken_by_set)) -> e++
        :: e == EVENTS -> break
        od;
#endif
        given_up: atomic { forget(me); carries[me] = 0; doing[me] = 0; goto done }
    } unless { does(me, KILLED) };
    done: skip
}

/* ---- wait_all() -------------------------------------------------------------------------------- */

/* A reading: 1 if set, and twice the generation. */
#define reading(e, i) readings[(e) * 4 + (i)]
#define stayed_from_2(e) (reading(e, 3) % 2 && reading(e, 2) == reading(e, 3))
#define stayed_from_1(e) (stayed_from_2(e) && reading(e, 1) == reading(e, 3))
#define stayed_from_0(e) (stayed_from_1(e) && reading(e, 0) == reading(e, 3))
#define happened(e, i, j) \
    (reading(e, i) % 2 || reading(e, j) % 2 || reading(e, i) / 2 != reading(e, j) / 2)

/* systemevent__all_were_set(from) as `proven`; `one`, `others` are locals. */
inline look_for_proof(me, from, woken_then) {
    proven = true;
    others = 0;
    one = EVENTS;
    for (t : 0 .. EVENTS - 1) {
        if
        :: is_of(me, t) ->
            if
            :: (from == 0 -> stayed_from_2(t) : reading(t, 3) % 2)
            :: else -> proven = false
            fi;
            if
#ifdef MUTANT_ALL_OUTER_PASSES
            :: (from == 0 -> stayed_from_2(t) : true)
#else
            :: (from == 0 -> stayed_from_0(t) : stayed_from_1(t))
#endif
            :: else -> one = t; others++
            fi
        :: else
        fi
    }
    t = 0;
    if
    :: !proven && others == 1 ->
#ifdef MUTANT_ALL_OUTER_PASSES
        proven = one == woken || happened(one, 2, 3)
#elif defined(MUTANT_ALL_LOOKS_AGAIN)
        proven = false
#else
        proven = one == woken_then || happened(one, from + 1, from + 2)
#endif
    :: else
    fi;
    one = 0;
    others = 0
}

proctype all(byte me) {
    byte readings[4 * EVENTS];
    byte e, one, others, expected, woken_before = EVENTS, passes_left = 3;
    byte begun;
    bool proven, look_again;
    SLEEP_LOCALS;
    {
        atomic {
            printf("#%d: wait_all begins\n", me);
            begin(me, WAITING);
            see_all(me);
            skip_events(me);
            for (s : 0 .. EVENTS - 1) {
                in_pass[me] = in_pass[me] | (set_now(events_of(me) & ~bit(s)) -> bit(s) : 0)
            }
            s = 0;
            goto begin_all
        };
        another_pass: atomic {
            for (s : 0 .. EVENTS - 1) {
                in_pass[me] = in_pass[me] | (set_now(events_of(me) & ~bit(s)) -> bit(s) : 0)
            }
            s = 0
        };
        do
        :: atomic {
                e < EVENTS ->
                begin_all: seen_foreign[e] = foreign[e];
                seen_generation[e] = generation[e];
                if
                :: begun != 0 ->
                    reading(e, 0) = reading(e, 1);
                    reading(e, 1) = reading(e, 2);
                    reading(e, 2) = reading(e, 3)
                :: else ->
                    reading(e, 0) = 2 * generation[e];
                    reading(e, 1) = 2 * generation[e];
                    reading(e, 2) = 2 * generation[e]
                fi;
                reading(e, 3) = 2 * generation[e] + (value[e] != 0);
                e++;
                skip_events(me);
                if
                :: e == EVENTS -> /* the whole pass was made while the others were set */
                    two_passes[me] = two_passes[me] | (in_pass[me] & one_pass[me]);
                    one_pass[me] = one_pass[me] | in_pass[me];
                    in_pass[me] = 0
                :: else
                fi
            }
        :: atomic { e == EVENTS -> e = 0; skip_events(me); break }
        od;
        atomic {
            if :: begun == 0 -> begun = 1; goto another_pass :: else fi;
#ifdef MUTANT_ALL_ONE_PASS
            proven = true;
            for (t : 0 .. EVENTS - 1) {
                proven = proven && (!is_of(me, t) || reading(t, 3) % 2)
            }
            t = 0;
#else
            look_for_proof(me, 0, woken_before);
#endif
            if
            :: proven ->
                printf("#%d: wait_all: True\n", me);
                promise(true_, TAKES || saw_set[me]);
                goto given_up
            :: else
            fi;
            if :: begun == 1 -> begun = 2; proven = false; goto another_pass :: else fi;
            look_for_proof(me, 1, woken); /* also if the last pass found all set */
            look_again = proven;
            woken_before = woken;
            woken = EVENTS;
            proven = false;
            if
            :: outcome == timed_out ->
                passes_left--;
                if
                :: !look_again || passes_left == 0 ->
                    printf("#%d: wait_all: False\n", me);
                    promise(false_, saw_clear[me]);
                    promise(pulse, !owed[me]);
                    goto given_up
                :: else -> goto another_pass
                fi
            :: else
            fi;
#ifndef MUTANT_ALL_SLEEPS_AFTER_ONE_LOOK
            for (t : 0 .. EVENTS - 1) {
                look_again = look_again || (is_of(me, t) && reading(t, 3) % 2 && !stayed_from_2(t))
            }
            t = 0;
#endif
            if
            :: look_again -> look_again = false; outcome = interrupted; goto another_pass
            :: else
            fi;
            /* Two clear ones, or the only one. */
            for (s : 0 .. EVENTS - 1) {
                if
                :: is_of(me, s) && reading(s, 3) % 2 ->
#ifndef MUTANT_ALL_SLEEPS_ON_CLEAR_ONLY
                    if :: OLDER :: else -> guarded[me] = guarded[me] | bit(s) fi
#endif
                :: is_of(me, s) && reading(s, 3) % 2 == 0 ->
#ifndef MUTANT_ALL_SLEEPS_ON_ONE
                    if
                    :: OLDER ->
#endif
                        watched[me] = bit(s)
#ifndef MUTANT_ALL_SLEEPS_ON_ONE
                    :: !OLDER && (watched[me] & (watched[me] - 1)) == 0 ->
                        watched[me] = watched[me] | bit(s)
                    :: else
                    fi
#endif
                :: else
                fi
            }
            s = 0
        };
        sleep(me);
        atomic {
            if
            :: outcome == interrupted -> printf("#%d: gives up\n", me); goto given_up
            :: true
            fi
        };
#ifndef MUTANT_ALL_PASSES_NOTHING_ON
        if
        :: woken < EVENTS ->
            do
            :: e < EVENTS && (watched[me] & bit(e)) && !(e == woken && outcome == woken_by_set) ->
                pass_on(me, e);
                e++
            :: e < EVENTS && (!(watched[me] & bit(e)) || (e == woken && outcome == woken_by_set)) ->
                e++
            :: e == EVENTS -> break
            od
        :: else
        fi;
#endif
        atomic {
            if
            :: woken < EVENTS && !(watched[me] & bit(woken)) -> woken = EVENTS; outcome = again
            :: else
            fi;
            watched[me] = 0;
            guarded[me] = 0;
            expected = 0;
            carries[me] = 0;
            e = 0;
            skip_events(me);
            goto another_pass
        };
        given_up: atomic { forget(me); carries[me] = 0; doing[me] = 0; goto done }
    } unless { does(me, KILLED) };
    done: skip
}

/* ---- the killer, and the judge of sleepers ----------------------------------------------------- */

#define kill(who) \
    :: atomic { \
        kills > 0 && does(who, WAITING | BUSY) -> \
        printf("#%d: killed\n", who); \
        kills--; \
        relay_lost = relay_lost | carries[who]; \
        carries[who] = 0; \
        if \
        :: who < WAITERS -> \
            forget(who); \
            for (t : 0 .. EVENTS - 1) { \
                on_value[slot(who, t)] = false; \
                on_upper[slot(who, t)] = false \
            } \
            t = 0 \
        :: else \
        fi; \
        doing[who] = KILLED \
    }

#if KILLS
active proctype killer() {
    end_killer: do
    kill(0)
#if WAITERS + ACTORS > 1
    kill(1)
#endif
#if WAITERS + ACTORS > 2
    kill(2)
#endif
#if WAITERS + ACTORS > 3
    kill(3)
#endif
#if WAITERS + ACTORS > 4
    kill(4)
#endif
#if WAITERS + ACTORS > 5
    kill(5)
#endif
    od
}
#endif

#if WAITERS > 1
#define IF_1(condition) (condition)
#else
#define IF_1(condition) false
#endif
#if WAITERS > 2
#define IF_2(condition) (condition)
#else
#define IF_2(condition) false
#endif

#define rests(w) (!does(w, WAITING | BUSY) || is_asleep(w))
#define EVERYBODY_RESTS \
    (rests(0) && !IF_1(!rests(1)) && !IF_2(!rests(2)) && \
     !((doing[WAITERS] | doing[WAITERS + 1] | doing[WAITERS + 2]) & BUSY))
#define is_set_for(w, e) ((is_of(w, e) & ~relay_lost) && value[e])
#define oversleeps(w) \
    (is_asleep(w) && \
     (waits_for_all(w) -> set_now(events_of(w)) && !(watched[w] & relay_lost) \
                       : is_set_for(w, 0) || is_set_for(w, 1) || \
                         (EVENTS > 2 && is_set_for(w, EVENTS - 1))))
#define is_owed(w) (is_asleep(w) && owed[w])

/* In every state in which nobody is in the middle of something. */
active proctype judge() {
    end_judge: if
    :: atomic {
            EVERYBODY_RESTS &&
            (oversleeps(0) || IF_1(oversleeps(1)) || IF_2(oversleeps(2))) ->
            promise(sleeper, false)
        }
    :: atomic {
            EVERYBODY_RESTS && (is_owed(0) || IF_1(is_owed(1)) || IF_2(is_owed(2))) ->
            promise(pulse, false)
        }
#if CONTROL
    :: atomic { EVERYBODY_RESTS && is_asleep(0) && control != 0 -> promise(control_, false) }
#endif
    fi
}

init {
    atomic {
        for (s : 0 .. WAITERS - 1) {
            if
            :: waits_for_all(s) -> run all(s)
            :: else -> run any(s)
            fi
        }
        s = 0;
        if :: ACTORS > 0 -> run actor(ACTOR_0, PROGRAM_0) :: else fi;
        if :: ACTORS > 1 -> run actor(ACTOR_0 + 1, PROGRAM_1) :: else fi;
        if :: ACTORS > 2 -> run actor(ACTOR_0 + 2, PROGRAM_2) :: else fi
    }
}
