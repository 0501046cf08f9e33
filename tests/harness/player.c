/* player.c - workers in C: threads that play roles on an event, and log what they saw.
 *
 *     player DIRECTORY SEMAPHORE[,...] SEED MOST FIRST ROLE...
 *
 * One thread for each ROLE (see roles.py for the language), with the numbers FIRST, FIRST + 1, ...
 * DIRECTORY holds the run's board (board.py) and gets the logs (history.h), each with room for MOST
 * calls. The operations are those of probe.c: systemevent.h, or one of its mutants.
 *
 * SIGUSR1 takes a worker away for up to 2 ms; SIGUSR2 takes the event's page out of its page table,
 * as the kernel does when memory is short.
 */
#define _GNU_SOURCE
#include "probe.c"

#include "history.h"
#include "several.h"

#include <pthread.h>
#include <stdlib.h>

#define SPARE 1000 /* records: of a role's last alternative */
#define LONGEST 64 /* of an alternative, in steps */
#define CLOSER "close"
static const int64_t RATHER_OFTEN = 20000000; /* ns */

enum { READY = 1, DONE };

struct board {
    uint32_t reserved, count;
    int64_t end, patience;
    char pad[40];
    uint8_t states[1 << 16];
};

static struct board *board;
static systemevent_t events[HISTORY_EVENTS];
static unsigned event_count;
static const char *directory;
static uint64_t seed;
static uint32_t most;

static void *check(void *pointer, const char *what) {
    if (!pointer || pointer == MAP_FAILED) {
        perror(what);
        exit(70);
    }
    return pointer;
}

/* ---- time and chance ------------------------------------------------------------------------- */

static void pause_for(int64_t ns) {
    struct timespec until = timespec_of((int64_t)history_now() + ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

/* xorshift64*: one state for each worker, from the run's seed and its number. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static double uniform(uint64_t *state, double least, double most_) {
    return least + (most_ - least) * (double)(next_random(state) >> 11) / 9007199254740992.0;
}

/* ---- being disturbed ------------------------------------------------------------------------- */

static void go_away(int number) {
    int error = errno;
    (void)number;
    pause_for((int64_t)(history_now() % 2000000));
    errno = error;
}

static void drop_the_page(int number) {
    int error = errno;
    (void)number;
    for (unsigned i = 0; i < event_count; i++) {
        uintptr_t page = (uintptr_t)events[i].word & ~(uintptr_t)4095;
        madvise((void *)page, 4096, MADV_DONTNEED); /* shared: the contents stay */
    }
    errno = error;
}

/* ---- a worker -------------------------------------------------------------------------------- */

struct worker {
    pthread_t thread;
    const char *role;
    uint64_t random;
    struct history_log log;
};

static void open_log(struct worker *worker, uint32_t number) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%u.log", directory, number);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t size = sizeof(struct history_header) +
                  (size_t)(most + SPARE) * sizeof(struct history_record);
    if (fd < 0 || ftruncate(fd, (off_t)size)) check(NULL, path);
    struct history_header *header =
        check(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), path);
    close(fd);
    memcpy(header->magic, "SE-HIST1", 8);
    header->worker = number;
    header->process = (uint32_t)getpid();
    worker->log = (struct history_log){(struct history_record *)(header + 1), number,
                                       most + SPARE, 0};
}

static int logged_wait(const systemevent_t *event, int64_t timeout, struct history_record *at) {
    uint64_t first = systemevent__load(event); /* before the clock: see systemevent__wait_since */
    history_looked(at);
    if (systemevent__value(first) != 0) return 1;
    if (timeout == HISTORY_NO_LIMIT) return wait_since(event, first, NULL);
    if (timeout <= 0) return 0;
    struct timespec deadline = timespec_of((int64_t)history_now() + timeout);
    return wait_since(event, first, &deadline);
}

/* `asked`: of which events, as bits; 0: of the only one. */
static void call(struct worker *worker, const char *operation, int64_t timeout, uint8_t asked) {
    static const char *const names[] = {"", "set", "clear", "is_set", "wait", "any", "all"};
    bool is_post = !strcmp(operation, "post");
    uint8_t kind = HISTORY_SET;
    while (!is_post && strcmp(operation, names[kind]))
        if (++kind > HISTORY_WAIT_ALL) check(NULL, operation);
    const systemevent_t *event = &events[asked ? __builtin_ctz(asked) : 0];
    struct history_record *at =
        check(history_invoke_of(&worker->log, kind, timeout, asked), "log");
    int result = is_post                    ? probe_post(event)
                 : kind == HISTORY_SET      ? probe_set(event)
                 : kind == HISTORY_CLEAR    ? probe_clear(event)
                 : kind == HISTORY_IS_SET   ? probe_is_set(event)
                 : kind == HISTORY_WAIT     ? logged_wait(event, timeout, at)
                 : kind == HISTORY_WAIT_ANY ? logged_wait_any(events, timeout, at)
                                            : logged_wait_all(events, timeout, at);
    if (result < 0) check(NULL, operation);
    history_respond(at, kind < HISTORY_IS_SET ? HISTORY_NOTHING : (uint8_t)result);
}

/* Play the alternative of a role that begins at `text` and ends at "|" or the end. */
static void play(struct worker *worker, const char *text) {
    char operation[16];
    int length;
    while (text += strspn(text, " "), *text && *text != '|') {
        double least = 0, most_ = 0;
        if (sscanf(text, "%15[a-z_]%n", operation, &length) != 1) check(NULL, worker->role);
        text += length;
        int64_t limit = HISTORY_NO_LIMIT;
        uint8_t asked = 0;
        if (*text == ':' && text[1] >= 'A' && text[1] < 'A' + HISTORY_EVENTS)
            for (text++; *text >= 'A' && *text < 'A' + (char)event_count; text++)
                asked |= (uint8_t)(1u << (*text - 'A'));
        if (*text == ':') {
            least = most_ = strtod(text + 1, (char **)&text);
            if (*text == ':') most_ = strtod(text + 1, (char **)&text);
            limit = (int64_t)(uniform(&worker->random, least, most_) * 1000) * 1000;
        }
        if (!strcmp(operation, "pause"))
            pause_for(limit);
        else
            call(worker, operation, limit, asked);
    }
}

/* The beginnings of a role's alternatives, each as often as it weighs; returns how many. */
static int alternatives(const char *role, const char *starts[LONGEST]) {
    int count = 0, length;
    for (const char *text = role; text; text = strchr(text, '|'), text += text != NULL) {
        int weight = 1;
        if (sscanf(text, " %d* %n", &weight, &length) == 1) text = strchr(text, '*') + 1;
        for (; weight > 0 && count < LONGEST; weight--) starts[count++] = text;
    }
    return count;
}

static int open_board(void) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/board", directory);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) check(NULL, path);
    return fd;
}

static bool everybody_else_is_over(uint32_t number) {
    for (uint32_t i = 0; i < board->count; i++)
        if (i != number && __atomic_load_n(&board->states[i], __ATOMIC_ACQUIRE) < DONE) return false;
    return true;
}

/* Return when the runner gives up its lock on the board. */
static void until_begun(void) {
    int fd = open_board();
    while (flock(fd, LOCK_SH))
        if (errno != EINTR) check(NULL, "flock");
    close(fd);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    uint32_t number = worker->log.worker;
    const char *starts[LONGEST];
    int count = alternatives(worker->role, starts);
    __atomic_store_n(&board->states[number], READY, __ATOMIC_RELEASE);
    until_begun();
    if (!strcmp(worker->role, CLOSER)) {
        pause_for(board->end - (int64_t)history_now());
        while ((int64_t)history_now() < board->patience && !everybody_else_is_over(number)) {
            for (unsigned i = 0; i < event_count; i++)
                call(worker, "set", HISTORY_NO_LIMIT, event_count > 1 ? (uint8_t)(1u << i) : 0);
            pause_for(RATHER_OFTEN);
        }
    } else {
        do { /* once at least: a worker among thousands may come late */
            play(worker, starts[next_random(&worker->random) % (uint64_t)count]);
        } while ((int64_t)history_now() < board->end && worker->log.next < most);
    }
    __atomic_store_n(&board->states[number], DONE, __ATOMIC_RELEASE);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 7) return 64;
    directory = argv[1];
    seed = strtoull(argv[3], NULL, 10);
    most = (uint32_t)strtoul(argv[4], NULL, 10);
    uint32_t first = (uint32_t)strtoul(argv[5], NULL, 10);
    const char *mode = getenv("SYSTEMEVENT_SLEEP");
    probe_sleep_on_value_only(mode && !strcmp(mode, "futex_wait"));
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ","))
        if (event_count == HISTORY_EVENTS || systemevent_open(&events[event_count++], name, 0600))
            check(NULL, name);
    int fd = open_board();
    board = check(mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "board");
    close(fd);
    if (handle(SIGUSR1, go_away, 0) || handle(SIGUSR2, drop_the_page, SA_RESTART)) return 70;
    int count = argc - 6;
    struct worker *workers = check(calloc((size_t)count, sizeof *workers), "calloc");
    for (int i = 0; i < count; i++) {
        uint32_t number = first + (uint32_t)i;
        workers[i].role = argv[6 + i];
        workers[i].random = (seed + 1) * 0x9E3779B97F4A7C15ULL ^ (number + 1) * 0xD1B54A32D192ED03ULL;
        open_log(&workers[i], number);
    }
    for (int i = 1; i < count; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) check(NULL, "pthread_create");
    work(&workers[0]);
    for (int i = 1; i < count; i++) pthread_join(workers[i].thread, NULL);
    return 0;
}
