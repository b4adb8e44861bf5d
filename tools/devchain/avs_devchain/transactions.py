"""Signed transactions: legacy, access list (type 1) and dynamic fee (type 2)."""

from dataclasses import dataclass, field

import rlp
from eth_account.signers.local import LocalAccount
from eth_keys import keys
from eth_keys.exceptions import BadSignature, ValidationError
from eth_utils import keccak, to_checksum_address

from . import commitments

SECP256K1_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

# The fields of each type, in the order of its RLP list. Everything not named in `BYTES` is a number.
FIELDS = {
    0: ("nonce", "gas_price", "gas", "to", "value", "data", "v", "r", "s"),
    1: ("chain_id", "nonce", "gas_price", "gas", "to", "value", "data", "access_list", "v", "r", "s"),
    2: ("chain_id", "nonce", "tip", "max_fee", "gas", "to", "value", "data", "access_list", "v", "r", "s"),
}
BYTES = {"to", "data", "access_list"}

AccessList = tuple[tuple[str, tuple[int, ...]], ...]


class InvalidTransaction(ValueError):
    """The bytes are no transaction that this chain could ever run; the text says why."""


@dataclass(frozen=True)
class Transaction:
    """A signed transaction with its sender recovered. `tip` and `max_fee` are both the gas price of types 0 and 1."""

    type: int
    chain_id: int | None
    nonce: int
    max_fee: int
    tip: int
    gas: int
    to: str | None
    value: int
    data: bytes
    v: int
    r: int
    s: int
    sender: str
    hash: str
    raw: bytes = field(repr=False)
    access_list: AccessList = ()

    def price(self, base_fee: int) -> int:
        """What it pays per gas in a block with this base fee."""
        return min(self.max_fee, base_fee + self.tip)

    @property
    def intrinsic_gas(self) -> int:
        """What it costs before its first instruction (Shanghai rules)."""
        zeros = self.data.count(0)
        gas = 21_000 + 4 * zeros + 16 * (len(self.data) - zeros)
        if self.to is None:
            gas += 32_000 + 2 * ((len(self.data) + 31) // 32)
        return gas + sum(2_400 + 1_900 * len(slots) for _, slots in self.access_list)

    @classmethod
    def decode(cls, raw: bytes) -> "Transaction":
        """Decodes and checks signed bytes as they come in eth_sendRawTransaction."""
        if not raw:
            raise InvalidTransaction("transaction is empty")
        kind, body = (raw[0], raw[1:]) if raw[0] < 0x80 else (0, raw)
        if kind not in FIELDS:
            raise InvalidTransaction(f"transaction type {kind} is not supported")
        fields = decode_fields(kind, body)
        chain_id, parity = chain_and_parity(kind, fields)
        payload = signed_payload(kind, fields, chain_id)
        sender = recover(payload, parity, fields["r"], fields["s"])
        to = fields["to"]
        if len(to) not in (0, 20):
            raise InvalidTransaction(f"field to has {len(to)} bytes")
        return cls(
            type=kind, chain_id=chain_id, nonce=fields["nonce"], gas=fields["gas"],
            max_fee=fields.get("max_fee", fields.get("gas_price", 0)),
            tip=fields.get("tip", fields.get("gas_price", 0)),
            to="0x" + to.hex() if to else None, value=fields["value"], data=fields["data"],
            v=fields["v"], r=fields["r"], s=fields["s"],
            sender=sender, hash="0x" + keccak(raw).hex(), raw=raw,
            access_list=access_list(fields.get("access_list", [])),
        )


def decode_fields(kind: int, body: bytes) -> dict:
    try:
        items = rlp.decode(body)
    except rlp.exceptions.RLPException as error:
        raise InvalidTransaction(f"rlp: {error}") from error
    names = FIELDS[kind]
    if not isinstance(items, list) or len(items) != len(names):
        raise InvalidTransaction(f"a transaction of type {kind} has {len(names)} fields")
    fields = {}
    for name, item in zip(names, items):
        if isinstance(item, list) != (name == "access_list"):
            raise InvalidTransaction(f"field {name} has the wrong shape")
        fields[name] = item if name in BYTES else checked_number(name, item)
    return fields


def checked_number(name: str, item: bytes) -> int:
    if len(item) > 32 or item[:1] == b"\0":
        raise InvalidTransaction(f"field {name} is not a number without leading zeros")
    return int.from_bytes(item, "big")


def chain_and_parity(kind: int, fields: dict) -> tuple[int | None, int]:
    """Returns the chain that the signature is for (None: any, before EIP-155) and the parity bit of v."""
    v = fields["v"]
    if kind != 0:
        chain_id, parity = fields["chain_id"], v
    elif v in (27, 28):
        chain_id, parity = None, v - 27
    else:
        chain_id, parity = (v - 35) // 2, (v - 35) % 2
    if parity not in (0, 1) or (chain_id is not None and chain_id < 0):
        raise InvalidTransaction(f"invalid signature value v {v}")
    return chain_id, parity


def signed_payload(kind: int, fields: dict, chain_id: int | None) -> bytes:
    unsigned = [rlp_item(fields[name]) for name in FIELDS[kind][:-3]]
    if kind == 0:
        return rlp.encode(unsigned + ([] if chain_id is None else [rlp_item(chain_id), b"", b""]))
    return bytes([kind]) + rlp.encode(unsigned)


def rlp_item(value):
    return commitments.number(value) if isinstance(value, int) else value


def recover(payload: bytes, parity: int, r: int, s: int) -> str:
    if s > SECP256K1_HALF_ORDER:
        raise InvalidTransaction("invalid signature: s is in the upper half")
    try:
        signature = keys.Signature(vrs=(parity, r, s))
        return signature.recover_public_key_from_msg_hash(keccak(payload)).to_address()
    except (BadSignature, ValidationError) as error:
        raise InvalidTransaction(f"invalid signature: {error}") from error


def access_list(items: list) -> AccessList:
    entries = []
    for item in items:
        match item:
            case [bytes(address), list(slots)] if len(address) == 20 and all(len(slot) == 32 for slot in slots):
                entries.append(("0x" + address.hex(), tuple(int.from_bytes(slot, "big") for slot in slots)))
            case _:
                raise InvalidTransaction("access list entry is not (address, [slot])")
    return tuple(entries)


def signed(signer: LocalAccount, fields: dict) -> Transaction:
    """Signs with one of our own keys. `fields` are named as in JSON-RPC, with numbers as integers."""
    if fields.get("to"):
        fields = {**fields, "to": to_checksum_address(fields["to"])}
    return Transaction.decode(bytes(signer.sign_transaction(fields).raw_transaction))
