#define _GNU_SOURCE
#include "CSandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int CSandbox_strangeDescriptors(int expected) {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) return -errno;
    int strangers = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        int descriptor = atoi(entry->d_name);
        if (descriptor != expected && descriptor != dirfd(directory)) strangers++;
    }
    closedir(directory);
    return strangers;
}

static int limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard) {
    struct rlimit value = {.rlim_cur = soft, .rlim_max = hard};
    return setrlimit(resource, &value) == 0 ? 0 : errno;
}

int CSandbox_limitResources(unsigned long cpuSeconds) {
    int error = limit(RLIMIT_CORE, 0, 0);
    if (error == 0) error = limit(RLIMIT_FSIZE, 0, 0);
    if (error == 0) error = limit(RLIMIT_NOFILE, 16, 16);
    if (error == 0) error = limit(RLIMIT_STACK, 8 << 20, 8 << 20);
    if (error == 0) error = limit(RLIMIT_CPU, cpuSeconds, cpuSeconds);
    return error;
}

int CSandbox_allowProcessorTime(unsigned long seconds) {
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return errno;
    struct rlimit value;
    if (getrlimit(RLIMIT_CPU, &value) != 0) return errno;
    rlim_t wanted = (rlim_t)used.tv_sec + 1 + seconds;
    value.rlim_cur = wanted < value.rlim_max ? wanted : value.rlim_max;
    return setrlimit(RLIMIT_CPU, &value) == 0 ? 0 : errno;
}

// The parent of the process that works: it holds nothing and reports how the child ended.
static void wait_for(pid_t child) {
    syscall(SYS_close_range, 0u, ~0u, 0u);
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) _exit(1);
    }
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1);
}

int CSandbox_isolate(void) {
    int all = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (unshare(all) != 0) return errno;
    // If the server goes now, before there is a child, this process must go with it.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
    pid_t child = fork();
    if (child < 0) return errno;
    if (child > 0) wait_for(child);
    return 0;
}

int CSandbox_harden(void) {
    // In this order: what the kernel sends at the parent's end is forgotten when rights change.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
    return 0;
}

// The kernel's `landlock_ruleset_attr` with the members of ABI 6; an older kernel takes a shorter prefix.
struct landlock_rules {
    uint64_t files, network, scoped;
};

// The kernel's `landlock_path_beneath_attr`.
struct landlock_path {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

int CSandbox_forbidFiles(int *abi) {
    int version = (int)syscall(444 /* landlock_create_ruleset */, NULL, 0, 1u /* asks for the version */);
    *abi = version;
    if (version < 1) return version == 0 ? ENOSYS : errno;
    struct landlock_rules rules = {.files = (1u << 13) - 1};
    size_t size = sizeof rules.files;
    if (version >= 2) rules.files |= 1u << 13; // linking across directories
    if (version >= 3) rules.files |= 1u << 14; // truncating
    if (version >= 5) rules.files |= 1u << 15; // ioctl on devices
    if (version >= 4) {
        rules.network = 3; // bind and connect
        size += sizeof rules.network;
    }
    if (version >= 6) {
        rules.scoped = 3; // abstract sockets and signals
        size += sizeof rules.scoped;
    }
    int ruleset = (int)syscall(444, &rules, size, 0u);
    if (ruleset < 0) return errno;
    // The engine opens this one file when it first needs chance, and ends the process if it cannot.
    struct landlock_path path = {
        .allowed = 1u << 2 /* reading a file */, .parent = open("/dev/urandom", O_PATH | O_CLOEXEC)};
    if (path.parent >= 0) {
        syscall(445 /* landlock_add_rule */, ruleset, 1 /* a path */, &path, 0u);
        close(path.parent);
    }
    int error = syscall(446 /* landlock_restrict_self */, ruleset, 0u) == 0 ? 0 : errno;
    close(ruleset);
    return error;
}

// MARK: System calls

static const int allowed[] = {
    // Memory.
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mincore), SCMP_SYS(membarrier),
    // Threads of the engine and what they wait for.
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min), SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setattr), SCMP_SYS(sched_getattr),
    SCMP_SYS(setpriority), SCMP_SYS(gettid), SCMP_SYS(getpid),
    // Signals within the process: the collector stops threads with them.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
    // Clocks.
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(time),
    // Descriptors that are open.
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvfrom),
    SCMP_SYS(sendto), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(lseek),
    SCMP_SYS(eventfd2),
    SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getcpu),
};

// Asked for by libraries out of habit: they get an error and go on.
static const int refused[] = {
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(prctl), SCMP_SYS(fcntl), SCMP_SYS(ioctl),
};

static int add_arguments(scmp_filter_ctx filter, int executable) {
    // A thread, and nothing else that clone can make; clone3 hides its arguments, so libraries fall back to clone.
    int error = seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    // Signals reach this process only.
    if (error == 0) {
        error = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    }
    // Its own limit of processor time, and reading the others.
    if (error == 0) {
        error = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A1(SCMP_CMP_EQ, RLIMIT_CPU));
    }
    if (error == 0) {
        error = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
    }
    const int memory[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t index = 0; index < 2 && error == 0; index++) {
        if (executable) {
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, memory[index], 0);
        } else {
            error = seccomp_rule_add(
                filter, SCMP_ACT_ALLOW, memory[index], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
            if (error == 0) {
                error = seccomp_rule_add(
                    filter, SCMP_ACT_ERRNO(EPERM), memory[index], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
            }
        }
    }
    return error;
}

int CSandbox_filterCalls(int allowsExecutableMemory) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) return ENOMEM;
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    for (size_t index = 0; index < sizeof allowed / sizeof *allowed && error == 0; index++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[index], 0);
    }
    for (size_t index = 0; index < sizeof refused / sizeof *refused && error == 0; index++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[index], 0);
    }
    if (error == 0) error = add_arguments(filter, allowsExecutableMemory);
    if (error == 0) error = seccomp_load(filter);
    seccomp_release(filter);
    return -error;
}

// MARK: The rest

int CSandbox_random(void *bytes, size_t count) {
    unsigned char *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count < 256 ? count : 256, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

int CSandbox_opensFiles(void) {
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    close(file);
    return 1;
}

int CSandbox_counter(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}
