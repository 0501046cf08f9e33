/* A C program that takes part in events, driven line by line over standard input.
 *
 *     peer ours    NAME    built on systemevent.h: set clear is_set wait wait:SECONDS
 *                          on_signal:STEPS on_signal_restart:STEPS signals storm:COUNT
 *     peer foreign NAME    knows only the C library: post wait wait:SECONDS trywait take getvalue
 *
 * NAME is the semaphore's, with the slash. Each line is answered by one: an integer, or
 * "error ERRNO". "quit", or the end of the input, ends it.
 */
#include "../systemevent/systemevent.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

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

/* What the handler of SIGUSR1 and SIGALRM does to the event, one letter a step: s(et), c(lear),
 * i(s_set), w(ait, without sleeping). With SA_RESTART if on_signal_restart asked for it. */
static systemevent_t *handled_event;
static char handled_steps[16];
static volatile sig_atomic_t handled_count;

static void handler(int number) {
    static const struct timespec past = {0, 0};
    int error = errno;
    (void)number;
    for (const char *step = handled_steps; *step; step++) {
        if (*step == 's') systemevent_set(handled_event);
        if (*step == 'c') systemevent_clear(handled_event);
        if (*step == 'i') systemevent_is_set(handled_event);
        if (*step == 'w') systemevent_wait(handled_event, &past);
    }
    handled_count++;
    errno = error;
}

static int on_signal(systemevent_t *event, const char *steps, int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    handled_event = event;
    snprintf(handled_steps, sizeof handled_steps, "%s", steps);
    return sigaction(SIGUSR1, &action, NULL) || sigaction(SIGALRM, &action, NULL) ? -1 : 0;
}

/* Call every function over and over until a timer's handler has interrupted them `count` times. */
static int storm(systemevent_t *event, int count) {
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    if (setitimer(ITIMER_REAL, &often, NULL)) return -1;
    int result = 0;
    for (int end = handled_count + count; handled_count < end && result >= 0;) {
        struct timespec soon = after(CLOCK_MONOTONIC, 0.0001);
        result = systemevent_set(event);
        systemevent_is_set(event);
        systemevent_clear(event);
        if (result >= 0) result = systemevent_wait(event, &soon);
    }
    return setitimer(ITIMER_REAL, &never, NULL) || result < 0 ? -1 : 0;
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
    if (!strncmp(line, "on_signal:", 10)) return on_signal(event, line + 10, 0);
    if (!strncmp(line, "on_signal_restart:", 18))
        return on_signal(event, line + 18, SA_RESTART);
    if (!strcmp(line, "signals")) return handled_count;
    if (!strncmp(line, "storm:", 6)) return storm(event, atoi(line + 6));
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
