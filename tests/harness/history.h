/* history.h - how a C program writes a log of the stress harness: the layout of history.py.
 *
 * A log is a file `<worker>.log`: a header, then records, in native byte order, sparse. Map it shared
 * and writable, large enough, and
 *
 *     struct history_record *at = history_invoke(&log, HISTORY_WAIT, timeout_ns);
 *     int result = systemevent_wait(&event, &timeout);
 *     history_respond(at, result);
 *
 * The last store of each function is the commit, behind a release fence: what SIGKILL leaves is read
 * as "not begun" or as "pending", never as something that did not happen.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdint.h>
#include <time.h>

enum { HISTORY_SET = 1, HISTORY_CLEAR, HISTORY_IS_SET, HISTORY_WAIT, HISTORY_WAIT_ANY,
       HISTORY_WAIT_ALL };                                                      /* kind */
enum { HISTORY_FALSE, HISTORY_TRUE, HISTORY_NOTHING, HISTORY_RAISED };          /* result */
#define HISTORY_EVENTS 8 /* the most of a run */
#define HISTORY_NO_LIMIT INT64_MAX                                              /* timeout */

struct history_header {
    char magic[8];   /* "SE-HIST1" */
    uint32_t worker;
    uint32_t process;
    uint64_t death;  /* CLOCK_MONOTONIC in ns at which it was certainly dead; 0: it was not killed */
    char reserved[40];
};

struct history_record {
    uint64_t invoked; /* CLOCK_MONOTONIC in ns, as all times */
    int64_t timeout;  /* of a wait */
    uint32_t worker;
    uint32_t number;  /* counts the calls of this worker */
    uint8_t kind;     /* 0: no record */
    uint8_t asked;    /* of which events, as bits; 0: of the only one */
    uint8_t pad1[2];
    uint32_t look; /* of a wait: ns from `invoked` until it had read the event, and 1; 0: unknown */
    uint8_t result;
    uint8_t answer; /* of wait_any: the events that were set, as bits */
    uint8_t pad2[6];
    uint64_t returned; /* 0: pending */
};

#ifdef __cplusplus
static_assert(sizeof(struct history_header) == 64 && sizeof(struct history_record) == 48, "layout");
#else
_Static_assert(sizeof(struct history_header) == 64 && sizeof(struct history_record) == 48, "layout");
#endif

/* The log of one thread: fill in worker, records (behind the header) and capacity, and zero next. */
struct history_log {
    struct history_record *records;
    uint32_t worker;
    uint32_t capacity;
    uint32_t next;
};

static inline uint64_t history_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Begin a record directly before the call; NULL: the log is full. A signal handler may do so inside
 * a logged call: the counter hands out each number once. */
static inline struct history_record *history_invoke_of(struct history_log *log, uint8_t kind,
                                                       int64_t timeout, uint8_t asked) {
    /* Relaxed: only this thread and its handlers count. */
    uint32_t number = __atomic_fetch_add(&log->next, 1, __ATOMIC_RELAXED);
    if (number >= log->capacity) return NULL;
    struct history_record *at = log->records + number;
    at->timeout = timeout;
    at->worker = log->worker;
    at->number = number;
    at->asked = asked;
    at->invoked = history_now();
    __atomic_store_n(&at->kind, kind, __ATOMIC_RELEASE); /* the commit: after all of the above */
    return at;
}

/* Of the only event. */
static inline struct history_record *history_invoke(struct history_log *log, uint8_t kind,
                                                    int64_t timeout) {
    return history_invoke_of(log, kind, timeout, 0);
}

/* Note in the middle of a wait that it has begun: it has read the event for the first time, and from
 * now on misses no set. A waiter that cannot tell need not. */
static inline void history_looked(struct history_record *at) {
    uint64_t after = history_now() - at->invoked;
    if (after < UINT32_MAX) at->look = (uint32_t)after + 1;
}

/* Complete it directly after the call. */
static inline void history_respond(struct history_record *at, uint8_t result) {
    uint64_t now = history_now();
    at->result = result;
    __atomic_store_n(&at->returned, now, __ATOMIC_RELEASE); /* the commit: after the result */
}

#endif
