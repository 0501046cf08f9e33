/* A C program that takes part in events, driven line by line over standard input.
 *
 *     peer ours    NAME    built on systemevent.h: set clear is_set wait wait:SECONDS
 *     peer foreign NAME    knows only the C library: post wait wait:SECONDS trywait take getvalue
 *
 * NAME is the semaphore's, with the slash. Each line is answered by one: an integer, or
 * "error ERRNO". "quit", or the end of the input, ends it.
 */
#include "../systemevent/systemevent.h"

#include <stdlib.h>

static struct timespec after(clockid_t clock, double seconds) {
    struct timespec deadline;
    clock_gettime(clock, &deadline);
    double whole = (double)(long)seconds;
    deadline.tv_sec += (time_t)whole;
    deadline.tv_nsec += (long)((seconds - whole) * 1e9) + 1;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    return deadline;
}

static int ours(systemevent_t *event, const char *line) {
    if (!strcmp(line, "set")) return systemevent_set(event);
    if (!strcmp(line, "clear")) return systemevent_clear(event), 0;
    if (!strcmp(line, "is_set")) return systemevent_is_set(event);
    if (!strcmp(line, "wait")) return systemevent_wait(event, NULL);
    if (!strncmp(line, "wait:", 5)) {
        struct timespec deadline = after(CLOCK_MONOTONIC, atof(line + 5));
        return systemevent_wait(event, &deadline);
    }
    errno = EINVAL;
    return -1;
}

/* sem_wait and sem_post are the turnstile with which a foreign program waits for an event. */
static int foreign(sem_t *semaphore, const char *line) {
    int value;
    if (!strcmp(line, "post")) return sem_post(semaphore);
    if (!strcmp(line, "take")) return sem_wait(semaphore);
    if (!strcmp(line, "wait")) return sem_wait(semaphore) ? -1 : sem_post(semaphore) ? -1 : 1;
    if (!strncmp(line, "wait:", 5)) {
        struct timespec deadline = after(CLOCK_REALTIME, atof(line + 5));
        if (sem_timedwait(semaphore, &deadline)) return errno == ETIMEDOUT ? 0 : -1;
        return sem_post(semaphore) ? -1 : 1;
    }
    if (!strcmp(line, "trywait")) {
        if (sem_trywait(semaphore)) return errno == EAGAIN ? 0 : -1;
        return 1;
    }
    if (!strcmp(line, "getvalue")) return sem_getvalue(semaphore, &value) ? -1 : value;
    errno = EINVAL;
    return -1;
}

int main(int argc, char **argv) {
    char line[256];
    systemevent_t event = {NULL};
    sem_t *semaphore = NULL;
    if (argc != 3) return 2;
    const char *mode = getenv("SYSTEMEVENT_SLEEP");
    systemevent_sleep_on_value_only(mode && !strcmp(mode, "futex_wait"));
    if (!strcmp(argv[1], "ours")) {
        if (systemevent_open(&event, argv[2], 0666)) return perror("systemevent_open"), 2;
    } else {
        semaphore = sem_open(argv[2], O_CREAT, 0666, 0);
        if (semaphore == SEM_FAILED) return perror("sem_open"), 2;
    }
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "quit")) break;
        int result = semaphore ? foreign(semaphore, line) : ours(&event, line);
        if (result < 0)
            printf("error %d\n", errno);
        else
            printf("%d\n", result);
        fflush(stdout);
    }
    if (semaphore) sem_close(semaphore);
    systemevent_close(&event);
    return 0;
}
