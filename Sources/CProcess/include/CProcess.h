#ifndef CPROCESS_H
#define CPROCESS_H

#include <stdint.h>

// What a process asks of the kernel for itself. Swift cannot call prctl, which is variadic, and resource limits have a
// type of their own on each system.

// No core dump, and no look into the memory by another process of the same user. Returns 0 or an errno value.
int CProcess_forbidDumps(void);

// Raises the number of files that may be open to the hard limit. Returns it, or an errno value, negated.
int64_t CProcess_raiseFileLimit(void);

// Gives the pages back to the system that hold nothing any more: the allocator keeps them otherwise.
void CProcess_returnFreeMemory(void);

#endif
