/* What every function of systemevent.h promises about its arguments and errors. Says which promises
 * are broken, one line each, and returns their number.
 *
 *     header_check NAME              the checks, with events whose semaphore names begin with NAME
 *     header_check storm NAME STOP   open and unlink the event until the event STOP is set
 *
 * Names are the semaphores', with the slash.
 */
#include "../systemevent/systemevent.h"

#include <stdlib.h>
#include <sys/resource.h>

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

static char name[200], path[256];

/* The object file's path, absent. */
static const char *no_object(void) {
    unlink(path);
    rmdir(path);
    return path;
}

static void object_of_size(off_t size) {
    int fd = open(no_object(), O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || ftruncate(fd, size)) abort();
    close(fd);
}

static int open_it(void) {
    systemevent_t event;
    int result = systemevent_open(&event, name, 0600), error = errno;
    if (result == 0) systemevent_close(&event);
    if (event.word) abort(); /* NULL: not open */
    errno = error;
    return result;
}

static int open_name(const char *other) {
    systemevent_t event;
    int result = systemevent_open(&event, other, 0600), error = errno;
    if (result == 0) systemevent_close(&event);
    errno = error;
    return result;
}

static void check_names(void) {
    char longest[300];
    memset(longest, 'x', sizeof longest);
    memcpy(longest, name, strlen(name));
    longest[1 + SYSTEMEVENT_NAME_MAX] = 0;
    CHECK(open_name(longest) == 0);
    CHECK(systemevent_unlink(longest) == 0);
    FAILS(systemevent_unlink(longest), ENOENT);
    longest[1 + SYSTEMEVENT_NAME_MAX] = 'x';
    longest[2 + SYSTEMEVENT_NAME_MAX] = 0;
    FAILS(open_name(longest), ENAMETOOLONG);
    FAILS(systemevent_unlink(longest), ENAMETOOLONG);
    const char *const bad[] = {"", "/", "//", "//a", "/a/b", "a/", "/../shm/a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(open_name(bad[i]), EINVAL);
        FAILS(systemevent_unlink(bad[i]), EINVAL);
    }
    CHECK(open_name(name + 1) == 0); /* the slash may be left out */
    CHECK(systemevent_unlink(name) == 0);
    FAILS(systemevent_unlink(name), ENOENT);
    CHECK(!strcmp(SYSTEMEVENT_NAME("a"), "/SystemEvent.a"));
}

static void check_objects(void) {
    object_of_size(0);
    FAILS(open_it(), EINVAL);
    object_of_size(31);
    FAILS(open_it(), EINVAL);
    object_of_size(32);
    CHECK(open_it() == 0);
    object_of_size(10000);
    CHECK(open_it() == 0);
    if (mkfifo(no_object(), 0600)) abort();
    FAILS(open_it(), EINVAL);
    if (mkdir(no_object(), 0700)) abort();
    FAILS(open_it(), EISDIR);
    FAILS(systemevent_unlink(name), EISDIR);
    if (symlink("/dev/null", no_object())) abort();
    FAILS(open_it(), ELOOP);
    no_object();
}

static int attach(const char *file, int flags) {
    systemevent_t event = {NULL};
    int fd = open(file, flags), result = systemevent_attach(&event, fd), error = errno;
    if (fd >= 0) close(fd);
    if ((result == 0) != (event.word != NULL)) abort();
    systemevent_close(&event);
    systemevent_close(&event); /* once more does no harm */
    errno = error;
    return result;
}

static void check_attach(void) {
    FAILS(attach("/nowhere", O_RDWR), EBADF);
    FAILS(attach("/dev/zero", O_RDWR), EINVAL);
    object_of_size(31);
    FAILS(attach(path, O_RDWR), EINVAL);
    object_of_size(32);
    CHECK(attach(path, O_RDWR) == 0);
    FAILS(attach(path, O_RDONLY), EACCES);
    FAILS(attach(path, O_WRONLY), EACCES);
    no_object();
}

static mode_t mode_made(mode_t mask, mode_t mode) {
    systemevent_t event;
    struct stat status;
    mode_t before = umask(mask);
    if (systemevent_open(&event, name, mode)) abort();
    if (umask(before) != mask) abort(); /* left alone */
    if (stat(path, &status) || systemevent_unlink(name)) abort();
    systemevent_close(&event);
    return status.st_mode;
}

static void check_modes(void) {
    const mode_t masks[] = {0, 0022, 0077, 0777}, modes[] = {0, 0600, 0640, 0666, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        for (size_t j = 0; j < sizeof modes / sizeof *modes; j++)
            CHECK(mode_made(masks[i], modes[j]) == (S_IFREG | modes[j]));
}

static int open_without_descriptors(void) {
    struct rlimit limit, none;
    if (getrlimit(RLIMIT_NOFILE, &limit)) abort();
    none = limit;
    none.rlim_cur = 0;
    if (setrlimit(RLIMIT_NOFILE, &none)) abort();
    int result = open_it(), error = errno;
    if (setrlimit(RLIMIT_NOFILE, &limit)) abort();
    errno = error;
    return result;
}

static int give_up(void *calls) { return ++*(int *)calls == 1; }

static int set_first(void *event) { return systemevent_set((const systemevent_t *)event); }

static int pulse_first(void *argument) {
    const systemevent_t *event = (const systemevent_t *)argument;
    systemevent_set(event);
    systemevent_clear(event);
    return 0;
}

static void check_waits(void) {
    systemevent_t event, same;
    const struct timespec past = {0, 0}, negative = {1, -1}, huge = {1, 1000000000};
    const struct timespec future = {(time_t)1 << 40, 0};
    int calls = 0;
    if (systemevent_open(&event, name, 0600) || systemevent_open(&same, name, 0600)) abort();
    CHECK(!systemevent_is_set(&event));
    CHECK(systemevent_wait(&event, &past) == 0);
    FAILS(systemevent_wait(&event, &negative), EINVAL);
    FAILS(systemevent_wait(&event, &huge), EINVAL);
    FAILS(systemevent_wait_interruptible(&event, NULL, give_up, &calls), EINTR);
    CHECK(calls == 1);
    CHECK(systemevent_wait_interruptible(&event, &future, pulse_first, &same) == 1);
    CHECK(!systemevent_is_set(&event));
    CHECK(systemevent_wait_interruptible(&event, NULL, set_first, &same) == 1);
    CHECK(systemevent_is_set(&event)); /* two opens meet */
    CHECK(systemevent_set(&event) == 0);
    CHECK(systemevent_wait(&event, NULL) == 1);
    CHECK(systemevent_wait(&event, &past) == 1);
    CHECK(systemevent_wait_interruptible(&event, NULL, give_up, &calls) == 1); /* no sleep */
    CHECK(calls == 1);
    systemevent_clear(&same);
    systemevent_clear(&same);
    CHECK(!systemevent_is_set(&event));
    CHECK(systemevent_unlink(name) == 0);
    CHECK(systemevent_set(&same) == 0);
    CHECK(systemevent_is_set(&event)); /* who has it open keeps it */
    systemevent_close(&event);
    systemevent_close(&same);
}

static int storm(const char *stop_name) {
    systemevent_t event, stop;
    if (systemevent_open(&stop, stop_name, 0600)) return perror(stop_name), 2;
    while (!systemevent_is_set(&stop)) {
        if (systemevent_open(&event, name, 0640)) return perror(name), 2;
        if (systemevent_set(&event)) return perror(name), 2;
        systemevent_close(&event);
        if (systemevent_unlink(name) && errno != ENOENT) return perror(name), 2;
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *mode = getenv("SYSTEMEVENT_SLEEP");
    systemevent_sleep_on_value_only(mode && !strcmp(mode, "futex_wait"));
    if (argc != 2 && argc != 4) return 2;
    snprintf(name, sizeof name, "%s", argv[argc == 4 ? 2 : 1]);
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + 1);
    if (argc == 4) return storm(argv[3]);
    check_names();
    check_objects();
    check_attach();
    check_modes();
    FAILS(open_without_descriptors(), EMFILE);
    check_waits();
    return broken;
}
