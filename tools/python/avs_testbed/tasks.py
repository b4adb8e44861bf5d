"""Requests that make tasks."""

from .stubs import avs

NODE = "node1"


def manual(data=None, name: str = "start"):
    trigger = avs.TaskTrigger(id="t0", name=name, type=avs.TRIGGER_TYPE_MANUAL)
    trigger.manual.config.lang = avs.LANG_JSON
    set_value(trigger.manual.config.data, {} if data is None else data)
    return trigger


def block(interval: int = 1):
    return avs.TaskTrigger(id="t0", name="block", type=avs.TRIGGER_TYPE_BLOCK, block=avs.BlockTrigger(
        config=avs.BlockTrigger.Config(interval=interval)))


def cron(*schedules: str):
    return avs.TaskTrigger(id="t0", name="tick", type=avs.TRIGGER_TYPE_CRON, cron=avs.CronTrigger(
        config=avs.CronTrigger.Config(schedules=schedules or ["* * * * *"])))


def fixed_time(*epochs: int):
    return avs.TaskTrigger(id="t0", name="once", type=avs.TRIGGER_TYPE_FIXED_TIME, fixed_time=avs.FixedTimeTrigger(
        config=avs.FixedTimeTrigger.Config(epochs=epochs)))


def event(address: str, *topics: str):
    query = avs.EventTrigger.Query(addresses=[address], topics=topics)
    return avs.TaskTrigger(id="t0", name="log", type=avs.TRIGGER_TYPE_EVENT, event=avs.EventTrigger(
        config=avs.EventTrigger.Config(queries=[query])))


def branch(identifier: str = NODE, *conditions: tuple[str, str, str], name: str | None = None):
    """A node that needs nothing outside; without conditions it takes its else."""
    conditions = conditions or (("c1", "if", "1 > 2"), ("c2", "else", ""))
    config = avs.BranchNode.Config(conditions=[
        avs.BranchNode.Condition(id=i, type=kind, expression=text) for i, kind, text in conditions])
    return avs.TaskNode(id=identifier, name=name or identifier, type=avs.NODE_TYPE_BRANCH,
                        branch=avs.BranchNode(config=config))


def rest(url: str, identifier: str = NODE, *, method: str = "GET", body: str = "", headers: dict | None = None,
         options=None):
    config = avs.RestAPINode.Config(url=url, method=method, body=body, headers=headers or {})
    if options is not None:
        set_value(config.options, options)
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_REST_API,
                        rest_api=avs.RestAPINode(config=config))


def contract_read(address: str, abi: list, *calls: tuple[str, list[str]], identifier: str = NODE):
    config = avs.ContractReadNode.Config(contract_address=address, method_calls=[
        avs.ContractReadNode.MethodCall(method_name=name, method_params=params) for name, params in calls])
    for entry in abi:
        set_value(config.contract_abi.add(), entry)
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_CONTRACT_READ,
                        contract_read=avs.ContractReadNode(config=config))


def contract_write(address: str, abi: list, *calls: tuple[str, list[str]], identifier: str = NODE, **fields):
    config = avs.ContractWriteNode.Config(contract_address=address, method_calls=[
        avs.ContractWriteNode.MethodCall(method_name=name, method_params=params) for name, params in calls], **fields)
    for entry in abi:
        set_value(config.contract_abi.add(), entry)
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_CONTRACT_WRITE,
                        contract_write=avs.ContractWriteNode(config=config))


def custom_code(source: str, identifier: str = NODE, *, lang: int = avs.LANG_JAVASCRIPT):
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_CUSTOM_CODE, custom_code=avs.CustomCodeNode(
        config=avs.CustomCodeNode.Config(source=source, lang=lang)))


def graphql(url: str, query: str, identifier: str = NODE, **variables: str):
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_GRAPHQL_QUERY, graphql_query=graphql_config(
        url, query, **variables))


def graphql_config(url: str, query: str, **variables: str):
    return avs.GraphQLQueryNode(config=avs.GraphQLQueryNode.Config(url=url, query=query, variables=variables))


def filter_node(expression: str, source: str, identifier: str = NODE):
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_FILTER, filter=avs.FilterNode(
        config=avs.FilterNode.Config(expression=expression, input_variable=source)))


def loop(source: str, identifier: str = NODE, *, value: str = "value", key: str = "index", parallel: bool = False,
         seconds: int = 0, **runner):
    """A loop over `source`; the runner is one keyword, named as in LoopNode, with a message or a node of that kind."""
    (kind, inner), = runner.items()
    if isinstance(inner, avs.TaskNode):
        inner = getattr(inner, inner.WhichOneof("task_type"))
    config = avs.LoopNode.Config(
        input_variable=source, iter_val=value, iter_key=key, iteration_timeout=seconds,
        execution_mode=avs.EXECUTION_MODE_PARALLEL if parallel else avs.EXECUTION_MODE_SEQUENTIAL)
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_LOOP,
                        loop=avs.LoopNode(config=config, **{kind: inner}))


def balance(address: str, chain: str, identifier: str = NODE, **fields):
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_BALANCE, balance=avs.BalanceNode(
        config=avs.BalanceNode.Config(address=address, chain=chain, **fields)))


def transfer(destination: str, amount: str, identifier: str = NODE):
    return avs.TaskNode(id=identifier, name=identifier, type=avs.NODE_TYPE_ETH_TRANSFER, eth_transfer=avs.ETHTransferNode(
        config=avs.ETHTransferNode.Config(destination=destination, amount=amount)))


def task(wallet: str, trigger=None, nodes=None, edges=None, *, name: str = "a task", limit: int = 0, **fields):
    """A CreateTaskReq. Without nodes one branch node follows the trigger."""
    trigger = manual() if trigger is None else trigger
    nodes = [branch()] if nodes is None else nodes
    if edges is None:
        chain = [trigger.id] + [item.id for item in nodes]
        edges = [avs.TaskEdge(id=f"e{i}", source=a, target=b) for i, (a, b) in enumerate(zip(chain, chain[1:]))]
    request = avs.CreateTaskReq(trigger=trigger, nodes=nodes, edges=edges, max_execution=limit, **fields)
    set_value(request.input_variables["settings"], {"name": name, "runner": wallet})
    return request


def set_value(target, value) -> None:
    """Fills a google.protobuf.Value from what json.loads gives."""
    match value:
        case None: target.null_value = 0
        case bool(): target.bool_value = value
        case int() | float(): target.number_value = value
        case str(): target.string_value = value
        case dict():
            target.struct_value.Clear()
            target.struct_value.SetInParent()
            for key, item in value.items():
                set_value(target.struct_value.fields[key], item)
        case list() | tuple():
            target.list_value.SetInParent()
            for item in value:
                set_value(target.list_value.values.add(), item)
        case _: raise TypeError(f"no JSON value: {value!r}")


def plain(value):
    """A google.protobuf.Value as json.loads would give it."""
    match value.WhichOneof("kind"):
        case None | "null_value": return None
        case "struct_value": return {key: plain(item) for key, item in value.struct_value.fields.items()}
        case "list_value": return [plain(item) for item in value.list_value.values]
        case kind: return getattr(value, kind)
