# pragma version 0.4.3
"""
@title Which key signs for which operator
"""

event AliasDeclared:
    operator: indexed(address)
    alias: indexed(address)

event AliasRemoved:
    operator: indexed(address)
    alias: indexed(address)

getAlias: public(HashMap[address, address])  # of an operator
getOperatorForAlias: public(HashMap[address, address])


@external
def declareAlias(alias: address):
    """
    @notice The caller's alias, in place of the one before.
    """
    assert alias != empty(address) and alias != msg.sender, "alias must be another account"
    assert self.getOperatorForAlias[alias] == empty(address), "alias belongs to an operator already"
    assert self.getOperatorForAlias[msg.sender] == empty(address), "an alias has no alias"
    before: address = self.getAlias[msg.sender]
    if before != empty(address):
        self._remove(msg.sender, before)
    self.getAlias[msg.sender] = alias
    self.getOperatorForAlias[alias] = msg.sender
    log AliasDeclared(operator=msg.sender, alias=alias)


@external
def undeclare():
    """
    @notice The caller is an alias no longer.
    """
    node: address = self.getOperatorForAlias[msg.sender]
    assert node != empty(address), "caller is no alias"
    self._remove(node, msg.sender)


@internal
def _remove(node: address, alias: address):
    self.getAlias[node] = empty(address)
    self.getOperatorForAlias[alias] = empty(address)
    log AliasRemoved(operator=node, alias=alias)
