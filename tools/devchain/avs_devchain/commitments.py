"""What a block header commits to: logs bloom, the roots of transactions and receipts, the hash of the header."""

from collections.abc import Iterable

import rlp
from eth_utils import keccak

BLOOM_BYTES = 256
EMPTY_ROOT = keccak(rlp.encode(b""))
EMPTY_OMMERS = keccak(rlp.encode([]))


# --- Bloom (yellow paper, 4.3.1) -------------------------------------------------------------------------------------

def bloom_of(logs: Iterable) -> int:
    """Returns the bloom of all addresses and topics of the logs, as a number of 2048 bits."""
    bloom = 0
    for log in logs:
        for item in (log.address, *log.topics):
            digest = keccak(hexstr=item)
            for position in (0, 2, 4):
                bloom |= 1 << (int.from_bytes(digest[position:position + 2], "big") & 2047)
    return bloom


def bloom_bytes(bloom: int) -> bytes:
    return bloom.to_bytes(BLOOM_BYTES, "big")


# --- Merkle Patricia trie (yellow paper, appendix D) -----------------------------------------------------------------

def list_root(items: list[bytes]) -> bytes:
    """Returns the root of the trie that maps the RLP of each index to its item."""
    return trie_root({rlp.encode(number(n)): item for n, item in enumerate(items)})


def trie_root(pairs: dict[bytes, bytes]) -> bytes:
    if not pairs:
        return EMPTY_ROOT
    nibbled = [(tuple(n for byte in key for n in (byte >> 4, byte & 15)), value) for key, value in pairs.items()]
    return keccak(rlp.encode(trie_node(sorted(nibbled))))


def trie_node(pairs: list[tuple[tuple[int, ...], bytes]]) -> list:
    """Builds the node above sorted pairs of (nibbles, value); there is at least one."""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [compact(first, is_leaf=True), pairs[0][1]]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    if shared:
        return [compact(first[:shared], is_leaf=False), reference([(k[shared:], v) for k, v in pairs])]
    here = [value for key, value in pairs if not key]
    return [child(pairs, nibble) for nibble in range(16)] + (here or [b""])


def child(pairs: list[tuple[tuple[int, ...], bytes]], nibble: int):
    below = [(key[1:], value) for key, value in pairs if key and key[0] == nibble]
    return reference(below) if below else b""


def reference(pairs: list[tuple[tuple[int, ...], bytes]]):
    """A node of under 32 bytes stands in its parent, a larger one is named by its hash."""
    node = trie_node(pairs)
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def compact(nibbles: tuple[int, ...], is_leaf: bool) -> bytes:
    """Packs nibbles behind a flag for leaf and one for odd length (hex-prefix encoding)."""
    flag = 2 * is_leaf + len(nibbles) % 2
    padded = (flag, *nibbles) if len(nibbles) % 2 else (flag, 0, *nibbles)
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2]))


# --- Header ----------------------------------------------------------------------------------------------------------

def number(value: int) -> bytes:
    """Returns the shortest big-endian bytes; none for zero."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def header(fields: list[int | bytes]) -> bytes:
    """Returns the encoding of a header whose fields are given in their order. Its keccak-256 is the block's hash."""
    return rlp.encode([number(f) if isinstance(f, int) else f for f in fields])
