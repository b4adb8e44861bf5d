#ifndef AVS_POWER_CUT_H
#define AVS_POWER_CUT_H

/* Linked into a test program, it notes what a power cut would leave: with AVS_POWER_CUT_LOG=FILE in the environment,
   each successful fsync and fdatasync adds a line `S LENGTH PATH` to FILE, and each rename a line `R OLD NEW` (with a
   tab between the two). The program is then killed, and whoever killed it cuts its files back to those lengths.

   With AVS_SYNC_FAILS_AT=N, the N-th fsync or fdatasync of the process fails with EIO, once. With AVS_KILL_AT_SYNC=N
   the process kills itself just before it. */

#endif
