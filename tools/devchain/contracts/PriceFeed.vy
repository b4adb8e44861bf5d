# pragma version 0.4.3
"""
@title A price that anybody may set, read as a Chainlink aggregator is read
"""

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

description: public(constant(String[16])) = "ETH / USD"
decimals: public(constant(uint8)) = 8
version: public(constant(uint256)) = 4

latestRound: public(uint256)
answers: HashMap[uint256, int256]
times: HashMap[uint256, uint256]


@external
def setAnswer(answer: int256):
    self.latestRound += 1
    self.answers[self.latestRound] = answer
    self.times[self.latestRound] = block.timestamp
    log AnswerUpdated(current=answer, roundId=self.latestRound, updatedAt=block.timestamp)


@external
@view
def latestAnswer() -> int256:
    return self.answers[self.latestRound]


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self._round(self.latestRound)


@external
@view
def getRoundData(_roundId: uint80) -> (uint80, int256, uint256, uint256, uint80):
    return self._round(convert(_roundId, uint256))


@internal
@view
def _round(number: uint256) -> (uint80, int256, uint256, uint256, uint80):
    assert self.times[number] != 0, "No data present"
    id: uint80 = convert(number, uint80)
    return id, self.answers[number], self.times[number], self.times[number], id
