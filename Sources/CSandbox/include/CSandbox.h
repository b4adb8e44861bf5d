#ifndef CSANDBOX_H
#define CSANDBOX_H

// The layers around a process that runs code of strangers (rule JS-2). Swift cannot call prctl, syscall and unshare,
// and none of this may allocate or start threads before the last step. Every function returns 0 or an errno value
// unless it says otherwise.

#include <stddef.h>

// How many descriptors are open beside `expected`; negative: the negated errno of looking.
int CSandbox_strangeDescriptors(int expected);

// No core files, no files written, 16 descriptors, 8 MiB of stack; `cpuSeconds` of processor time in all.
int CSandbox_limitResources(unsigned long cpuSeconds);

// From now on the process may use `seconds` more of processor time before the kernel ends it.
int CSandbox_allowProcessorTime(unsigned long seconds);

// New user, network, mount, ipc, uts and pid namespaces. For the last one the process forks: the caller goes on in the
// child; the parent only waits, and ends as the child does. Call it before there is a second thread.
int CSandbox_isolate(void);

// Ends with its parent, cannot be traced or dumped, never gains rights.
int CSandbox_harden(void);

// A Landlock domain without any right on files, network, or processes outside, but for reading /dev/urandom. Call it
// before there is a second thread. `abi` receives the kernel's version of it.
int CSandbox_forbidFiles(int *abi);

// The list of system calls that remain, for all threads; any other one ends the process. Memory becomes executable
// only if `allowsExecutableMemory`.
int CSandbox_filterCalls(int allowsExecutableMemory);

// Fills `bytes` from the kernel's generator.
int CSandbox_random(void *bytes, size_t count);

// Tries what two of the layers must forbid: 1 if a file can be opened for reading, else 0.
int CSandbox_opensFiles(void);

// A descriptor that counts: writing 8 bytes adds, reading waits until the count is not 0. Negative: a negated errno.
int CSandbox_counter(void);

#endif
