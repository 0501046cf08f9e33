/* The floor: what a wake-up costs in C, with nothing but the kernel's futex, or with the C library's
 * semaphore, or with systemevent.h.
 *
 *     floor raw|event|sem ROLE SHARED GATE SLOT CPU     a member of a team; bench/teams.py is its captain
 *     floor burn CPU                                     keeps a core busy
 *     floor run PROGRAM WORD...                          runs a program; prints its nanoseconds,
 *                                                        its peak memory in KiB, and its status
 *
 * SHARED is a descriptor of shared memory, 64-bit slots (see teams.py): the futex, semaphore or event
 * is in slot EVENT, a second one for ping-pong in slot OTHER. Each byte that is read from GATE starts
 * the ROLE once; the gate's end ends the program. Clocks are CLOCK_MONOTONIC in nanoseconds. CPU is
 * the core to stay on, -1 for any. Compiled as a shared library, the raw_*() run in Python processes.
 */
#include "systemevent.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { EVENT = 0, OTHER = 8, START = 16, END, DURATION, POSTS, COUNT, ELAPSED };

uint64_t now(void);
uint64_t raw_wait(uint32_t *futex);
uint64_t raw_set(uint32_t *futex);
void raw_clear(uint32_t *futex);

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t raw_wait(uint32_t *futex) {
    while (__atomic_load_n(futex, __ATOMIC_ACQUIRE) == 0)
        syscall(SYS_futex, futex, FUTEX_WAIT, 0, NULL);
    return now();
}

uint64_t raw_set(uint32_t *futex) {
    uint64_t start = now();
    __atomic_store_n(futex, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, futex, FUTEX_WAKE, INT_MAX);
    return start;
}

void raw_clear(uint32_t *futex) { __atomic_store_n(futex, 0, __ATOMIC_SEQ_CST); }

/* The three kinds behind one interface; `which` is EVENT or OTHER. */

static enum { RAW, SEM, OURS } kind;
static uint64_t *slot;

static void event_wait(int which) {
    systemevent_t event = {slot + which};
    if (kind == RAW)
        raw_wait((uint32_t *)(slot + which));
    else if (kind == SEM)
        while (sem_wait((sem_t *)(slot + which))) continue;
    else
        systemevent_wait(&event, NULL);
}

/* A post wakes one: as many as there are waiters, as the semaphore's users do it. */
static void event_set(int which) {
    systemevent_t event = {slot + which};
    if (kind == RAW)
        raw_set((uint32_t *)(slot + which));
    else if (kind == SEM)
        for (uint64_t i = 0; i < slot[POSTS]; i++) sem_post((sem_t *)(slot + which));
    else
        systemevent_set(&event);
}

static void event_clear(int which) {
    systemevent_t event = {slot + which};
    if (kind == RAW)
        raw_clear((uint32_t *)(slot + which));
    else if (kind == SEM)
        while (!sem_trywait((sem_t *)(slot + which))) continue;
    else
        systemevent_clear(&event);
}

/* The roles, as in teams.py. */

static void note(int index, uint64_t value) {
    __atomic_store_n(&slot[index], value, __ATOMIC_RELEASE);
}

static void role_wait(int index) {
    event_wait(EVENT);
    note(index, now());
}

static void role_set(int index) {
    uint64_t start = now();
    event_set(EVENT);
    note(END, now());
    note(index, start);
}

static void role_loop(int index) {
    (void)index;
    for (;;) event_wait(EVENT);
}

static void role_pulse(int index) {
    uint64_t count = 0, start = now(), end = start + slot[DURATION], time;
    do {
        event_set(EVENT);
        event_clear(EVENT);
        count++;
    } while ((time = now()) < end);
    note(ELAPSED, time - start);
    note(index, count);
}

static void role_ping(int index) {
    uint64_t count = 0, start = now(), end = start + slot[DURATION], time;
    do {
        event_set(EVENT);
        event_wait(OTHER);
        event_clear(OTHER);
        count++;
    } while ((time = now()) < end);
    note(ELAPSED, time - start);
    note(index, count);
}

static void role_pong(int index) {
    (void)index;
    for (;;) {
        event_wait(EVENT);
        event_clear(EVENT);
        event_set(OTHER);
    }
}

static void stay_on(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (core >= 0 && sched_setaffinity(0, sizeof set, &set)) perror("sched_setaffinity"), exit(2);
}

static int run(char **words) {
    struct rusage usage;
    int status;
    uint64_t start = now();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(words[0], words);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) return 2;
    uint64_t end = now();
    printf("%llu %ld %d\n", (unsigned long long)(end - start), usage.ru_maxrss, status);
    return 0;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*play)(int);
    } roles[] = {{"wait", role_wait},   {"set", role_set},   {"loop", role_loop},
                 {"pulse", role_pulse}, {"ping", role_ping}, {"pong", role_pong}};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc > 2 && !strcmp(argv[1], "run")) return run(argv + 2);
    signal(SIGINT, SIG_IGN); /* Ctrl-C: the captain ends its team */
    if (argc == 3 && !strcmp(argv[1], "burn"))
        for (stay_on(atoi(argv[2]));;) continue;
    if (argc != 7) return 2;
    kind = !strcmp(argv[1], "raw") ? RAW : !strcmp(argv[1], "sem") ? SEM : OURS;
    int shared = atoi(argv[3]), gate = atoi(argv[4]), index = atoi(argv[5]);
    stay_on(atoi(argv[6]));
    slot = (uint64_t *)mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (slot == MAP_FAILED) return 2;
    char byte;
    while (read(gate, &byte, 1) == 1)
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
            if (!strcmp(argv[2], roles[i].name)) roles[i].play(index);
    return 0;
}
