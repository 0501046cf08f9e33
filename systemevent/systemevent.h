/* systemevent.h - a named event that any process on the machine can set, clear, test and wait for.
 *
 * Copyright (c) 2026 the SystemEvent authors. MIT licence, see LICENSE.
 *
 * Header-only; C99 or C++17; needs nothing but Linux and glibc. Include it before any system header
 * (it needs _GNU_SOURCE) and compile with no special option:
 *
 *     #include "systemevent.h"
 *
 *     int main(void) {
 *         systemevent_t event;
 *         if (systemevent_open(&event, SYSTEMEVENT_NAME("my_event"), 0666)) return 2;
 *         systemevent_wait(&event, NULL);        // until somebody calls systemevent_set, evt_set, ...
 *         systemevent_close(&event);
 *     }
 *
 * Find its folder with:  python -c "import systemevent; print(systemevent.get_include())"
 *
 *
 * THE PROTOCOL
 *
 * An event is a named POSIX semaphore, created by the C library, so that a program which knows
 * nothing of this file can use it (a "foreign" program). glibc keeps the state of a semaphore in its
 * first 8 bytes. This file drives the same 8 bytes as one 64-bit atomic word:
 *
 *     bits   0-31  value       0: clear, anything else: set. glibc: the value of the semaphore.
 *                              A futex: waiters sleep on it. set() writes 1, clear() writes 0,
 *                              foreign programs add and subtract 1.
 *     bits  32-47  foreign     glibc: the number of blocked sem_wait callers. Only glibc changes it.
 *     bit      48  sticky      1 since the object was first opened here, never changed again. glibc's
 *                              sem_post makes its wake-up call only if bits 32-63 are not all 0.
 *     bits  49-63  generation  clear() adds 1 in the same instruction that takes value to 0; nobody
 *                              else changes it.
 *
 * Bits 32-63 (the "upper half") are a second futex that waiters sleep on as well, so that the kernel,
 * when it restarts a sleep, notices a changed generation. Only set() wakes it.
 *
 * Why the words are as they are, each with the history that it rules out:
 *
 * 1. One flag, no turnstile. A waiter never writes value. If it took the semaphore and gave it back,
 *    is_set() of a third process would read 0 in between, its post would undo a clear() that
 *    completed in between, and SIGKILL in between would lose the event for everybody.
 *
 * 2. set() stores and wakes in one system call (FUTEX_WAKE_OP), under the lock that sleepers take to
 *    test value. With a store and then a wake, a setter killed between the two leaves sleepers
 *    asleep on an event that is set, and a wake that comes late releases a waiter that began after
 *    the clear() that followed.
 *
 * 3. clear() moves the generation with the flag in one instruction. Moved before, a waiter sees a
 *    new generation although the event was never set during its wait (two clearers race); moved
 *    after, a clearer killed between the two hides a pulse from a waiter that was away.
 *
 * 4. A wake-up through value is believed. Looking at the flag again afterwards is how a pulse (set()
 *    and clear() at once) gets lost: every waiter is woken, and finds the flag clear.
 *
 * 5. A sleep is on both halves. A thread that is stopped (SIGSTOP, a debugger, a frozen container)
 *    leaves the futex's queue, and the kernel silently restarts its call when it continues. On value
 *    alone it would find 0 after a pulse, and sleep on.
 *
 * 6. A time-out looks once more. A foreign sem_post wakes one sleeper, A. If B times out before A
 *    has passed the wake-up on, B must not say "clear" of an event that is set.
 *
 * 7. Who was woken passes it on while the event is set: a foreign sem_post wakes only one sleeper.
 *    The kernel compares value under its lock and wakes nobody if it changed (FUTEX_CMP_REQUEUE), so
 *    a late call cannot wake somebody who came after a clear().
 *
 * 8. Except who was woken through the upper half. Only set() does that, and it wakes everybody, so
 *    nothing is left to pass on; a system call less on the way out of every wait that sleeps.
 *
 * Kernel facts that the calls below depend on: FUTEX_WAKE_OP changes one futex and wakes it and
 * another under the locks of both; the wake of the futex that it changes happens if the old value
 * passes the comparison (chosen here so that it does); futex_waitv tells the last of the futexes
 * through which it was woken, so the upper half if it was both; these futexes are shared between
 * processes, so there is no private flag anywhere; deadlines are absolute and monotonic, so that a
 * restart needs no arithmetic.
 *
 * Limits. A waiter that was away (stopped, in a signal handler) for exactly a multiple of 32,768
 * pulses cannot tell that it was away. More than 65,535 blocked foreign threads run into the sticky
 * bit. Kernels before 5.16 can sleep on value only: see systemevent_sleeps_on_both_halves(). See
 * docs/c.md for what foreign programs can and cannot break.
 */
#ifndef SYSTEMEVENT_H
#define SYSTEMEVENT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if defined(_FEATURES_H) && !defined(__USE_GNU)
#error "include systemevent.h before system headers, or define _GNU_SOURCE before all of them"
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if !defined __linux__ || !defined __GLIBC__ || !(defined __x86_64__ || defined __aarch64__) || \
    defined __ILP32__ || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "systemevent.h needs 64-bit little-endian Linux (x86-64 or aarch64) with glibc: " \
       "it shares the 8 bytes in which that C library keeps a semaphore"
#elif !__GLIBC_PREREQ(2, 21)
#error "systemevent.h needs glibc 2.21 or newer: older ones keep a semaphore in another layout"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The semaphore's name of an event, for a string literal: the prefix is what every SystemEvent uses
 * unless told otherwise. */
#define SYSTEMEVENT_PREFIX "SystemEvent."
#define SYSTEMEVENT_NAME(name) "/" SYSTEMEVENT_PREFIX name

#define SYSTEMEVENT_FOLDER "/dev/shm/"
/* What glibc puts before a semaphore's name to make the object file's name. */
#define SYSTEMEVENT_FILE_PREFIX "sem."
/* Objects under construction: no event may have a name that begins like this. */
#define SYSTEMEVENT_NEW_PREFIX ".SystemEvent-new."
/* The bytes of an object file that are mapped: a sem_t. */
#define SYSTEMEVENT_SIZE 32
/* The longest semaphore name, in bytes, without the leading slash. */
#define SYSTEMEVENT_NAME_MAX (NAME_MAX - 4)

#define SYSTEMEVENT_STICKY ((uint64_t)1 << 48)
#define SYSTEMEVENT_ONE_GENERATION ((uint64_t)1 << 49)

/* An open event. Copy it if you like; close it once. All functions below but open and close may be
 * called by any number of threads at once, and from signal handlers. */
typedef struct {
    uint64_t *word; /* the first 8 bytes of the mapped object; NULL: not open */
} systemevent_t;

static inline uint32_t systemevent__value(uint64_t word) { return (uint32_t)word; }
static inline uint32_t systemevent__upper(uint64_t word) { return (uint32_t)(word >> 32); }
static inline uint64_t systemevent__generation(uint64_t word) { return word >> 49; }

/* The two futexes. Their addresses go to the kernel only; C code reads the word through `word`. */
static inline void *systemevent__value_futex(const systemevent_t *event) { return event->word; }
static inline void *systemevent__upper_futex(const systemevent_t *event) {
    return (char *)event->word + 4;
}

static inline uint64_t systemevent__load(const systemevent_t *event) {
    /* Acquire: who sees the event set must see what the setter stored before it called set(). More
     * is not needed: no decision here depends on the order of two loads of different addresses. */
    return __atomic_load_n(event->word, __ATOMIC_ACQUIRE);
}

/* ---- sleeping: the one place that knows both system calls ----------------------------------- */

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449 /* the same number on every architecture */
#endif

/* struct futex_waitv of <linux/futex.h>, which kernel headers older than 5.16 lack. */
struct systemevent__futex {
    uint64_t expected;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};
#define SYSTEMEVENT__U32_SHARED 2 /* FUTEX2_SIZE_U32 without FUTEX2_PRIVATE */

/* What ended a sleep, beside the errno values. */
enum { SYSTEMEVENT__WOKEN_BY_SET = -1, SYSTEMEVENT__WOKEN = 0 };

static bool systemevent__older_kernel; /* futex_waitv is not to be had in this process */

/* Sleep as on a kernel before 5.16 from now on, in this process; false: as the kernel can. For tests. */
static inline void systemevent_sleep_on_value_only(bool only) {
    __atomic_store_n(&systemevent__older_kernel, only, __ATOMIC_RELAXED);
}

static inline bool systemevent__is_missing(int error) {
    return error == ENOSYS || error == EPERM; /* EPERM: how many sandboxes say ENOSYS */
}

/* Does this process sleep on both halves of the word (Linux 5.16 or newer)? If not, a pulse is missed
 * by a waiter that is not asleep during all of it: because it is stopped (SIGSTOP, debugger, frozen
 * container), or just between its look at the word and its sleep. */
static inline bool systemevent_sleeps_on_both_halves(void) {
    if (!__atomic_load_n(&systemevent__older_kernel, __ATOMIC_RELAXED) &&
        syscall(SYS_futex_waitv, NULL, 0, 0, NULL, CLOCK_MONOTONIC) < 0 &&
        systemevent__is_missing(errno))
        systemevent_sleep_on_value_only(true);
    return !__atomic_load_n(&systemevent__older_kernel, __ATOMIC_RELAXED);
}

/* Sleep while value is 0 and the upper half is as in `seen`, until the absolute CLOCK_MONOTONIC
 * `deadline` (NULL: none). Returns SYSTEMEVENT__WOKEN_BY_SET, or SYSTEMEVENT__WOKEN (by a set()
 * or a foreign post, which one cannot be told), else an errno: EAGAIN (the word is not, or no longer,
 * as in `seen`), ETIMEDOUT, EINTR, or what went wrong. */
static inline int systemevent__sleep(const systemevent_t *event, uint64_t seen,
                                     const struct timespec *deadline) {
    if (!__atomic_load_n(&systemevent__older_kernel, __ATOMIC_RELAXED)) {
        struct systemevent__futex halves[2] = {
            {0, (uintptr_t)systemevent__value_futex(event), SYSTEMEVENT__U32_SHARED, 0},
            {systemevent__upper(seen), (uintptr_t)systemevent__upper_futex(event),
             SYSTEMEVENT__U32_SHARED, 0},
        };
        long woken = syscall(SYS_futex_waitv, halves, 2, 0, deadline, CLOCK_MONOTONIC);
        if (woken >= 0) return woken ? SYSTEMEVENT__WOKEN_BY_SET : SYSTEMEVENT__WOKEN;
        if (!systemevent__is_missing(errno)) return errno;
        systemevent_sleep_on_value_only(true);
    }
    /* Never without a time-out: the kernel restarts an endless sleep behind a handler that was
     * installed with SA_RESTART, and a pulse made by that handler would be missed. With a time-out
     * it returns EINTR after any handler. */
    static const struct timespec never = {(time_t)1 << 40, 0};
    if (syscall(SYS_futex, systemevent__value_futex(event), FUTEX_WAIT_BITSET, 0,
                deadline ? deadline : &never, NULL, FUTEX_BITSET_MATCH_ANY) == 0)
        return SYSTEMEVENT__WOKEN;
    return errno;
}

/* Release every sleeper if the event is set at this very moment. */
static inline void systemevent__pass_on(const systemevent_t *event) {
    uint32_t value;
    while ((value = systemevent__value(systemevent__load(event))) != 0) {
        void *futex = systemevent__value_futex(event);
        if (syscall(SYS_futex, futex, FUTEX_CMP_REQUEUE, INT_MAX, (void *)0, futex, value) >= 0 ||
            errno != EAGAIN)
            return; /* done; or an error that trying again would not mend */
    }
}

/* ---- the event ------------------------------------------------------------------------------- */

/* Is the event set? Never false while it is set, whoever is waiting or testing. */
static inline bool systemevent_is_set(const systemevent_t *event) {
    return systemevent__value(systemevent__load(event)) != 0;
}

/* Set the event: every waiter returns, and so does every later one until a clear.
 *
 * Returns 0, or -1 with errno if the kernel refuses the call (ENOSYS, EPERM in a sandbox); then the
 * event is as it was.
 *
 *     if (systemevent_set(&event)) perror("my_event");
 */
static inline int systemevent_set(const systemevent_t *event) {
    /* A producer stores data, then calls set() on an event that is set already. Without the fence
     * the load may pass that store; a consumer may clear in between, and miss the data. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (systemevent_is_set(event)) return 0;
    long woken = syscall(SYS_futex, systemevent__upper_futex(event), FUTEX_WAKE_OP, INT_MAX,
                         (void *)INT_MAX, systemevent__value_futex(event),
                         FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_GE, 0));
    return woken < 0 ? -1 : 0;
}

/* Clear the event: waits that begin later sleep. Nothing that began before a completed clear turns
 * the event on again. Nobody is woken: nobody sleeps for a clear. Cannot fail. */
static inline void systemevent_clear(const systemevent_t *event) {
    /* As in set(): a consumer's earlier stores stay before the look at the flag. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t word = systemevent__load(event), cleared;
    do {
        if (systemevent__value(word) == 0) return;
        cleared = (word & ~(uint64_t)UINT32_MAX) + SYSTEMEVENT_ONE_GENERATION; /* wraps at the top */
    } while (!__atomic_compare_exchange_n(event->word, &word, cleared, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_ACQUIRE /* only decides whether to try again */));
#ifndef __x86_64__
    /* The other half of the bargain in set(): a consumer clears, then reads the data. A load-linked /
     * store-conditional pair lets that read pass the store of 0; then neither side sees the other.
     * On x86-64 the locked instruction is a full barrier by itself. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* The rest of a wait that began with reading the word as `first`; see below. A caller that computes
 * its deadline from the clock reads the word before: a pulse in between must not count as clear time. */
static inline int systemevent__wait_since(const systemevent_t *event, uint64_t first,
                                          const struct timespec *deadline,
                                          int (*interrupted)(void *), void *argument) {
    if (systemevent__value(first) != 0) return 1;
    /* EINTR at first: a signal that came just before the sleep would not interrupt it any more. */
    int outcome = EINTR;
    do {
        if (outcome == EINTR && interrupted && interrupted(argument)) {
            errno = EINTR;
            return -1;
        }
        uint64_t seen = systemevent__load(event);
        if (systemevent__value(seen) != 0 ||
            systemevent__generation(seen) != systemevent__generation(first))
            break;
        if (outcome == ETIMEDOUT) return 0;
        if (outcome != EINTR && outcome != EAGAIN) {
            errno = outcome;
            return -1;
        }
        /* EAGAIN, and nothing happened: a foreign waiter came or went. */
        outcome = systemevent__sleep(event, seen, deadline);
    } while (outcome != SYSTEMEVENT__WOKEN && outcome != SYSTEMEVENT__WOKEN_BY_SET);
    if (outcome != SYSTEMEVENT__WOKEN_BY_SET) systemevent__pass_on(event);
    return 1;
}

/* Wait for the event, with a say in what a signal does.
 *
 * deadline      absolute, CLOCK_MONOTONIC; NULL: wait for ever.
 * interrupted   called (with `argument`) before the first sleep, and each time that a signal handler
 *               has interrupted a sleep; not 0: give up. NULL: sleep on. What happens to the event
 *               meanwhile is not missed.
 *
 * Returns 1: the event was set at some instant of this call (also by a pulse that is over by now).
 *         0: the deadline passed, and the event was clear until then.
 *        -1: errno is EINTR (`interrupted` gave up), EINVAL (no valid deadline), or another error of
 *            the kernel's, such as ENOMEM.
 */
static inline int systemevent_wait_interruptible(const systemevent_t *event,
                                                 const struct timespec *deadline,
                                                 int (*interrupted)(void *), void *argument) {
    return systemevent__wait_since(event, systemevent__load(event), deadline, interrupted,
                                   argument);
}

/* Wait for the event until the absolute CLOCK_MONOTONIC `deadline`; NULL: for ever. Signal handlers
 * run, and the wait goes on; a handler that calls systemevent_set ends it. Returns as above.
 *
 *     struct timespec deadline;
 *     clock_gettime(CLOCK_MONOTONIC, &deadline);
 *     deadline.tv_sec += 10;
 *     switch (systemevent_wait(&event, &deadline)) {
 *     case 1: puts("it happened"); break;
 *     case 0: puts("not within 10 s"); break;
 *     default: perror("my_event");
 *     }
 */
static inline int systemevent_wait(const systemevent_t *event, const struct timespec *deadline) {
    return systemevent_wait_interruptible(event, deadline, NULL, NULL);
}

/* ---- names and objects ----------------------------------------------------------------------- */

/* Map the object file that is open as `fd`, and take part. The caller keeps and closes `fd`.
 *
 * Returns 0, or -1 with errno: EINVAL if the file is not a regular file of at least 32 bytes (a
 * shorter one would end in SIGBUS), ENOSPC if it has no memory behind it and there is none,
 * EACCES (fd is not open for reading and writing), ENOMEM, EBADF.
 */
static inline int systemevent_attach(systemevent_t *event, int fd) {
    struct stat status;
    if (fstat(fd, &status)) return -1;
    if (!S_ISREG(status.st_mode) || status.st_size < SYSTEMEVENT_SIZE) {
        errno = EINVAL;
        return -1;
    }
    /* Where the file has a hole, a page may not be to be had when it is first touched: SIGBUS. */
    if (status.st_blocks * 512 < status.st_size &&
        fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SYSTEMEVENT_SIZE) && errno != EOPNOTSUPP)
        return -1;
    void *mapped = mmap(NULL, SYSTEMEVENT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return -1;
    event->word = (uint64_t *)mapped;
    __atomic_fetch_or(event->word, SYSTEMEVENT_STICKY, __ATOMIC_SEQ_CST);
    return 0;
}

/* Let go of the event; it lives on, in the state it is in. No other thread may be using this
 * systemevent_t, or a copy of it. */
static inline void systemevent_close(systemevent_t *event) {
    if (event->word) munmap(event->word, SYSTEMEVENT_SIZE);
    event->word = NULL;
}

/* The object file's path of semaphore `name`; -1 with errno EINVAL or ENAMETOOLONG. */
static inline int systemevent__path(char path[PATH_MAX], const char *name) {
    name += *name == '/';
    if (!*name || strchr(name, '/')) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(name) > SYSTEMEVENT_NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(path, PATH_MAX, "%s%s%s", SYSTEMEVENT_FOLDER, SYSTEMEVENT_FILE_PREFIX, name);
    return 0;
}

#define SYSTEMEVENT__ATTEMPTS 100 /* at a creation; a second one is rare */

/* Put a new object with exactly `mode` at `path`. Returns its descriptor, or -1 with errno; EEXIST
 * if there is one already.
 *
 * It is made under a private name and linked into place, so that nobody ever sees it half-made or
 * with other permissions, whatever the umask. The lock on it tells whoever sweeps up that its maker
 * is alive: the kernel drops it when the maker dies. If it was swept nevertheless, between its
 * creation and the lock, link() says ENOENT, and another one is made. If that goes on, the C library
 * keeps its semaphores elsewhere: ENOENT. */
static inline int systemevent__create(const char *path, mode_t mode) {
    char name[64], private_path[PATH_MAX];
    for (unsigned attempt = 1;; attempt++) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(name, sizeof name, "/%s%ld.%ld.%u", SYSTEMEVENT_NEW_PREFIX, (long)getpid(),
                 now.tv_nsec, attempt);
        if (systemevent__path(private_path, name)) return -1;
        sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
        if (semaphore == SEM_FAILED) {
            if (errno == EEXIST && attempt < SYSTEMEVENT__ATTEMPTS) continue;
            return -1;
        }
        sem_close(semaphore);
        int fd = -1;
        if (chmod(private_path, 0600) == 0) /* the umask may have taken our own permission */
            fd = open(private_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fchmod(fd, mode) == 0 &&
            link(private_path, path) == 0) {
            unlink(private_path);
            return fd;
        }
        int error = errno;
        if (fd >= 0) close(fd);
        unlink(private_path);
        if ((error != ENOENT && error != EWOULDBLOCK) || attempt == SYSTEMEVENT__ATTEMPTS) {
            errno = error;
            return -1;
        }
    }
}

/* Open the event with the semaphore name `name`, create it (clear) if there is none.
 *
 * name   as for sem_open(3): SYSTEMEVENT_NAME("my_event"), or "/anything.else".
 * mode   permission bits of a newly created object: exactly these, whatever the umask.
 *
 * Returns 0, or -1 with errno: EINVAL (name; or the object file is not a semaphore), ENAMETOOLONG,
 * EACCES (no permission to read and write it), ELOOP (a symbolic link), EISDIR, EMFILE, ENFILE,
 * ENOMEM, ENOSPC, ENOENT (no /dev/shm).
 */
static inline int systemevent_open(systemevent_t *event, const char *name, mode_t mode) {
    char path[PATH_MAX];
    event->word = NULL;
    if (systemevent__path(path, name)) return -1;
    int fd;
    /* Without O_CREAT: in a sticky folder, fs.protected_regular refuses it even to root. */
    while ((fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)) < 0) {
        if (errno != ENOENT) return -1;
        if ((fd = systemevent__create(path, mode)) >= 0) break;
        if (errno != EEXIST) return -1;
        /* Somebody else was first (or, if it is gone again, unlinked it meanwhile). */
    }
    int result = systemevent_attach(event, fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

/* Remove the name. Who has the event open keeps it; who opens the name next gets a new event.
 * Returns 0, or -1 with errno: ENOENT, EACCES, EPERM (not yours), EINVAL, ENAMETOOLONG. */
static inline int systemevent_unlink(const char *name) {
    char path[PATH_MAX];
    return systemevent__path(path, name) ? -1 : unlink(path);
}

#ifdef __cplusplus
}
#endif

#endif /* SYSTEMEVENT_H */
