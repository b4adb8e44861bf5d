#include "CProcess.h"

#include <malloc.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int CProcess_forbidDumps(void) {
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

int64_t CProcess_raiseFileLimit(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return -errno;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) return -errno;
    return files.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)files.rlim_cur;
}

void CProcess_returnFreeMemory(void) { (void)malloc_trim(0); }
