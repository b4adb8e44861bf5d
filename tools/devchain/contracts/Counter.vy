# pragma version 0.4.3
"""
@title A number that anybody may move: something for a task to read, to change and to watch
"""

struct Status:
    count: uint256
    caller: address
    changedAt: uint256

event Counted:
    caller: indexed(address)
    count: uint256
    change: int256

count: public(uint256)
countOf: public(HashMap[address, uint256])  # how often each caller moved it
lastCaller: public(address)
changedAt: public(uint256)


@external
def increment() -> uint256:
    self._change(1)
    return self.count


@external
def add(amount: int256) -> uint256:
    self._change(amount)
    return self.count


@external
@payable
def pay():
    """
    @notice Moves the number by one and keeps what was sent along.
    """
    self._change(1)


@external
def fail(message: String[256]):
    """
    @notice Moves the number and then reverts with the message.
    """
    self._change(1)
    raise message


@external
@view
def status() -> Status:
    return Status(count=self.count, caller=self.lastCaller, changedAt=self.changedAt)


@external
@view
def isAtLeast(threshold: uint256) -> bool:
    return self.count >= threshold


@internal
def _change(amount: int256):
    self.count = convert(convert(self.count, int256) + amount, uint256)
    self.countOf[msg.sender] += 1
    self.lastCaller = msg.sender
    self.changedAt = block.timestamp
    log Counted(caller=msg.sender, count=self.count, change=amount)
