"""A WebSocket server of aiohttp: websocket_echo.py [CERTIFICATE KEY]. Prints its port; ends when its input does.

Echoes what it gets, texts as texts and bytes as bytes. "big N" is answered with a text of N bytes, "both" with the same
JSON as text and as bytes, "close N" by closing with code N. The path /no answers 403, /token wants `authorization`.
"""

import asyncio
import ssl
import sys

from aiohttp import WSMsgType, web


async def answer(request):
    if request.path == "/no" or (request.path == "/token" and request.headers.get("authorization") != "Bearer 7"):
        return web.Response(status=403, text="no")
    socket = web.WebSocketResponse(max_msg_size=32 << 20, compress=False)
    await socket.prepare(request)
    if request.query.get("greet"):
        await socket.send_str("hello")
    async for message in socket:
        if message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data.startswith("big "):
            await socket.send_str("x" * int(message.data[4:]))
        elif message.data == "both":
            await socket.send_str('{"id":1}')
            await socket.send_bytes(b'{"id":1}')
        elif message.data.startswith("close "):
            await socket.close(code=int(message.data[6:]), message=b"as told")
        else:
            await socket.send_str(message.data)
    return socket


async def main():
    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    context = None
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


asyncio.run(main())
