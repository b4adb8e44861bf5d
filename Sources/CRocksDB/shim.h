#ifndef AVS_CROCKSDB_SHIM_H
#define AVS_CROCKSDB_SHIM_H

/* RocksDB 7.8 through its C API. Declared there but missing from the library, so never to be used (RDB-1):
   rocksdb_block_based_options_set_hash_index_allow_collision, rocksdb_writebatch_wi_create_from. */
#include <rocksdb/c.h>

#endif
