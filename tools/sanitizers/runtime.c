// What ThreadSanitizer does not see of Swift's runtime, preloaded by tools/test-sanitize and tools/fuzz. (Swift 6.3, Linux.)
//
// The runtime's libraries are not instrumented: an order that only they establish is unknown to ThreadSanitizer, and what
// relies on it is reported as a race. The functions here stand in front of the runtime's and tell what happened. They
// announce only what is so: whatever is behind a lock that was taken, or a resumption that was made.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

typedef void tell_function(void *address);

// Absent in a program without ThreadSanitizer.
static void tell(const char *name, void *address) {
    tell_function *function = (tell_function *)dlsym(RTLD_DEFAULT, name);
    if (function != NULL) function(address);
}

// Synchronization.Mutex locks and unlocks in the caller, where ThreadSanitizer sees its atomics, unless two threads want
// it at once: then it goes into these two functions.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef __attribute__((swiftcall)) void lock_function(uint32_t thread, __attribute__((swift_context)) void *handle);
typedef __attribute__((swiftcall)) void unlock_function(__attribute__((swift_context)) void *handle);

lock_function lock_slow __asm__(LOCK);
__attribute__((swiftcall)) void lock_slow(uint32_t thread, __attribute__((swift_context)) void *handle) {
    ((lock_function *)dlsym(RTLD_NEXT, LOCK))(thread, handle);
    tell("__tsan_acquire", handle);
}

unlock_function unlock_slow __asm__(UNLOCK);
__attribute__((swiftcall)) void unlock_slow(__attribute__((swift_context)) void *handle) {
    tell("__tsan_release", handle);
    ((unlock_function *)dlsym(RTLD_NEXT, UNLOCK))(handle);
}

// A continuation that is resumed before its task has come as far as waiting for it: the runtime announces the resumption
// on the task, and the task, which need not suspend, goes on without looking there. One that does suspend looks when it
// is run again. A program of two threads that share one continuation shows it: resumed while the closure of
// withCheckedContinuation still runs, its value is reported; with this function it is not. (What is left is a
// resumption in the few instructions between here and the runtime's own look.)
typedef __attribute__((swiftasynccall)) void await_function(void *continuation);
typedef __attribute__((swiftcall)) void *task_function(void);

__attribute__((swiftasynccall)) void swift_continuation_await(void *continuation) {
    task_function *task = (task_function *)dlsym(RTLD_DEFAULT, "swift_task_getCurrent");
    if (task != NULL) tell("__tsan_acquire", task());
    await_function *next = (await_function *)dlsym(RTLD_NEXT, "swift_continuation_await");
    __attribute__((musttail)) return next(continuation);
}
