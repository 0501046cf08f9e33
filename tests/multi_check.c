/* What the functions of systemevent_multi.h promise. Says which promises are broken, one line each,
 * and returns their number. C99 and C++17.
 *
 *     multi_check                          the checks, with unnamed objects
 *     multi_check any|all SECONDS NAME...  wait for these events, at most so long (0: for ever); print
 *                                          the result, and of any the indices of those that were set
 */
#include "../systemevent/systemevent_multi.h"

#include <stdlib.h>

enum { COUNT = 500 };

static int broken;

#define CHECK(promise)                                                              \
    do {                                                                            \
        errno = 0;                                                                  \
        if (!(promise)) {                                                           \
            printf("%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #promise, errno); \
            broken++;                                                               \
        }                                                                           \
    } while (0)
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

static uint64_t words[COUNT];
static systemevent_t events[COUNT];
static systemevent_entry_t entries[COUNT];
static const struct timespec past = {0, 0}, negative = {1, -1};
static const bool CLEAR = false, SET = true;

static void all_are(bool set) {
    for (int i = 0; i < COUNT; i++) {
        if (set && systemevent_set(&events[i])) abort();
        if (!set) systemevent_clear(&events[i]);
    }
}

static int count_calls(void *calls) { return ++*(int *)calls, 0; }
static int give_up(void *calls) { return ++*(int *)calls, 1; }

static int pulse_once(void *argument) {
    const systemevent_t **event = (const systemevent_t **)argument;
    if (*event) {
        if (systemevent_set(*event)) abort();
        systemevent_clear(*event);
        *event = NULL;
    }
    return 0;
}

static int pulsed(int (*wait)(systemevent_entry_t *, unsigned, const struct timespec *,
                              int (*)(void *), void *),
                  unsigned count, const systemevent_t *event) {
    struct timespec soon;
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_sec++; /* a pulse that is missed is not waited for */
    return wait(entries, count, &soon, pulse_once, &event);
}

/* The indices, as bits, of the first events that were set. */
static unsigned those_set(unsigned count) {
    unsigned set = 0;
    for (unsigned i = 0; i < count; i++) set |= (unsigned)entries[i].was_set << i;
    return set;
}

static void check_any(void) {
    int calls = 0;
    all_are(CLEAR);
    FAILS(systemevent_wait_any(entries, 0, NULL), EINVAL);
    FAILS(systemevent_wait_any(entries, SYSTEMEVENT_ANY_MAX + 1, NULL), EINVAL);
    FAILS(systemevent_wait_any(entries, 64, &past), EINVAL);
    FAILS(systemevent_wait_any(entries, 2, &negative), EINVAL);
    for (unsigned count = 1; count <= SYSTEMEVENT_ANY_MAX; count += 31) {
        calls = 0;
        CHECK(systemevent_wait_any(entries, count, &past) == 0);
        CHECK(those_set(count < 5 ? count : 5) == 0);
        FAILS(systemevent_wait_any_interruptible(entries, count, NULL, give_up, &calls), EINTR);
        CHECK(calls == 1);
        CHECK(pulsed(systemevent_wait_any_interruptible, count, &events[count - 1]) == 1);
        CHECK(entries[count - 1].was_set && (count == 1 || !entries[0].was_set));
        CHECK(systemevent_wait_any_interruptible(entries, count, &past, count_calls, &calls) == 0);
        CHECK(calls == 2);
    }
    if (systemevent_set(&events[1]) || systemevent_set(&events[3])) abort();
    calls = 0;
    CHECK(systemevent_wait_any(entries, 5, NULL) == 1);
    CHECK(those_set(5) == 10);
    CHECK(systemevent_wait_any(entries, 5, &past) == 1);
    CHECK(systemevent_wait_any_interruptible(entries, 63, NULL, give_up, &calls) == 1);
    CHECK(calls == 0);
    CHECK(systemevent_is_set(&events[1]) && systemevent_is_set(&events[3]));
}

static void check_all(void) {
    const unsigned counts[] = {1, 2, 63, 64, 65, COUNT};
    all_are(CLEAR);
    FAILS(systemevent_wait_all(entries, 0, NULL), EINVAL);
    FAILS(systemevent_wait_all(entries, 2, &negative), EINVAL);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const unsigned count = counts[i], clear[] = {0, count / 2, count - 1};
        int calls = 0;
        all_are(CLEAR);
        CHECK(systemevent_wait_all(entries, count, &past) == 0);
        FAILS(systemevent_wait_all_interruptible(entries, count, NULL, give_up, &calls), EINTR);
        CHECK(calls == 1);
        all_are(SET);
        CHECK(systemevent_wait_all(entries, count, NULL) == 1);
        CHECK(systemevent_wait_all(entries, count, &past) == 1);
        CHECK(systemevent_wait_all_interruptible(entries, count, NULL, give_up, &calls) == 1);
        CHECK(calls == 1); /* not asked */
        for (size_t j = 0; j < 3; j++) {
            systemevent_clear(&events[clear[j]]);
            CHECK(systemevent_wait_all(entries, count, &past) == 0);
            CHECK(pulsed(systemevent_wait_all_interruptible, count, &events[clear[j]]) == 1);
            CHECK(systemevent_wait_all(entries, count, &past) == 0);
            if (systemevent_set(&events[clear[j]])) abort();
        }
    }
}

static int wait_for(bool any, double seconds, char **names, unsigned count) {
    struct timespec deadline;
    if (count > COUNT) return 2;
    for (unsigned i = 0; i < count; i++)
        if (systemevent_open(&events[i], names[i], 0666)) return perror(names[i]), 2;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)seconds + 1;
    const struct timespec *limit = seconds > 0 ? &deadline : NULL;
    int result = any ? systemevent_wait_any(entries, count, limit)
                     : systemevent_wait_all(entries, count, limit);
    if (result < 0) return perror("wait"), 2;
    printf("%d", result);
    for (unsigned i = 0; any && i < count; i++)
        if (entries[i].was_set) printf(" %u", i);
    puts("");
    for (unsigned i = 0; i < count; i++) systemevent_close(&events[i]);
    return 0;
}

int main(int argc, char **argv) {
    const char *mode = getenv("SYSTEMEVENT_SLEEP");
    systemevent_sleep_on_value_only(mode && !strcmp(mode, "futex_wait"));
    for (int i = 0; i < COUNT; i++) {
        events[i].word = &words[i];
        entries[i].event = &events[i];
    }
    if (argc > 3)
        return wait_for(!strcmp(argv[1], "any"), atof(argv[2]), argv + 3, (unsigned)argc - 3);
    if (systemevent_sleeps_on_both_halves()) {
        check_any();
    } else {
        FAILS(systemevent_wait_any(entries, 2, &past), ENOSYS);
        CHECK(systemevent_wait_any(entries, 1, &past) == 0);
    }
    check_all();
    return broken;
}
