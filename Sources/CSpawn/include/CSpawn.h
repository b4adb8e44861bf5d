#ifndef CSPAWN_H
#define CSPAWN_H

#include <sys/types.h>

// Starts `path` as a process of its own, in a process group of its own, with `descriptor` as descriptor 0 and no other
// one open, no signals blocked or ignored, and this environment. Swift does not see the function that closes all
// descriptors, nor the types of the file actions safely.
//
// Returns 0 or an errno value; `process` receives the id.
int CSpawn_start(
    const char *path, const char *const *arguments, const char *const *environment, int descriptor, pid_t *process);

#endif
