/* The protocol of systemevent.h as a model, for exhaustive exploration by spin.
 *
 * explore.py runs it and chooses what is in it. Who takes part (all 0 unless given by -D):
 *
 *     WAITERS      one wait() each; the first TIMED of them with a time-out, which may pass at any
 *                  moment; the first OLDER of them sleep on value only, the others on both halves
 *     SETTERS      one set() each             CLEARERS  one clear() each
 *     PULSERS      one set() and one clear() each
 *     POSTERS      foreign: one sem_post each          TRIERS  foreign: one sem_trywait each
 *     TURNSTILES   foreign: one sem_wait and one sem_post each
 *     SIGNALS      how many sleeps a signal interrupts; its handler does nothing, set(), or a pulse
 *     STOPS        how many sleeps a stop (SIGSTOP, a debugger, a freezer) interrupts
 *     KILLS        how many of all these are killed, at any step
 *
 * A step is what no other thread can see in parts: one load, one compare-and-swap, one stretch of
 * the kernel under a bucket's lock. The kernel is modelled from kernel/futex/: compare and enqueue
 * are one step per futex; futex_waitv enqueues value, then the upper half, and leaves in the same
 * order; who was woken says so even if a time-out, a signal or a stop came too; who is woken by a
 * wake-one is anybody. Not modelled: memory weaker than sequential consistency (tests/fence.c), and
 * the generation's wrap.
 *
 * A wait begins with its load of `first` and ends with its decision, a set() or clear() begins with
 * its first load and ends with its last step: the narrowest intervals, so the strictest promises.
 *
 *     sleeper        nobody sleeps for ever while the event is set
 *     pulse          a set() that takes effect while a wait is undecided makes it True (waiters on
 *                    value only: unless set() and clear() both fall into one stop, or between
 *                    its last look at the word and the kernel's; STRICT_OLDER: always)
 *     true           a wait is True only if the event was set at some instant of it
 *     false          a wait is False only if the event was clear at some instant from its deadline
 *                    on, and no set() took effect before (STRICT: before it decided)
 *     clear          after a clear() that no set() overlapped it is clear until a set() begins
 *     flag           it rises only during a set(), and falls only during a clear()
 *     spinning       nobody goes round in circles (explored as: the model has no cycle)
 *
 * With foreign programs some of these do not hold; which remain is said at each promise, in the
 * branches on FOREIGN. -DSTRICT_FOREIGN demands all of them nevertheless, -DOWE_POSTS of a sem_post
 * what a set() promises: they show the gaps. -DONLY=sleeper (pulse, ...) looks at one.
 */

#ifndef WAITERS
#define WAITERS 1
#endif
#ifndef TIMED
#define TIMED 0
#endif
#ifndef OLDER
#define OLDER 0
#endif
#ifndef SETTERS
#define SETTERS 0
#endif
#ifndef CLEARERS
#define CLEARERS 0
#endif
#ifndef PULSERS
#define PULSERS 0
#endif
#ifndef POSTERS
#define POSTERS 0
#endif
#ifndef TRIERS
#define TRIERS 0
#endif
#ifndef TURNSTILES
#define TURNSTILES 0
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

/* Everybody has a number. Threads, which can sleep, come first: waiters, then turnstiles. */
#define THREADS (WAITERS + TURNSTILES)
#define SETTER_0 THREADS
#define CLEARER_0 (SETTER_0 + SETTERS)
#define PULSER_0 (CLEARER_0 + CLEARERS)
#define POSTER_0 (PULSER_0 + PULSERS)
#define TRIER_0 (POSTER_0 + POSTERS)
#define JUDGE (TRIER_0 + TRIERS)
#define MOST 7
#if THREADS > 5 || JUDGE > MOST
#error "at most 5 threads that sleep, and 7 in all"
#endif

#if POSTERS + TRIERS + TURNSTILES > 0 && !defined(STRICT_FOREIGN)
#define FOREIGN 1
#else
#define FOREIGN 0
#endif
/* Foreign programs that take value down: without the generation, which they do not know. */
#if TRIERS + TURNSTILES > 0 && !defined(STRICT_FOREIGN)
#define FOREIGN_TAKES 1
#else
#define FOREIGN_TAKES 0
#endif

#define is_timed(thread) (thread < TIMED)
#ifdef MUTANT_VALUE_ONLY
#define sleeps_on_both(thread) false
#else
#define sleeps_on_both(thread) (thread >= OLDER)
#endif
/* Who sleeps on value only may miss a pulse that falls into a stop as a whole ... */
#define may_miss_in_a_stop(thread) (thread < OLDER)
/* ... or between its last look at the word and the kernel's: there is no generation behind it. */
#ifdef STRICT_OLDER
#define may_miss_between(thread) false
#else
#define may_miss_between(thread) !sleeps_on_both(thread)
#endif

/* ---- the word, the two futex queues ---------------------------------------------------------- */

byte value, foreign, generation; /* the sticky bit is always 1 */
bool on_value[MOST], on_upper[MOST];
byte signals = SIGNALS, stops = STOPS, kills = KILLS;

byte t; /* for loops within one step */

/* ---- what everybody is doing, and what was promised to waiters: seen by no one but the promises  */

#define WAITING 1     /* has loaded `first`, and has not decided */
#define BUSY 2        /* in anything else than a wait, set() or clear(): can be killed */
#define SETTING 4
#define CLEARING 8
#define OVERLAPPED 16 /* by a set(), this clear() */
#define CARRIES 32    /* woken by a foreign wake-one, or about to make it: others depend on it */
#define KILLED 64
#define STARTED 128
byte doing[MOST + 1];
#define does(who, what) (doing[who] & (what))
#define begin(who, what) doing[who] = doing[who] | (what) | STARTED
#define end(who, what) doing[who] = doing[who] & ~(what)

/* Of those that are alike, the first begins first: another order would show the same. */
#define is_first(who) (who == 0 || who == TIMED || who == OLDER || who == WAITERS || \
                       who == SETTER_0 || who == CLEARER_0 || who == PULSER_0 || \
                       who == POSTER_0 || who == TRIER_0 || who == JUDGE)
#define may_start(who) (is_first(who) || does(who - 1, STARTED))

#define SAW_SET 1     /* the event was set at some instant of this wait */
#define OWED 2        /* a set() took effect during this wait: it must become True */
#define AWAY 4        /* where it may miss a pulse */
#define MISSABLE 8    /* a set() took effect since it is AWAY, and no clear() since */
#define EXPIRED 16    /* the deadline has passed */
#define SAW_CLEAR 32  /* the event was clear at some instant since the deadline */
byte ghost[MOST];
#define has(waiter, what) (ghost[waiter] & (what))
#define note(waiter, what) ghost[waiter] = ghost[waiter] | (what)
#define forget(waiter, what) ghost[waiter] = ghost[waiter] & ~(what)

bool promised_clear; /* a clear() that no set() overlapped is over, and no set() has begun since */
bool relay_lost;     /* a foreign wake-up was killed on its way */

mtype = { sleeper, pulse, true_, false_, clear_, flag, model };
#ifdef ONLY
#define is_judged(name) (name == ONLY || name == model)
#else
#define is_judged(name) true
#endif
#define promise(name, condition) \
    if :: is_judged(name) && !(condition) -> printf("BROKEN: %e\n", name); assert(false) :: else fi

/* A wake-up that sem_post issues late can reach a waiter that began after a clear(). */
#if FOREIGN
#define excuse_late_wake(thread) \
    note(thread, SAW_SET)
#else
#define excuse_late_wake(thread) skip
#endif

inline see_set() {
    for (t : 0 .. WAITERS - 1) {
        if :: does(t, WAITING) -> note(t, SAW_SET) :: else fi
    }
    t = 0
}

inline see_clear() {
    for (t : 0 .. WAITERS - 1) {
        forget(t, MISSABLE);
        if :: has(t, EXPIRED) -> note(t, SAW_CLEAR) :: else fi
    }
    t = 0
}

/* A set() takes effect, also one that finds the event set already (`asleep_only`: owed to
 * those who are asleep). */
inline owe(asleep_only) {
    for (t : 0 .. WAITERS - 1) {
        if
        :: does(t, WAITING) && (!asleep_only || on_value[t]) ->
            if
            :: has(t, AWAY) -> note(t, MISSABLE)
#ifndef STRICT
            :: has(t, EXPIRED)
#endif
            :: else -> note(t, OWED)
            fi
        :: else
        fi
    }
    t = 0
}

inline begin_set(me) {
    begin(me, SETTING);
    promised_clear = false;
    for (t : 0 .. JUDGE) { if :: does(t, CLEARING) -> begin(t, OVERLAPPED) :: else fi }
    t = 0
}

inline begin_clear(me) {
    begin(me, CLEARING);
    for (t : 0 .. JUDGE) { if :: does(t, SETTING) -> begin(me, OVERLAPPED) :: else fi }
    t = 0
}

inline end_clear(me) {
    if
    :: !does(me, OVERLAPPED) && !FOREIGN_TAKES -> promise(clear_, value == 0); promised_clear = true
    :: else
    fi;
    end(me, CLEARING | OVERLAPPED)
}

/* Value has risen from 0, or fallen to 0, by something that is not a set() or clear(). */
inline promise_a_setter() {
    for (t : 0 .. JUDGE) { if :: does(t, SETTING) -> break :: else fi }
    promise(flag, t <= JUDGE);
    promise(clear_, !promised_clear);
    t = 0
}

inline promise_a_clearer() {
    for (t : 0 .. JUDGE) { if :: does(t, CLEARING) -> break :: else fi }
    promise(flag, t <= JUDGE);
    t = 0
}

/* ---- waking ---------------------------------------------------------------------------------- */

inline wake_all_on_value() {
    for (t : 0 .. THREADS - 1) { on_value[t] = false }
    t = 0
}

inline wake_all_on_upper() {
    for (t : 0 .. THREADS - 1) { on_upper[t] = false }
    t = 0
}

#define wake_if_asleep(thread) \
    :: on_value[thread] -> \
        on_value[thread] = false; \
        begin(thread, CARRIES); \
        relay_lost = false; \
        excuse_late_wake(thread)

inline wake_one_on_value() {
    if
    wake_if_asleep(0)
    wake_if_asleep(1)
    wake_if_asleep(2)
    wake_if_asleep(3)
    wake_if_asleep(4)
    :: else
    fi
}

/* ---- foreign programs, as glibc 2.21 and newer ----------------------------------------------- */

/* sem_post: add 1; then, if the upper half is not 0, FUTEX_WAKE of one. */
inline sem_post_adds(me) {
    printf("#%d: sem_post: value %d -> %d\n", me, value, value + 1);
    value++;
    begin(me, BUSY | CARRIES);
    if :: value == 1 -> see_set() :: else fi
}

inline sem_post_wakes(me) {
#ifdef MUTANT_NO_STICKY
    if
    :: foreign == 0 && generation == 0
    :: else ->
#endif
    printf("#%d: sem_post: wakes one sleeper, if there is one\n", me);
    wake_one_on_value();
#ifdef MUTANT_NO_STICKY
    fi;
#endif
    end(me, BUSY | CARRIES)
}

/* sem_trywait: take 1 if there is one. */
inline sem_trywait(me) {
    printf("#%d: sem_trywait: value %d\n", me, value);
    if
    :: value > 0 ->
        value--;
        if :: value == 0 -> see_clear() :: else fi
    :: else
    fi
}

/* sem_wait, behind its first attempt. Reading value and then acting on what was read (compare-and-
 * swap, or the kernel's compare) is the same as acting on value in one step: where it differs,
 * glibc tries again. */
inline sem_wait(me) {
    atomic {
        may_start(me);
        printf("#%d: sem_wait: announces itself\n", me);
        begin(me, BUSY);
        foreign++
    };
    do
    :: atomic {
            value > 0 ->
            printf("#%d: sem_wait: takes 1 of %d\n", me, value);
            value--;
            foreign--;
            if :: value == 0 -> see_clear() :: else fi;
            break
        }
    :: atomic {
            value == 0 ->
            printf("#%d: sem_wait: sleeps\n", me);
            on_value[me] = true
        };
        end_asleep: atomic { !on_value[me] -> printf("#%d: sem_wait: woken\n", me) }
    od
}

/* ---- set() and clear() ----------------------------------------------------------------------- */

#if FOREIGN
/* Its foreign poster wakes one waiter, which wakes the others. */
#define owe_because_already_set() skip
#else
#define owe_because_already_set() owe(false)
#endif

inline set(me) {
    atomic {
        may_start(me);
        begin_set(me);
        if
#if !defined(MUTANT_COUNTING) && !defined(MUTANT_TURNSTILE)
        :: value != 0 ->
            printf("#%d: set: finds the event set\n", me);
            owe_because_already_set();
            end(me, SETTING)
#endif
        :: else -> printf("#%d: set: begins\n", me)
        fi
    };
    if
    :: !does(me, SETTING)
    :: else ->
#if defined(MUTANT_TURNSTILE)
        atomic { sem_post_adds(me); owe(false) };
        atomic { sem_post_wakes(me); end(me, SETTING) }
#elif defined(MUTANT_STORE_THEN_WAKE) || defined(MUTANT_NO_WAKE)
        atomic {
            printf("#%d: set: stores 1\n", me);
            value = 1;
            see_set();
            owe(false)
        };
        atomic {
#ifndef MUTANT_NO_WAKE
            printf("#%d: set: wakes everybody\n", me);
            wake_all_on_value();
#endif
            end(me, SETTING)
        }
#else
        atomic { /* FUTEX_WAKE_OP */
            see_set();
            owe(FOREIGN_TAKES);
#ifdef MUTANT_COUNTING
            value++;
#else
            value = 1;
#endif
            printf("#%d: set: value = %d, wakes\n", me, value);
#ifdef MUTANT_WAKE_ONE
            wake_one_on_value();
#else
#ifndef MUTANT_UPPER_ONLY
            wake_all_on_value();
#endif
            wake_all_on_upper();
            relay_lost = false;
#endif
            end(me, SETTING)
        }
#endif
    fi
}

/* Its locals: what it has loaded. */
#define CLEAR_LOCALS byte word_value, word_foreign, word_generation

inline load_word() {
    word_value = value;
    word_foreign = foreign;
    word_generation = generation
}

#if defined(MUTANT_NO_GENERATION) || defined(MUTANT_GENERATION_BEFORE) || \
    defined(MUTANT_GENERATION_AFTER)
#define BUMP 0
#else
#define BUMP 1
#endif

inline clear(me) {
    atomic {
        may_start(me);
        begin_clear(me);
        load_word();
        printf("#%d: clear: finds value %d\n", me, value);
        if :: word_value == 0 -> end_clear(me) :: else fi
    };
    do
    :: atomic {
            !does(me, CLEARING) ->
            word_value = 0;
            word_foreign = 0;
            word_generation = 0
        };
        break
    :: else ->
#if defined(MUTANT_TURNSTILE)
        atomic { if :: value > 0 -> sem_trywait(me) :: else -> end_clear(me) fi }
#elif defined(MUTANT_COUNTING)
        atomic { sem_trywait(me); end_clear(me) }
#elif defined(MUTANT_DELAYED_CLEAR)
        atomic {
            printf("#%d: clear: returns\n", me);
            end(me, CLEARING | OVERLAPPED);
            begin(me, BUSY)
        };
        atomic {
            printf("#%d: clear: its store becomes visible\n", me);
            if :: value > 0 -> promise_a_clearer(); see_clear(); value = 0; generation++ :: else fi;
            end(me, BUSY)
        }
#else
#ifdef MUTANT_GENERATION_BEFORE
        atomic {
            printf("#%d: clear: generation + 1\n", me);
            generation++;
            word_generation = generation
        };
#endif
        atomic { /* compare-and-swap */
            if
            :: value == word_value && foreign == word_foreign && generation == word_generation ->
                printf("#%d: clear: clears\n", me);
                value = 0;
                generation = generation + BUMP;
                see_clear();
#ifdef MUTANT_GENERATION_AFTER
                end(me, CLEARING);
                begin(me, BUSY)
#else
                end_clear(me)
#endif
            :: else ->
                load_word();
                if :: word_value == 0 -> end_clear(me) :: else fi
            fi
        }
#ifdef MUTANT_GENERATION_AFTER
        ;
        if
        :: atomic {
                does(me, BUSY) ->
                printf("#%d: clear: generation + 1\n", me);
                generation++;
                end(me, BUSY);
                begin(me, CLEARING);
                end_clear(me)
            }
        :: else
        fi
#endif
#endif
    od
}

/* ---- wait() ---------------------------------------------------------------------------------- */

mtype = { nothing, woken, woken_by_set, again, timed_out, interrupted, restart };

inline decide_true(me) {
    promise(true_, has(me, SAW_SET));
    ghost[me] = 0;
    end(me, WAITING)
}

inline decide_false(me) {
    printf("#%d: wait: False\n", me);
    promise(false_, has(me, SAW_CLEAR));
    promise(pulse, !has(me, OWED));
    ghost[me] = 0;
    end(me, WAITING)
}

inline deadline_passes(me) {
    note(me, EXPIRED);
    if :: value == 0 -> note(me, SAW_CLEAR) :: else fi
}

#ifdef MUTANT_TURNSTILE
proctype waiter(byte me) {
    {
        atomic {
            may_start(me);
            begin(me, WAITING);
            ghost[me] = 0;
            if :: value != 0 -> note(me, SAW_SET) :: else fi;
            printf("#%d: wait: begins\n", me);
        };
        atomic { foreign++ };
        do
        :: atomic {
                value > 0 ->
                printf("#%d: wait: takes 1 of %d\n", me, value);
                if :: value == 1 -> promise_a_clearer(); see_clear() :: else fi
                value--;
                foreign--;
                break
            }
        :: atomic { value == 0 -> printf("#%d: wait: sleeps\n", me); on_value[me] = true };
            end_asleep: atomic {
                if
                :: !on_value[me] -> printf("#%d: wait: woken\n", me)
                :: on_value[me] && is_timed(me) ->
                    on_value[me] = false;
                    deadline_passes(me);
                    foreign--;
                    decide_false(me);
                    goto done
                fi
            }
        od;
        atomic {
            printf("#%d: wait: gives it back\n", me);
            if :: value == 0 -> promise_a_setter(); see_set() :: else fi;
            value++;
            decide_true(me);
            begin(me, BUSY | CARRIES)
        };
        atomic { wake_one_on_value(); doing[me] = STARTED };
    } unless { does(me, KILLED) };
    done: skip
}
#else
proctype waiter(byte me) {
    byte first;                            /* the generation */
    byte seen_foreign, seen_generation;    /* the upper half */
    mtype outcome = interrupted;
    mtype why = nothing;           /* it left the sleep */
    byte expected;
#if SIGNALS
    CLEAR_LOCALS;
#endif
    {
        atomic {
            may_start(me);
            if
            :: value != 0 -> printf("#%d: wait: True at once\n", me); begin(me, 0); goto done
            :: else ->
                printf("#%d: wait: begins, value 0, generation %d\n", me, generation);
                begin(me, WAITING);
                first = generation
            fi
        };

        reload: atomic {
            if
#ifdef MUTANT_LOOK_AGAIN
            :: value != 0 || (outcome != woken && generation != first) ->
#else
            :: value != 0 || generation != first ->
#endif
                printf("#%d: wait: value %d, generation %d: True\n", me, value, generation);
                goto decided
            :: else
            fi;
            if
            :: outcome == timed_out -> decide_false(me); goto done
            :: else
            fi;
            seen_foreign = foreign;
            seen_generation = generation;
#ifdef MUTANT_FIRST_SEEN
            if :: outcome == interrupted :: else -> seen_foreign = expected fi;
            expected = seen_foreign;
#endif
            if :: may_miss_between(me) -> note(me, AWAY) :: else fi;
            outcome = nothing
        };

        /* systemevent__sleep: futex_waitv, or FUTEX_WAIT_BITSET; restarted, with the same expected
         * values, after a stop and, futex_waitv only, after a handler with SA_RESTART. */
        sleep: atomic {
            forget(me, AWAY);
            if :: has(me, MISSABLE) -> forget(me, MISSABLE); note(me, OWED) :: else fi;
            if
#ifdef MUTANT_NO_COMPARE
            :: true ->
#else
            :: value == 0 ->
#endif
                on_value[me] = true;
                printf("#%d: wait: in the queue of value\n", me)
            :: else ->
                printf("#%d: wait: EAGAIN, value %d\n", me, value);
                outcome = again;
                goto slept
            fi;
            if :: sleeps_on_both(me) :: else -> goto end_asleep fi
        };
        atomic {
            if
#ifdef MUTANT_NO_COMPARE
            :: true ->
#else
            :: foreign == seen_foreign && generation == seen_generation ->
#endif
                printf("#%d: wait: in the queue of the upper half\n", me);
                on_upper[me] = true
            :: else ->
                if
                :: on_value[me] ->
                    printf("#%d: wait: EAGAIN, upper half\n", me);
                    on_value[me] = false;
                    outcome = again
                :: else -> printf("#%d: wait: woken\n", me); outcome = woken
                fi;
                goto slept
            fi
        };

        end_asleep: atomic { /* leave the queue of value, for whatever reason */
            if
            :: !on_value[me] -> printf("#%d: wait: woken\n", me); outcome = woken
            :: on_value[me] && is_timed(me) ->
                printf("#%d: wait: the deadline passes\n", me);
                why = timed_out;
                deadline_passes(me)
            :: on_value[me] && signals > 0 ->
                printf("#%d: wait: a signal\n", me);
                signals--;
                why = interrupted
            :: on_value[me] && stops > 0 ->
                printf("#%d: wait: stopped\n", me);
                stops--;
                why = restart;
                if :: may_miss_in_a_stop(me) -> note(me, AWAY) :: else fi
            fi;
            on_value[me] = false;
            if :: sleeps_on_both(me) :: else -> goto left fi
        };
        atomic { /* and that of the upper half */
            if
            :: on_upper[me] -> on_upper[me] = false
            :: else ->
                printf("#%d: wait: woken through the upper half\n", me);
                outcome = woken_by_set
            fi
        };
        left: atomic {
            if
            :: outcome == woken || outcome == woken_by_set -> why = nothing; goto slept
            :: else
            fi;
            outcome = why;
            why = nothing;
            if
            :: outcome == restart -> goto sleep
            :: outcome == timed_out -> goto slept
            :: else
            fi
        };
#if SIGNALS
        begin(me, BUSY);
        if
        :: true
        :: set(me)
        :: set(me) -> clear(me)
        fi;
        atomic {
            end(me, BUSY);
            if
            :: sleeps_on_both(me) -> printf("#%d: wait: SA_RESTART\n", me); goto sleep
            :: true -> printf("#%d: wait: EINTR\n", me)
            :: true -> /* the handler of Python raises */
                printf("#%d: wait: gives up\n", me);
                ghost[me] = 0;
                doing[me] = STARTED;
                goto done
            fi
        };
#endif
        slept: atomic {
            if
#ifdef MUTANT_LOOK_AGAIN
            :: outcome == woken || outcome == woken_by_set -> outcome = woken; goto reload
#endif
#ifdef MUTANT_CLOCK
            :: (outcome == woken || outcome == woken_by_set) && is_timed(me) ->
                deadline_passes(me);
                decide_false(me);
                goto done
#endif
#ifdef MUTANT_NO_RELOAD
            :: outcome == timed_out -> decide_false(me); goto done
#else
            :: outcome == timed_out -> goto reload
#endif
#ifdef MUTANT_AGAIN_IS_TRUE
            :: outcome == again -> goto decided
#else
            :: outcome == again -> goto reload
#endif
            :: outcome == interrupted -> goto reload
#ifndef MUTANT_LOOK_AGAIN
            :: outcome == woken_by_set ->
                printf("#%d: wait: True, and passes nothing on\n", me);
                decide_true(me);
                end(me, CARRIES);
                goto done
            :: outcome == woken
#endif
            fi
        };
        decided: atomic { decide_true(me); begin(me, BUSY) };

        /* systemevent__pass_on */
#ifndef MUTANT_NO_PASS_ON
        do
        :: atomic { value == 0 -> break }
        :: atomic { value != 0 -> expected = value };
            atomic { /* FUTEX_CMP_REQUEUE */
                if
                :: value == expected ->
                    printf("#%d: wait: passes it on\n", me);
                    wake_all_on_value();
                    relay_lost = false;
                    break
                :: else
                fi
            }
        od;
#endif
        atomic { doing[me] = STARTED; expected = 0 };
    } unless { does(me, KILLED) };
    done: skip
}
#endif

/* ---- the others ------------------------------------------------------------------------------ */

proctype setter(byte me) { { set(me) } unless { does(me, KILLED) } }

proctype clearer(byte me) {
    CLEAR_LOCALS;
    { clear(me) } unless { does(me, KILLED) }
}

proctype pulser(byte me) {
    CLEAR_LOCALS;
    { set(me); clear(me) } unless { does(me, KILLED) }
}

proctype poster(byte me) {
    {
        atomic {
            may_start(me);
            begin_set(me);
            sem_post_adds(me);
#ifdef OWE_POSTS
            owe(false)
#endif
        };
        atomic { sem_post_wakes(me); end(me, SETTING) }
    } unless { does(me, KILLED) }
}

proctype trier(byte me) { atomic { may_start(me); begin(me, 0); sem_trywait(me) } }

proctype turnstile(byte me) {
    {
        sem_wait(me);
        atomic { promise(clear_, FOREIGN || !promised_clear || value > 0); sem_post_adds(me) };
        atomic { sem_post_wakes(me) }
    } unless { does(me, KILLED) }
}

/* ---- the killer, and the judge of sleepers --------------------------------------------------- */

#define kill(who) \
    :: atomic { \
        kills > 0 && does(who, WAITING | BUSY | SETTING | CLEARING) -> \
        printf("#%d: killed\n", who); \
        kills--; \
        if :: does(who, CARRIES) -> relay_lost = true :: else fi; \
        on_value[who] = false; \
        on_upper[who] = false; \
        ghost[who] = 0; \
        doing[who] = KILLED | STARTED \
    }

#if KILLS
active proctype killer() {
    end_killer: do
    kill(0) kill(1) kill(2) kill(3) kill(4) kill(5) kill(6)
    od
}
#endif

#define is_asleep(thread) \
    (on_value[thread] && (on_upper[thread] || thread >= WAITERS || !sleeps_on_both(thread)))
#define rests(who) (!does(who, WAITING | BUSY | SETTING | CLEARING) || is_asleep(who))
#define EVERYBODY_RESTS \
    (rests(0) && rests(1) && rests(2) && rests(3) && rests(4) && rests(5) && rests(6))
#define SOMEBODY_SLEEPS (on_value[0] || on_value[1] || on_value[2] || on_value[3] || on_value[4])
#define SOMEBODY_IS_OWED ((ghost[0] | ghost[1] | ghost[2] | ghost[3] | ghost[4]) & OWED)

#ifdef RESCUE
/* Those who are asleep although the event is set are released by: 1 set(), 2 sem_post,
 * 3 clear() and set(). */
active proctype judge() {
    CLEAR_LOCALS;
    end_judge: atomic {
        EVERYBODY_RESTS && value != 0 && SOMEBODY_SLEEPS ->
        printf("#%d: somebody sleeps although the event is set\n", JUDGE);
        kills = 0;
        signals = 0;
        stops = 0
    };
#if RESCUE == 2
    atomic { begin_set(JUDGE); sem_post_adds(JUDGE) };
    atomic { sem_post_wakes(JUDGE); end(JUDGE, SETTING) };
#else
#if RESCUE == 3
    clear(JUDGE);
#endif
    set(JUDGE);
#endif
    end_rescue: atomic {
        EVERYBODY_RESTS && !does(JUDGE, SETTING) && value != 0 && SOMEBODY_SLEEPS ->
        promise(sleeper, false)
    }
}
#else
#if FOREIGN
#define EXCUSED relay_lost
#else
#define EXCUSED false
#endif
/* In every state in which nobody is in the middle of something. */
active proctype judge() {
    end_judge: if
    :: atomic {
            is_judged(sleeper) && EVERYBODY_RESTS && value != 0 && SOMEBODY_SLEEPS && !EXCUSED ->
            promise(sleeper, false)
        }
    :: atomic { is_judged(pulse) && EVERYBODY_RESTS && SOMEBODY_IS_OWED -> promise(pulse, false) }
    fi
}
#endif

init {
    byte n;
    atomic {
        for (n : 0 .. JUDGE - 1) {
            if
            :: n < WAITERS -> run waiter(n)
            :: n >= WAITERS && n < SETTER_0 -> run turnstile(n)
            :: n >= SETTER_0 && n < CLEARER_0 -> run setter(n)
            :: n >= CLEARER_0 && n < PULSER_0 -> run clearer(n)
            :: n >= PULSER_0 && n < POSTER_0 -> run pulser(n)
            :: n >= POSTER_0 && n < TRIER_0 -> run poster(n)
            :: n >= TRIER_0 -> run trier(n)
            fi
        }
        n = 0
    }
}
