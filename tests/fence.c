/* A producer stores a number and calls set(), a consumer waits, clears and reads, as fast as they
 * can.  Usage: fence NAME ROUNDS SECONDS. It says "none missed", or what was missed.
 *
 * In each round the producer stores twice. The second set() finds the event set, most of the time,
 * and races with the consumer's clear(): either it sees the event clear, and sets it, or the
 * consumer reads the second number. If neither happens (set() looked at the flag before the number
 * was stored), the consumer sleeps, and the number is missed.
 */
#include "../systemevent/systemevent.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What both processes share; each number in a cache line of its own. */
struct shared {
    long stored;
    char gap[120];
    long seen;
};

static void store(long *where, long value) { __atomic_store_n(where, value, __ATOMIC_RELAXED); }
static long load(long *where) { return __atomic_load_n(where, __ATOMIC_RELAXED); }

static void pause_for(long steps) {
    for (volatile long left = steps; left > 0; left--) {
    }
}

static void consume(systemevent_t *event, struct shared *shared, long last) {
    for (long round = 0; shared->seen < last; round++) {
        /* Awake, if it does not take long: waking up takes longer than the race. */
        for (long looks = 0; looks < 10000 && !systemevent_is_set(event); looks++) {
        }
        systemevent_wait(event, NULL);
        pause_for(round % 1009); /* clear at different moments of the producer's round */
        systemevent_clear(event);
        store(&shared->seen, load(&shared->stored));
    }
}

static time_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

/* The number that was missed, or 0. Each has so many seconds. */
static long produce(systemevent_t *event, struct shared *shared, long last, time_t seconds) {
    for (long number = 2; number <= last; number += 2) {
        store(&shared->stored, number - 1);
        systemevent_set(event);
        store(&shared->stored, number);
        systemevent_set(event);
        time_t end = 0;
        for (long looks = 1; load(&shared->seen) != number; looks++) {
            if (looks % 1000 == 0) sched_yield();
            if (looks % 1000000) continue;
            if (!end) end = now() + seconds;
            if (now() > end) return number;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    systemevent_t event;
    if (argc != 4) return 2;
    const char *mode = getenv("SYSTEMEVENT_SLEEP");
    systemevent_sleep_on_value_only(mode && !strcmp(mode, "futex_wait"));
    if (systemevent_open(&event, argv[1], 0666)) return perror("systemevent_open"), 2;
    long last = 2 * atol(argv[2]);
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return perror("mmap"), 2;
    pid_t consumer = fork();
    if (consumer < 0) return perror("fork"), 2;
    if (consumer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        consume(&event, shared, last);
        return 0;
    }
    long missed = produce(&event, shared, last, (time_t)atol(argv[3]));
    if (missed)
        printf("missed %ld: the consumer has seen %ld\n", missed, load(&shared->seen));
    else
        puts("none missed");
    kill(consumer, SIGKILL);
    waitpid(consumer, NULL, 0);
    return 0;
}
