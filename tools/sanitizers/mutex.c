// ThreadSanitizer and Swift's Mutex, preloaded by tools/test-sanitize.
//
// Synchronization.Mutex locks and unlocks in the caller, where ThreadSanitizer sees its atomics, unless two threads want
// it at once: then it goes into a library that is not instrumented, and whatever the mutex guards is reported as a race.
// These two functions stand in front of the library's and tell what happened. (Swift 6.3, Linux.)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef __attribute__((swiftcall)) void lock_function(uint32_t thread, __attribute__((swift_context)) void *handle);
typedef __attribute__((swiftcall)) void unlock_function(__attribute__((swift_context)) void *handle);
typedef void tell_function(void *address);

// Absent in a program without ThreadSanitizer.
static void tell(const char *name, void *address) {
    tell_function *function = (tell_function *)dlsym(RTLD_DEFAULT, name);
    if (function != NULL) function(address);
}

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
