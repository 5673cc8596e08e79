#pragma once
/*
 * Starts a program that is sent SIGTERM when its parent ends, however the parent ends.
 *
 * Swift may not call fork, and posix_spawn cannot ask for a parent-death signal. Between fork and execve the child only
 * makes system calls that POSIX allows there (async-signal-safe), since the parent has other threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of glibc 2.34, which its headers have for GNU sources only. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
static inline void cspawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    posix_spawn_file_actions_addclosefrom_np(actions, first);
}

/* Descriptors of the child: its outputs, the one it holds for its life, and the one that reports why it did not start. */
enum { CSPAWN_KEPT = 3, CSPAWN_REPORT = 4, CSPAWN_FREE = 10 };

/* Becomes the program; on failure writes errno to `report` and ends. */
static inline void cspawn_become(
    pid_t parent, const char *path, char *const arguments[], char *const environment[], int output, int kept, int report
) {
    /* Out of the way of the numbers they are to have. */
    output = fcntl(output, F_DUPFD, CSPAWN_FREE);
    if (kept >= 0) kept = fcntl(kept, F_DUPFD, CSPAWN_FREE);
    report = fcntl(report, F_DUPFD, CSPAWN_FREE);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) goto failed;
    /* It ended before the line above: no signal will come. */
    if (getppid() != parent) _exit(1);
    if (setpgid(0, 0) != 0) goto failed;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    int input = open("/dev/null", O_RDONLY);
    if (input < 0 || dup2(input, STDIN_FILENO) < 0) goto failed;
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) goto failed;
    if (kept >= 0 && dup2(kept, CSPAWN_KEPT) < 0) goto failed;
    if (dup2(report, CSPAWN_REPORT) < 0) goto failed;
    report = CSPAWN_REPORT;
    fcntl(report, F_SETFD, FD_CLOEXEC);
    if (kept < 0) close(CSPAWN_KEPT);
    /* Linux 5.9; an older kernel leaves what was not opened with O_CLOEXEC, which does no harm. */
    syscall(SYS_close_range, CSPAWN_REPORT + 1, ~0U, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environment);
failed:;
    int reason = errno;
    ssize_t written = write(report, &reason, sizeof reason);
    (void)written;
    _exit(127);
}

/*
 * Starts `path` in a process group of its own, with every signal at its default, no standard input, and both outputs on
 * `output`. It holds `kept` open (-1 for none), so that a lock on it lasts as long as the program.
 *
 * The kernel ties the parent's end to the calling THREAD: it has to live as long as the child may.
 *
 * Returns 0 and the child's id, or an errno.
 */
static inline int cspawn_start(
    const char *path, char *const arguments[], char *const environment[], int output, int kept, pid_t *id
) {
    int report[2];
    if (pipe(report) != 0) return errno;
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    pid_t parent = getpid();
    /* No handler of ours may run in the child. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    int failure = child < 0 ? errno : 0;
    if (child == 0) cspawn_become(parent, path, arguments, environment, output, kept, report[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child > 0) {
        ssize_t count;
        do count = read(report[0], &failure, sizeof failure); while (count < 0 && errno == EINTR);
        if (count == (ssize_t)sizeof failure) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        } else {
            failure = 0;
        }
    }
    close(report[0]);
    *id = child;
    return failure;
}

/*
 * Starts `path` in a process group of its own, with `input` as its standard input, no outputs, no other descriptor of ours,
 * and every signal at its default.
 *
 * Returns 0 and the child's id, or an errno.
 */
static inline int cspawn_reader(
    const char *path, char *const arguments[], char *const environment[], int input, pid_t *id
) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    cspawn_close_from(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int failure = posix_spawn(id, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* A pipe that programs started by others do not inherit; returns 0 or an errno. */
static inline int cspawn_pipe(int ends[2]) {
    if (pipe(ends) != 0) return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}
