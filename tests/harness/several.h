/* several.h - wait_any and wait_all of the C worker (player.c): logged, for the stress harness.
 *
 * They are the functions of systemevent_multi.h, or of a mutant of it, whose file is MULTI_HEADER. A
 * wait is begun here as there, but notes when it has looked.
 */
#ifndef SEVERAL_H
#define SEVERAL_H

#ifndef MULTI_HEADER
#define MULTI_HEADER "../../systemevent/systemevent_multi.h"
#endif
#include MULTI_HEADER

#include "history.h"

static struct timespec timespec_of(int64_t ns) {
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

/* The entries of the events asked for, A first. Returns how many. */
static unsigned entries_of(systemevent_entry_t *entries, const systemevent_t *events,
                           uint8_t asked) {
    unsigned count = 0;
    for (unsigned i = 0; i < HISTORY_EVENTS; i++)
        if (asked >> i & 1) entries[count++].event = &events[i];
    return count;
}

static int logged_wait_any(const systemevent_t *events, int64_t timeout,
                           struct history_record *at) {
    systemevent_entry_t entries[HISTORY_EVENTS];
    unsigned count = entries_of(entries, events, at->asked);
    if (count > 1 && !systemevent__sleeps_on_several()) return errno = ENOSYS, -1;
    int result = systemevent__begin_any(entries, count);
    history_looked(at);
    if (!result && timeout > 0) {
        bool is_limited = timeout != HISTORY_NO_LIMIT;
        struct timespec deadline = timespec_of(is_limited ? (int64_t)history_now() + timeout : 0);
        result = systemevent__wait_any_since(entries, count, NULL, is_limited ? &deadline : NULL,
                                             NULL, NULL);
    }
    for (unsigned i = 0; result == 1 && i < count; i++)
        if (entries[i].was_set) at->answer |= (uint8_t)(1u << (entries[i].event - events));
    return result;
}

static int logged_wait_all(const systemevent_t *events, int64_t timeout,
                           struct history_record *at) {
    systemevent_entry_t entries[HISTORY_EVENTS];
    unsigned count = entries_of(entries, events, at->asked);
    bool were_set = systemevent__begin_all(entries, count);
    history_looked(at);
    if (were_set) return 1;
    if (timeout <= 0) return 0;
    if (timeout == HISTORY_NO_LIMIT)
        return systemevent__wait_all_since(entries, count, NULL, NULL, NULL);
    struct timespec deadline = timespec_of((int64_t)history_now() + timeout);
    return systemevent__wait_all_since(entries, count, &deadline, NULL, NULL);
}

#endif
