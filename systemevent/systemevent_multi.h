/* systemevent_multi.h - wait for any, or for all, of several events. See systemevent.h first.
 *
 * Copyright (c) 2026 the SystemEvent authors. MIT licence, see LICENSE.
 *
 *     systemevent_entry_t entries[2];
 *     entries[0].event = &built;
 *     entries[1].event = &failed;
 *     if (systemevent_wait_any(entries, 2, NULL) == 1 && entries[1].was_set) puts("failed");
 *
 *
 * WAITING FOR ANY: one sleep on the words of all events (futex_waitv), two for each, with the rules
 * of a wait for one: every word is read before the first sleep; a wake-up is believed, and tells its
 * event; who was away compares generations. In addition:
 *
 * 9. After a wake-up all words are looked at, not only the one that the kernel tells: it tells the
 *    last of those that woke the sleeper. A foreign post of another event may have spent its only
 *    wake-up on this sleeper, too, so whatever is set is passed on.
 *
 * WAITING FOR ALL: there must have been one instant at which all were set. Having seen each of them
 * set is not enough: A is set and cleared, then B is set. Reading all of them set is not enough
 * either: A is read and then cleared, B is set and then read. So:
 *
 * 10. All words are read, one after the other: a pass. An event that is set in two passes, with the
 *     same generation, was set all the time in between. All events set like this in two passes: they
 *     were set at once, from the end of the first pass to the beginning of the second.
 *
 * 11. A pulse of one event, while the others stay set, is shorter than any pass. It is proven by four
 *     passes: the others are set, with the same generation, in all four; this one was set, by its
 *     value, its generation, or the wake-up of a sleep, between its readings in the two inner ones.
 *     With the outer passes only, the pulse of an event that is read first in the one, or last in the
 *     other, may have been over before the next word was read as set for the first time.
 *
 * 12. It sleeps on two events that are clear, whichever they are, or on the only one. Two, so that it
 *     looks when the last but one is set, and knows which is the last: asleep on one alone, it would
 *     find both changed after a pulse of that one, and could not tell in which order. No more than
 *     two: as long as both are clear, nothing else matters. So there is no limit to the number of
 *     events, and a waiter is not woken for nothing by the others.
 *
 *     It sleeps on the upper halves of those that are set, too: one that is cleared and set again would
 *     be found changed together with the last. (Of more than 124, the others are not watched.)
 *
 * 13. Before a sleep, two passes have found the same events set: they are the outer and the first
 *     inner one of rule 11 for a pulse during the sleep.
 *
 * The words do not tell in which order two events changed between two passes. If the last two that
 * were clear are set, and one of them is clear again before the waiter has woken and looked, nobody
 * can tell from the words whether they were set at once; the waiter then waits on.
 *
 * Limits, beside those of one event. If a foreign program clears (sem_trywait) and sets (sem_post) an
 * event, its generation does not change, and in between it may count as set. Kernels before 5.16 can
 * sleep on one event only: a waiter for all does not notice when another one is set, and then misses a
 * pulse of the last.
 */
#ifndef SYSTEMEVENT_MULTI_H
#define SYSTEMEVENT_MULTI_H

#include "systemevent.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most events in one sleep: the kernel takes 128 words, and one pair is left for other uses. */
#define SYSTEMEVENT_ANY_MAX 63
#define SYSTEMEVENT__FUTEX_MAX 128

/* One of the events to wait for, as a struct pollfd is one of the files of poll(2). */
typedef struct {
    const systemevent_t *event; /* filled in by the caller */
    bool was_set;               /* filled in by systemevent_wait_any() */
    uint64_t readings[4];       /* of the last four passes, oldest first; private */
} systemevent_entry_t;

/* A word of this process only, which ends a sleep when it is no longer `seen`. */
struct systemevent__control {
    const uint32_t *word;
    uint32_t seen;
};
#define SYSTEMEVENT__U32_PRIVATE (SYSTEMEVENT__U32_SHARED | 128) /* FUTEX2_PRIVATE */

/* Has the event been set between the reading `first` and the reading `later`, or at one of them? */
static inline bool systemevent__happened(uint64_t first, uint64_t later) {
    return systemevent__value(first) != 0 || systemevent__value(later) != 0 ||
           systemevent__generation(first) != systemevent__generation(later);
}

/* ---- any ------------------------------------------------------------------------------------- */

/* A kernel without futex_waitv sleeps on one word. Asked once, so that the answer does not depend on
 * whether it comes to a sleep. */
static inline bool systemevent__sleeps_on_several(void) {
    static bool asked;
    if (!__atomic_load_n(&asked, __ATOMIC_RELAXED)) {
        systemevent_sleeps_on_both_halves();
        __atomic_store_n(&asked, true, __ATOMIC_RELAXED);
    }
    return !__atomic_load_n(&systemevent__older_kernel, __ATOMIC_RELAXED);
}

/* The halves of an event as they were in the last pass. */
static inline struct systemevent__futex systemevent__value_then(const systemevent_entry_t *entry) {
    struct systemevent__futex futex = {0, (uintptr_t)systemevent__value_futex(entry->event),
                                       SYSTEMEVENT__U32_SHARED, 0};
    return futex;
}

static inline struct systemevent__futex systemevent__upper_then(const systemevent_entry_t *entry) {
    struct systemevent__futex futex = {systemevent__upper(entry->readings[3]),
                                       (uintptr_t)systemevent__upper_futex(entry->event),
                                       SYSTEMEVENT__U32_SHARED, 0};
    return futex;
}

/* Returns the index of the last futex that woke it, or a negative errno. */
static inline long systemevent__sleep_on_futexes(const struct systemevent__futex *futexes,
                                                 unsigned number, const struct timespec *deadline) {
    long index = syscall(SYS_futex_waitv, futexes, number, 0, deadline, CLOCK_MONOTONIC);
    if (index >= 0) return index;
    if (!systemevent__is_missing(errno)) return -errno;
    systemevent_sleep_on_value_only(true);
    return -ENOSYS;
}

/* Sleep while all events are clear as in readings[3] (see systemevent__sleep) and the control word,
 * if there is one, is as seen. Returns SYSTEMEVENT__WOKEN_BY_SET or SYSTEMEVENT__WOKEN with the
 * event's index in *woken, or an errno; EAGAIN also if it was the control word. */
static inline int systemevent__sleep_on_any(const systemevent_entry_t *entries, unsigned count,
                                            const struct systemevent__control *control,
                                            const struct timespec *deadline, unsigned *woken) {
    if (!control && count == 1) {
        int outcome = systemevent__sleep(entries->event, entries->readings[3], deadline);
        if (outcome == SYSTEMEVENT__WOKEN || outcome == SYSTEMEVENT__WOKEN_BY_SET) *woken = 0;
        return outcome;
    }
    struct systemevent__futex futexes[1 + 2 * SYSTEMEVENT_ANY_MAX];
    unsigned futex = 0;
    /* The first, because the kernel tells the last: an event is told rather than the control word. */
    if (control) {
        struct systemevent__futex word = {control->seen, (uintptr_t)control->word,
                                          SYSTEMEVENT__U32_PRIVATE, 0};
        futexes[futex++] = word;
    }
    for (const systemevent_entry_t *entry = entries; entry < entries + count; entry++) {
        futexes[futex++] = systemevent__value_then(entry);
        futexes[futex++] = systemevent__upper_then(entry);
    }
    long index = systemevent__sleep_on_futexes(futexes, futex, deadline);
    if (index < 0) return (int)-index;
    if (control && index-- == 0) return EAGAIN;
    *woken = (unsigned)index / 2;
    return index % 2 ? SYSTEMEVENT__WOKEN_BY_SET : SYSTEMEVENT__WOKEN;
}

/* Read all words as readings[0], the beginning of a wait; true: an event is set. */
static inline bool systemevent__begin_any(systemevent_entry_t *entries, unsigned count) {
    bool any = false;
    for (systemevent_entry_t *entry = entries; entry < entries + count; entry++) {
        entry->readings[0] = systemevent__load(entry->event);
        entry->was_set = systemevent__value(entry->readings[0]) != 0;
        any |= entry->was_set;
    }
    return any;
}

/* The rest of a wait for any that began with readings[0]. Returns as systemevent_wait_any, or 2: none
 * of the events was set, but the control word has changed. */
static inline int systemevent__wait_any_since(systemevent_entry_t *entries, unsigned count,
                                              const struct systemevent__control *control,
                                              const struct timespec *deadline,
                                              int (*interrupted)(void *), void *argument) {
    unsigned woken = count; /* none */
    bool any = false;
    /* EINTR at first: as in systemevent__wait_since, whose steps these are. */
    int outcome = EINTR;
    for (;;) {
        if (outcome == EINTR && interrupted && interrupted(argument)) {
            errno = EINTR;
            return -1;
        }
        for (unsigned i = 0; i < count; i++) {
            systemevent_entry_t *entry = &entries[i];
            entry->readings[3] = systemevent__load(entry->event);
            /* An event that is given twice is told twice, also after a pulse without a trace. */
            bool told = woken < count && entry->event->word == entries[woken].event->word;
            entry->was_set = told || systemevent__happened(entry->readings[0], entry->readings[3]);
            any |= entry->was_set;
        }
        if (any) break;
        if (outcome == ETIMEDOUT) return 0;
        if (control && __atomic_load_n(control->word, __ATOMIC_ACQUIRE) != control->seen) return 2;
        if (outcome != EINTR && outcome != EAGAIN) {
            errno = outcome;
            return -1;
        }
        outcome = systemevent__sleep_on_any(entries, count, control, deadline, &woken);
    }
    for (unsigned i = 0; i < count; i++) {
        bool by_set = i == woken && outcome == SYSTEMEVENT__WOKEN_BY_SET;
        if (entries[i].was_set && !by_set) systemevent__pass_on(entries[i].event);
    }
    return 1;
}

/* Wait until at least one of the events is set; for the arguments see systemevent_wait_interruptible.
 *
 * Returns 1: was_set says of each entry whether its event was set, or that it was clear, at an
 *            instant of this call; at least one was set. No pulse is missed.
 *         0: the deadline passed, and all were clear until then.
 *        -1: errno is EINVAL (count is 0 or above SYSTEMEVENT_ANY_MAX), ENOSYS (more than one event,
 *            before Linux 5.16), or as for one event.
 */
static inline int systemevent_wait_any_interruptible(systemevent_entry_t *entries, unsigned count,
                                                     const struct timespec *deadline,
                                                     int (*interrupted)(void *), void *argument) {
    if (count == 0 || count > SYSTEMEVENT_ANY_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (count > 1 && !systemevent__sleeps_on_several()) {
        errno = ENOSYS;
        return -1;
    }
    if (systemevent__begin_any(entries, count)) return 1;
    return systemevent__wait_any_since(entries, count, NULL, deadline, interrupted, argument);
}

static inline int systemevent_wait_any(systemevent_entry_t *entries, unsigned count,
                                       const struct timespec *deadline) {
    return systemevent_wait_any_interruptible(entries, count, deadline, NULL, NULL);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* A pass: read all words; true: all are set. */
static inline bool systemevent__pass(systemevent_entry_t *entries, unsigned count) {
    bool all = true;
    for (systemevent_entry_t *entry = entries; entry < entries + count; entry++) {
        memmove(entry->readings, entry->readings + 1, 3 * sizeof *entry->readings);
        entry->readings[3] = systemevent__load(entry->event);
        all &= systemevent__value(entry->readings[3]) != 0;
    }
    return all;
}

/* Was the event set, without a break, from pass `from` to the last one? */
static inline bool systemevent__stayed_set(const uint64_t readings[4], int from) {
    for (int i = from; i < 4; i++)
        if (systemevent__value(readings[i]) == 0 ||
            systemevent__generation(readings[i]) != systemevent__generation(readings[3]))
            return false;
    return true;
}

/* Were all events set at once (from 0), or would one more pass prove it, if it finds all others as
 * the last one did (from 1)? `woken`: the word that is known to have been set between its readings in
 * passes from + 1 and from + 2, or NULL. (An event may have several entries.) */
static inline bool systemevent__all_were_set(const systemevent_entry_t *entries, unsigned count,
                                             int from, const uint64_t *woken) {
    const systemevent_entry_t *one = NULL;
    bool two_passes = true, others_stayed = true;
    for (const systemevent_entry_t *entry = entries; entry < entries + count; entry++) {
        two_passes &= systemevent__stayed_set(entry->readings, from + 2);
        if (systemevent__stayed_set(entry->readings, from)) continue;
        others_stayed &= !one || one->event->word == entry->event->word;
        one = entry;
    }
    if (two_passes || !one) return true;
    if (!others_stayed) return false;
    const uint64_t *inner = one->readings + from + 1;
    return one->event->word == woken || systemevent__happened(inner[0], inner[1]);
}

/* The first two passes; true: all were set. From then on, no pulse of a single event is missed. The
 * two passes before them, which were not made, found all events clear, and nothing happened since. */
static inline bool systemevent__begin_all(systemevent_entry_t *entries, unsigned count) {
    systemevent__pass(entries, count);
    for (systemevent_entry_t *entry = entries; entry < entries + count; entry++)
        for (int i = 0; i < 3; i++) entry->readings[i] = entry->readings[3] & ~(uint64_t)UINT32_MAX;
    systemevent__pass(entries, count);
    return systemevent__all_were_set(entries, count, 0, NULL);
}

/* Have the last two passes found the same events set? */
static inline bool systemevent__is_settled(const systemevent_entry_t *entries, unsigned count) {
    for (const systemevent_entry_t *entry = entries; entry < entries + count; entry++)
        if (systemevent__value(entry->readings[3]) != 0 &&
            !systemevent__stayed_set(entry->readings, 2))
            return false;
    return true;
}

/* Sleep on two events that were clear in the last pass, or on the only one, and on changes of those
 * that were set; pass on what it was woken by. Returns as systemevent__sleep, or EAGAIN if one of those
 * that were set has been set again; *woken: the word of the clear one that was set, or NULL. */
static inline int systemevent__sleep_on_clear(const systemevent_entry_t *entries, unsigned count,
                                              const struct timespec *deadline,
                                              const uint64_t **woken) {
    const systemevent_entry_t *clear[2] = {NULL, NULL}, *end = entries + count;
    unsigned number = 0, told = 0;
    for (const systemevent_entry_t *entry = entries; entry < end; entry++)
        if (systemevent__value(entry->readings[3]) == 0 &&
            (number == 0 || (number == 1 && entry->event->word != clear[0]->event->word)))
            clear[number++] = entry;
    int outcome;
    *woken = NULL;
    if (count > 1 && systemevent__sleeps_on_several()) {
        struct systemevent__futex futexes[SYSTEMEVENT__FUTEX_MAX];
        unsigned futex = 0;
        for (unsigned i = 0; i < number; i++) {
            futexes[futex++] = systemevent__value_then(clear[i]);
            futexes[futex++] = systemevent__upper_then(clear[i]);
        }
        for (const systemevent_entry_t *entry = entries; entry < end; entry++)
            if (systemevent__value(entry->readings[3]) != 0 && futex < SYSTEMEVENT__FUTEX_MAX)
                futexes[futex++] = systemevent__upper_then(entry);
        long index = systemevent__sleep_on_futexes(futexes, futex, deadline);
        if (index == -ENOSYS) return EAGAIN; /* from now on it sleeps on one */
        if (index < 0) return (int)-index;
        told = (unsigned)index / 2;
        outcome = index % 2 ? SYSTEMEVENT__WOKEN_BY_SET : SYSTEMEVENT__WOKEN;
    } else {
        number = 1;
        outcome = systemevent__sleep(clear[0]->event, clear[0]->readings[3], deadline);
        if (outcome != SYSTEMEVENT__WOKEN && outcome != SYSTEMEVENT__WOKEN_BY_SET) return outcome;
    }
    /* The one that is told may be one of those that were set; then any of these may have woken it. */
    for (unsigned i = 0; i < number; i++)
        if (i != told || outcome != SYSTEMEVENT__WOKEN_BY_SET) systemevent__pass_on(clear[i]->event);
    if (told >= number) return EAGAIN;
    *woken = clear[told]->event->word;
    return outcome;
}

static inline bool systemevent__is_over(const struct timespec *deadline) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* The rest of a wait for all that began with systemevent__begin_all. */
static inline int systemevent__wait_all_since(systemevent_entry_t *entries, unsigned count,
                                              const struct timespec *deadline,
                                              int (*interrupted)(void *), void *argument) {
    const uint64_t *woken = NULL, *woken_before = NULL; /* before the last pass, before that one */
    int outcome = EINTR, passes_left = 3;
    for (;;) {
        if (outcome == EINTR && interrupted && interrupted(argument)) {
            errno = EINTR;
            return -1;
        }
        bool all_are_set = systemevent__pass(entries, count);
        if (systemevent__all_were_set(entries, count, 0, woken_before)) return 1;
        bool again = all_are_set || systemevent__all_were_set(entries, count, 1, woken);
        woken_before = woken;
        woken = NULL;
        if (outcome == ETIMEDOUT) {
            /* Not all were set throughout the last two passes: there was a clear one at this end. */
            if (!again || --passes_left == 0) return 0;
            continue;
        }
        if (outcome > 0 && outcome != EINTR && outcome != EAGAIN) {
            errno = outcome;
            return -1;
        }
        if (again || !systemevent__is_settled(entries, count)) {
            /* Others keep changing the events; handlers and the deadline count here, too. */
            outcome = deadline && systemevent__is_over(deadline) ? ETIMEDOUT : EINTR;
            continue;
        }
        outcome = systemevent__sleep_on_clear(entries, count, deadline, &woken);
    }
}

/* Wait until all of the events, any number of them, are set at once; for the arguments see
 * systemevent_wait_interruptible.
 *
 * Returns 1: there was an instant of this call at which all were set.
 *         0: the deadline passed, and not all were set then. A pulse of one event while the others
 *            stayed set was not missed; more than that above. (Each event through one systemevent_t:
 *            through two, it is two words that change at once, and its pulses are missed.)
 *        -1: errno is EINVAL (count is 0), or as for one event.
 */
static inline int systemevent_wait_all_interruptible(systemevent_entry_t *entries, unsigned count,
                                                     const struct timespec *deadline,
                                                     int (*interrupted)(void *), void *argument) {
    if (count == 0) {
        errno = EINVAL;
        return -1;
    }
    if (systemevent__begin_all(entries, count)) return 1;
    return systemevent__wait_all_since(entries, count, deadline, interrupted, argument);
}

static inline int systemevent_wait_all(systemevent_entry_t *entries, unsigned count,
                                       const struct timespec *deadline) {
    return systemevent_wait_all_interruptible(entries, count, deadline, NULL, NULL);
}

#ifdef __cplusplus
}
#endif

#endif /* SYSTEMEVENT_MULTI_H */
