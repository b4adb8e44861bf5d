#define _GNU_SOURCE
#include "PowerCut.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One append per line: lines of different threads do not mix. */
static void note(const char *line, int length) {
    static int log = -1;
    if (log < 0) {
        const char *path = getenv("AVS_POWER_CUT_LOG");
        if (path == NULL) return;
        log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    if (log >= 0 && length > 0) { (void)!write(log, line, (size_t)length); }
}

static int synced(int descriptor, long result) {
    int error = errno;
    char link[64], path[4096], line[4200];
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (result == 0 && count > 0 && fstat(descriptor, &status) == 0) {
        path[count] = 0;
        note(line, snprintf(line, sizeof line, "S %lld %s\n", (long long)status.st_size, path));
    }
    errno = error;
    return (int)result;
}

static int fails(void) {
    static atomic_int calls;
    int call = atomic_fetch_add(&calls, 1) + 1;
    const char *kill_at = getenv("AVS_KILL_AT_SYNC"), *fail_at = getenv("AVS_SYNC_FAILS_AT");
    if (kill_at != NULL && call == atoi(kill_at)) raise(SIGKILL);
    if (fail_at == NULL || call != atoi(fail_at)) return 0;
    errno = EIO;
    return 1;
}

/* Found before those of the C library, by the program and by every library that it loads. */
int fsync(int descriptor) { return fails() ? -1 : synced(descriptor, syscall(SYS_fsync, descriptor)); }
int fdatasync(int descriptor) { return fails() ? -1 : synced(descriptor, syscall(SYS_fdatasync, descriptor)); }

int rename(const char *from, const char *to) {
    long result = syscall(SYS_rename, from, to);
    int error = errno;
    char line[8300];
    if (result == 0) note(line, snprintf(line, sizeof line, "R %s\t%s\n", from, to));
    errno = error;
    return (int)result;
}
