"""HTTP and WebSocket on the loopback interface."""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from . import render
from .blocks import Block, PlacedLog
from .chain import Chain, Listener
from .faults import Fault, Faults
from .filters import LogFilter
from .jsonrpc import (
    INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, LIMIT_EXCEEDED, MAX_BATCH, PARSE_ERROR, Methods, RPCError, answer,
    request_parts,
)
from .node import Node
from .transactions import Transaction

HOST = "127.0.0.1"
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_UNSENT = 20_000  # messages; a client that reads slower is disconnected
MAX_SUBSCRIPTIONS = 1_000  # per connection

log = logging.getLogger("devchain")


# --- Requests --------------------------------------------------------------------------------------------------------

def parsed(text: str | bytes) -> Any:
    """Returns a request or a batch as it is, or the error to answer with."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return RPCError(PARSE_ERROR, "parse error")


def faulty_response(request: Any, fault: Fault) -> Any:
    """Returns the answer of a fault that answers: an error or a wrong result, for each request of a batch."""
    if isinstance(request, list):
        return [faulty_response(one, fault) for one in request]
    identifier = request.get("id") if isinstance(request, dict) else None
    return {"jsonrpc": "2.0", "id": identifier, fault.kind: fault.value}


@dataclass(frozen=True)
class Endpoint:
    """What is served at one port: methods, what they are called on, and the faults to show."""

    methods: Methods
    subject: Any
    faults: Faults


class Handler:
    """Answers requests at an endpoint, for a session if there is one."""

    def __init__(self, endpoint: Endpoint, session: "Session | None" = None):
        self._endpoint = endpoint
        self._session = session

    def respond(self, request: Any) -> Any:
        """Returns what to send for a request or a batch: a value for JSON, or None for nothing."""
        if isinstance(request, RPCError):
            return answer(None, error=request)
        if not isinstance(request, list):
            return self._respond_one(request)
        if not request or len(request) > MAX_BATCH:
            return answer(None, error=RPCError(INVALID_REQUEST, f"a batch holds 1 to {MAX_BATCH} requests"))
        answers = [one for one in map(self._respond_one, request) if one is not None]
        return answers or None

    def _respond_one(self, request: Any) -> dict[str, Any] | None:
        identifier = request.get("id") if isinstance(request, dict) else None
        is_notification = False
        try:
            method, parameters, identifier, is_notification = request_parts(request)
            log.debug("%s %s", method, parameters)
            result = self._call(method, parameters)
            return None if is_notification else answer(identifier, result)
        except RPCError as error:
            return None if is_notification else answer(identifier, error=error)
        except Exception as error:  # our own mistake: the caller gets an answer, the log the trace
            log.exception("while answering %s", request)
            return answer(identifier, error=RPCError(INTERNAL_ERROR, f"internal error: {error!r}"))

    def _call(self, method: str, parameters: list) -> Any:
        if self._session is not None and method in SESSION_METHODS:
            return SESSION_METHODS.call(self._session, method, parameters)
        return self._endpoint.methods.call(self._endpoint.subject, method, parameters)


# --- WebSocket sessions ----------------------------------------------------------------------------------------------

SESSION_METHODS = Methods()


class Session(Listener):
    """One WebSocket connection: its subscriptions, and what is still to be sent."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None):
        self._socket = socket
        self._transport = transport
        self._outbox: asyncio.Queue[str] = asyncio.Queue(MAX_UNSENT)
        self._subscriptions: dict[str, tuple[str, LogFilter]] = {}
        self._count = 0
        self.is_too_slow = asyncio.Event()

    def send(self, value: Any) -> None:
        self.send_text(json.dumps(value))

    def send_text(self, text: str) -> None:
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self.is_too_slow.set()

    def cut(self) -> None:
        """Ends the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def write(self) -> None:
        """Sends until it is cancelled or the connection ends."""
        while True:
            await self._socket.send_str(await self._outbox.get())

    @SESSION_METHODS.named("eth_subscribe")
    def subscribe(self, kind: str, options: Any = None) -> str:
        if kind not in ("newHeads", "logs", "newPendingTransactions"):
            raise RPCError(INVALID_PARAMS, f"no subscription {kind!r}")
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise RPCError(LIMIT_EXCEEDED, f"this connection has {MAX_SUBSCRIPTIONS} subscriptions already")
        wanted = LogFilter.parse(options if kind == "logs" else None)
        self._count += 1
        identifier = f"0x{self._count:032x}"
        self._subscriptions[identifier] = (kind, wanted)
        return identifier

    @SESSION_METHODS.named("eth_unsubscribe")
    def unsubscribe(self, identifier: str) -> bool:
        return self._subscriptions.pop(identifier, None) is not None

    def mined(self, block: Block, logs: list[PlacedLog]) -> None:
        self._notify("newHeads", [render.header_json(block)])
        self._notify_of_logs(logs)

    def removed(self, logs: list[PlacedLog]) -> None:
        self._notify_of_logs(logs)

    def pending(self, transaction: Transaction) -> None:
        self._notify("newPendingTransactions", [transaction.hash])

    def _notify_of_logs(self, logs: list[PlacedLog]) -> None:
        for identifier, (kind, wanted) in self._subscriptions.items():
            if kind == "logs":
                for placed in logs:
                    if wanted.matches(placed.log):
                        self._notify_one(identifier, render.log_json(placed))

    def _notify(self, kind: str, items: list) -> None:
        for identifier, (subscribed, _) in self._subscriptions.items():
            if subscribed == kind:
                for item in items:
                    self._notify_one(identifier, item)

    def _notify_one(self, identifier: str, result: Any) -> None:
        parameters = {"subscription": identifier, "result": result}
        self.send({"jsonrpc": "2.0", "method": "eth_subscription", "params": parameters})


# --- Server ----------------------------------------------------------------------------------------------------------

class Server:
    """Serves one endpoint, over WebSocket too if a chain is given whose events sessions can subscribe to.

    All methods run on the event loop, one at a time, so none sees another's half-done work.
    """

    def __init__(self, endpoint: Endpoint, chain: Chain | None = None):
        self._endpoint = endpoint
        self._chain = chain
        self._sockets: set[web.WebSocketResponse] = set()
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{anything:.*}", self._handle)
        application.on_shutdown.append(self._close_sockets)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)

    async def start(self, port: int) -> int:
        """Listens on loopback; returns the port, which the system chooses for 0."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        return self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._chain is not None and request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._handle_socket(request, self._chain)
        if request.method != "POST":
            return web.Response(status=405, text="POST JSON-RPC here\n")
        body = parsed(await request.read())
        if fault := self._endpoint.faults.take(body):
            return await self._fail(request, body, fault)
        response = Handler(self._endpoint).respond(body)
        return web.Response(status=200) if response is None else web.json_response(response)

    async def _fail(self, request: web.Request, body: Any, fault: Fault) -> web.StreamResponse:
        await asyncio.sleep(fault.delay_seconds)
        match fault.kind:
            case "error" | "result":
                return web.json_response(faulty_response(body, fault))
            case "status":
                return web.Response(status=fault.value, text="injected fault\n")
            case "body":
                return web.Response(text=str(fault.value), content_type="application/json")
            case "close":
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
        return web.json_response(Handler(self._endpoint).respond(body))

    async def _handle_socket(self, request: web.Request, chain: Chain) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_BODY_BYTES)
        await socket.prepare(request)
        session = Session(socket, request.transport)
        handler = Handler(self._endpoint, session)
        self._sockets.add(socket)
        chain.listeners.append(session)
        writer = asyncio.create_task(session.write())  # ended below
        guard = asyncio.create_task(self._close_when_slow(socket, session))  # ended below
        try:
            async for message in socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    continue
                body = parsed(message.data)
                if fault := self._endpoint.faults.take(body):
                    await self._fail_socket(session, handler, body, fault)
                elif (response := handler.respond(body)) is not None:
                    session.send(response)
        finally:
            chain.listeners.remove(session)
            self._sockets.discard(socket)
            writer.cancel()
            guard.cancel()
            await asyncio.gather(writer, guard, return_exceptions=True)
        return socket

    async def _fail_socket(self, session: Session, handler: Handler, body: Any, fault: Fault) -> None:
        await asyncio.sleep(fault.delay_seconds)
        match fault.kind:
            case "error" | "result":
                session.send(faulty_response(body, fault))
            case "body":
                session.send_text(str(fault.value))
            case "close" | "status":
                session.cut()
            case None:
                session.send(handler.respond(body))

    async def _close_when_slow(self, socket: web.WebSocketResponse, session: Session) -> None:
        await session.is_too_slow.wait()
        log.warning("closing a WebSocket whose client reads too slowly")
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"reads too slowly")

    async def _close_sockets(self, application: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"shutting down")


async def mine_by_the_clock(node: Node) -> None:
    """Mines whenever the node's block time has passed. Runs until cancelled."""
    while True:
        node.is_block_time_new.clear()
        try:
            await asyncio.wait_for(node.is_block_time_new.wait(), timeout=node.block_time)
        except TimeoutError:
            node.chain.mine()
