/* Threads on one event, for ThreadSanitizer: every method at once, and plain data handed over.
 *
 *     race_check NAME          returns 0; ThreadSanitizer ends it with 66 if it sees a data race
 *     race_check NAME --race   the same with one plain read of the word: has to be caught
 *
 * ThreadSanitizer does not see the store that set() lets the kernel make. So the promise that
 * connects set() and wait() is told to it here; all else is its own observation.
 */
#include "../systemevent/systemevent.h"

#include <pthread.h>
#include <stdlib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

enum { ROUNDS = 2000, USERS = 4 };

static systemevent_t event, full, empty, over;
static char set_of_full, set_of_empty; /* stand for the kernel's stores */
static long handed_over;
static int plain_read;
static pthread_barrier_t start;

static void set(const systemevent_t *which, char *sign) {
    __tsan_release(sign);
    if (systemevent_set(which)) abort();
}

static void take(const systemevent_t *which, char *sign) {
    if (systemevent_wait(which, NULL) != 1) abort();
    systemevent_clear(which);
    __tsan_acquire(sign);
}

static void *produce(void *unused) {
    for (long i = 1; i <= ROUNDS; i++) {
        take(&empty, &set_of_empty);
        handed_over = i;
        set(&full, &set_of_full);
    }
    return unused;
}

static void *consume(void *unused) {
    for (long i = 1; i <= ROUNDS; i++) {
        take(&full, &set_of_full);
        if (handed_over != i) abort();
        set(&empty, &set_of_empty);
    }
    return unused;
}

static void *use(void *unused) {
    pthread_barrier_wait(&start);
    if (plain_read && *(volatile uint32_t *)event.word == 42) abort(); /* before any clear() here */
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec soon;
        clock_gettime(CLOCK_MONOTONIC, &soon);
        if (systemevent_set(&event)) abort();
        systemevent_clear(&event);
        systemevent_is_set(&event);
        if (systemevent_wait(&event, &soon) < 0) abort();
    }
    return unused;
}

static void *wait_until_over(void *unused) {
    if (systemevent_wait(&over, NULL) != 1) abort();
    return unused;
}

static void open_new(systemevent_t *which, const char *name) {
    if (systemevent_open(which, name, 0600) || systemevent_unlink(name)) abort();
}

int main(int argc, char **argv) {
    const char *mode = getenv("SYSTEMEVENT_SLEEP");
    pthread_t threads[2 * USERS + 2];
    if (argc < 2) return 2;
    plain_read = argc > 2;
    systemevent_sleep_on_value_only(mode && !strcmp(mode, "futex_wait"));
    open_new(&event, argv[1]);
    open_new(&full, argv[1]);
    open_new(&empty, argv[1]);
    open_new(&over, argv[1]);
    pthread_barrier_init(&start, NULL, USERS);
    pthread_create(&threads[0], NULL, produce, NULL);
    pthread_create(&threads[1], NULL, consume, NULL);
    for (int i = 0; i < USERS; i++) {
        pthread_create(&threads[2 + i], NULL, use, NULL);
        pthread_create(&threads[2 + USERS + i], NULL, wait_until_over, NULL);
    }
    set(&empty, &set_of_empty);
    for (int i = 0; i < 2 + USERS; i++) pthread_join(threads[i], NULL);
    set(&over, &set_of_empty);
    for (int i = 2 + USERS; i < 2 + 2 * USERS; i++) pthread_join(threads[i], NULL);
    return 0;
}
