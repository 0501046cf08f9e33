/* The operations of systemevent.h and systemevent_multi.h as functions with an address, for the sweeps
 * of instructions.py; and, one for each -DMUTANT_..., events with one mistake, to show that the sweeps see it.
 *
 * Each mistake stands beside the history that must give it away. The mutants of set() and clear()
 * replace one function; those of wait() are switches in a copy of it, which without any switch is
 * the original, line by line.
 */
#include "../../systemevent/systemevent.h"
#ifdef MUTANT_ANY_NO_GENERATIONS
/* A pulse between the first look and the sleep: nothing has changed, and it sleeps. */
#define systemevent__generation(word) ((uint64_t)0 & (word))
#endif
#ifdef MUTANT_ANY_NO_PASS_ON
/* A foreign post wakes it, and nobody else. */
#define systemevent__pass_on(event) (void)(event)
#endif
#ifndef MULTI_HEADER /* or a mutant of it */
#define MULTI_HEADER "../../systemevent/systemevent_multi.h"
#endif
#include MULTI_HEADER
#undef systemevent__generation
#undef systemevent__pass_on

#include <signal.h>

#define PROBE __attribute__((noinline, visibility("default")))

#if defined MUTANT_STORE_THEN_WAKE || defined MUTANT_WAKE_ONE
#define OWN_SET
#endif
#if defined MUTANT_GENERATION_BEFORE || defined MUTANT_GENERATION_AFTER || \
    defined MUTANT_GENERATION_NOT_BUMPED || defined MUTANT_PLAIN_CLEAR
#define OWN_CLEAR
#endif
#if defined MUTANT_LOOKS_AGAIN || defined MUTANT_NO_COMPARE || defined MUTANT_VALUE_ALONE || \
    defined MUTANT_NO_RELOAD || defined MUTANT_NO_PASS_ON || defined MUTANT_SEEN_NOT_FIRST
#define OWN_WAIT
#endif

/* ---- set ------------------------------------------------------------------------------------- */

PROBE int probe_set(const systemevent_t *event) {
#ifndef OWN_SET
    return systemevent_set(event);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (systemevent_is_set(event)) return 0;
    void *futex = systemevent__value_futex(event);
#if defined MUTANT_WAKE_ONE
    /* Two sleep; set wakes one; it is killed, or a clear comes, before it passes on: one sleeps on. */
    return syscall(SYS_futex, futex, FUTEX_WAKE_OP, 1, (void *)0, futex,
                   FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_LT, 0)) < 0;
#else
    __atomic_store_n((uint32_t *)futex, 1, __ATOMIC_SEQ_CST);
    /* MUTANT_STORE_THEN_WAKE. Killed in front of the wake: the event is set, and everybody sleeps. */
    return syscall(SYS_futex, futex, FUTEX_WAKE, INT_MAX) < 0;
#endif
#endif
}

/* ---- clear ----------------------------------------------------------------------------------- */

PROBE int probe_clear(const systemevent_t *event) {
#ifndef OWN_CLEAR
    systemevent_clear(event);
    return 0;
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t word = systemevent__load(event);
    if (systemevent__value(word) == 0) return 0;
#if defined MUTANT_PLAIN_CLEAR
    /* Stopped in front of the store; meanwhile clear, a waiter, set: the store turns the generation
     * back to what the waiter began with. */
    uint64_t cleared = (word & ~(uint64_t)UINT32_MAX) + SYSTEMEVENT_ONE_GENERATION;
    __atomic_store_n(event->word, cleared, __ATOMIC_SEQ_CST);
#else
#ifdef MUTANT_GENERATION_BEFORE
    /* Two clearers race: a waiter that began after the first sees the second's generation, and says
     * True of an event that was never set in its time. */
    __atomic_fetch_add(event->word, SYSTEMEVENT_ONE_GENERATION, __ATOMIC_SEQ_CST);
#endif
    __atomic_fetch_and(event->word, ~(uint64_t)UINT32_MAX, __ATOMIC_SEQ_CST);
#ifdef MUTANT_GENERATION_AFTER
    /* Killed or stopped between the two: a waiter that was away does not see the pulse. */
    __atomic_fetch_add(event->word, SYSTEMEVENT_ONE_GENERATION, __ATOMIC_SEQ_CST);
#endif
#endif /* MUTANT_GENERATION_NOT_BUMPED: a waiter that was away never sees a pulse */
    return 0;
#endif
}

PROBE int probe_is_set(const systemevent_t *event) { return systemevent_is_set(event); }

/* ---- wait ------------------------------------------------------------------------------------ */

#ifdef OWN_WAIT
static int mutant_sleep(const systemevent_t *event, uint64_t seen, const struct timespec *deadline) {
#if defined MUTANT_NO_COMPARE
    /* Set between the look at the flag and the sleep: sleeps although the event is set. */
    (void)seen;
    uint32_t now = systemevent__value(systemevent__load(event));
    return syscall(SYS_futex, systemevent__value_futex(event), FUTEX_WAIT_BITSET, now, deadline,
                   NULL, FUTEX_BITSET_MATCH_ANY) == 0 ? 0 : errno;
#elif defined MUTANT_VALUE_ALONE
    /* Stopped during a pulse: the kernel restarts the call, finds 0, and it sleeps on. */
    (void)seen;
    struct systemevent__futex half = {0, (uintptr_t)systemevent__value_futex(event),
                                      SYSTEMEVENT__U32_SHARED, 0};
    return syscall(SYS_futex_waitv, &half, 1, 0, deadline, CLOCK_MONOTONIC) == 0 ? 0 : errno;
#else
    return systemevent__sleep(event, seen, deadline);
#endif
}
#endif

/* The rest of a wait that began with reading the word as `first`. (player.c uses it, too.) */
static inline __attribute__((unused)) int wait_since(const systemevent_t *event, uint64_t first,
                                                     const struct timespec *deadline) {
#ifndef OWN_WAIT
    return systemevent__wait_since(event, first, deadline, NULL, NULL);
#else
    if (systemevent__value(first) != 0) return 1;
    int outcome = EINTR;
    do {
        uint64_t seen = systemevent__load(event);
#ifdef MUTANT_SEEN_NOT_FIRST
        /* A pulse between the two loads: the second one is taken for the beginning. */
        if (outcome == EINTR) first = seen;
#endif
        if (systemevent__value(seen) != 0 ||
            systemevent__generation(seen) != systemevent__generation(first)) {
#ifdef MUTANT_NO_RELOAD
            /* A foreign post wakes another one, who has not passed it on yet; this one times out,
             * and says False of an event that is set. */
            if (outcome == ETIMEDOUT) return 0;
#endif
            break;
        }
        if (outcome == ETIMEDOUT) return 0;
        if (outcome != EINTR && outcome != EAGAIN) return errno = outcome, -1;
        outcome = mutant_sleep(event, seen, deadline);
#ifdef MUTANT_LOOKS_AGAIN
        /* set() and clear() before this one runs again: it was woken, finds 0, and sleeps on. */
        if (outcome <= SYSTEMEVENT__WOKEN && !systemevent_is_set(event)) {
            first = systemevent__load(event);
            outcome = EAGAIN;
        }
#endif
    } while (outcome != SYSTEMEVENT__WOKEN && outcome != SYSTEMEVENT__WOKEN_BY_SET);
#ifndef MUTANT_NO_PASS_ON
    /* A foreign post wakes one sleeper; if it does not wake the others, they sleep on. */
    if (outcome != SYSTEMEVENT__WOKEN_BY_SET) systemevent__pass_on(event);
#endif
    return 1;
#endif
}

PROBE int probe_wait(const systemevent_t *event, const struct timespec *deadline) {
#ifndef OWN_WAIT
    return systemevent_wait(event, deadline);
#else
    return wait_since(event, systemevent__load(event), deadline);
#endif
}

/* ---- wait_any, wait_all ---------------------------------------------------------------------- */

static void enter(systemevent_entry_t entries[2], const systemevent_t events[2]) {
    for (int i = 0; i < 2; i++) entries[i].event = &events[i];
}

/* The events that were set: 1, 2, 3; 0; or -1. */
PROBE int probe_wait_any(const systemevent_t events[2], const struct timespec *deadline) {
    systemevent_entry_t entries[2];
    enter(entries, events);
    int result = systemevent_wait_any(entries, 2, deadline);
    return result == 1 ? entries[0].was_set | entries[1].was_set << 1 : result;
}

PROBE int probe_wait_all(const systemevent_t events[2], const struct timespec *deadline) {
    systemevent_entry_t entries[2];
    enter(entries, events);
#ifdef MUTANT_ALL_IN_ONE_PASS
    /* The first is seen set, and cleared; the second is set, and seen. */
    int result = 1;
    while (result == 1 && !systemevent__pass(entries, 2))
        for (int i = 0; i < 2 && result == 1; i++)
            if (systemevent__value(entries[i].readings[3]) == 0)
                result = systemevent_wait(&events[i], deadline);
    return result;
#else
    return systemevent_wait_all(entries, 2, deadline);
#endif
}

/* ---- around them ----------------------------------------------------------------------------- */

/* Make the 32 bytes at `word` a clear semaphore, as sem_open does, and take part. */
PROBE int probe_create(uint64_t *word) {
    if (sem_init((sem_t *)word, 1, 0)) return -1;
    __atomic_fetch_or(word, SYSTEMEVENT_STICKY, __ATOMIC_SEQ_CST);
    return 0;
}

PROBE int probe_post(const systemevent_t *event) { return sem_post((sem_t *)event->word); }

PROBE void probe_sleep_on_value_only(int only) { systemevent_sleep_on_value_only(only); }

/* What the handlers do: tell on one pipe that they run, and stay until a byte comes on the other;
 * or pulse the event that they interrupt. */
static int entered = -1, leave = -1;
static systemevent_t pulsed;

static void be_away(int number) {
    int error = errno;
    char byte = (char)number;
    if (write(entered, &byte, 1) == 1) {
        while (read(leave, &byte, 1) < 0 && errno == EINTR) {
        }
    }
    errno = error;
}

static void pulse(int number) {
    int error = errno;
    (void)number;
    probe_set(&pulsed);
    probe_clear(&pulsed);
    errno = error;
}

static void nothing(int number) { (void)number; }

static int handle(int number, void (*function)(int), int flags) {
    struct sigaction action = {.sa_handler = function, .sa_flags = flags};
    return sigaction(number, &action, NULL);
}

/* SIGUSR1 takes this process away from its wait until a byte comes on `back`. */
PROBE int probe_away_on_signal(int away, int back) {
    entered = away;
    leave = back;
    return handle(SIGUSR1, be_away, 0);
}

/* SIGUSR1 interrupts for a moment; SIGUSR2 (restarting what it interrupts) pulses the event. */
PROBE int probe_handlers(const systemevent_t *event) {
    pulsed = *event;
    return handle(SIGUSR1, nothing, 0) || handle(SIGUSR2, pulse, SA_RESTART);
}
