/* The floor: what a wake-up costs in C, with nothing but the kernel's futex, or with systemevent.h.
 *
 *     floor raw|event wait|set SHARED GATE INDEX
 *
 * SHARED is a descriptor of shared memory, 64-bit slots: slot 0 is the futex, or the event's word;
 * the waiter with slot INDEX notes there when it returned, the setter when it began (CLOCK_MONOTONIC,
 * nanoseconds). Each byte that is read from GATE starts one round; its end ends the program.
 * bench/rounds.py is the other side. Compiled as a shared library, raw_wait() and raw_set() run in
 * Python processes.
 */
#include "systemevent.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

uint64_t now(void);
uint64_t raw_wait(uint32_t *futex);
uint64_t raw_set(uint32_t *futex);

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

static uint64_t event_wait(const systemevent_t *event) {
    systemevent_wait(event, NULL);
    return now();
}

static uint64_t event_set(const systemevent_t *event) {
    uint64_t start = now();
    systemevent_set(event);
    return start;
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool raw = !strcmp(argv[1], "raw"), wait = !strcmp(argv[2], "wait");
    int shared = atoi(argv[3]), gate = atoi(argv[4]), index = atoi(argv[5]);
    uint64_t *slot = (uint64_t *)mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    systemevent_t event;
    if (slot == MAP_FAILED || systemevent_attach(&event, shared)) return 2;
    uint32_t *futex = (uint32_t *)slot;
    char byte;
    while (read(gate, &byte, 1) == 1) {
        uint64_t time = raw ? (wait ? raw_wait(futex) : raw_set(futex))
                            : (wait ? event_wait(&event) : event_set(&event));
        __atomic_store_n(&slot[index], time, __ATOMIC_RELEASE);
    }
    return 0;
}
