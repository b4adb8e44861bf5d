#ifndef CSECP256K1_SHIM_H
#define CSECP256K1_SHIM_H

// libsecp256k1 with the recovery module: keys, signatures, and the key behind a signature.
#include <secp256k1.h>
#include <secp256k1_recovery.h>

// The flags are macros with casts, which Swift does not import.
static inline unsigned int csecp256k1_context_none(void) { return SECP256K1_CONTEXT_NONE; }
static inline unsigned int csecp256k1_ec_uncompressed(void) { return SECP256K1_EC_UNCOMPRESSED; }

#endif
