"""A mail server that keeps what it takes, and says so on standard output, one JSON object a line. The first has its port.

What it does with a mail depends on the local part of its address:
nobody 550, later 450, policy 550 5.7.1, unwanted takes no content, slow hangs before the content, silent hangs after it.
"""

import argparse
import asyncio
import email
import json
import ssl
import sys
from email import policy

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import AuthResult

REFUSALS = {
    "nobody": "550 5.1.1 <{0}>: no such user here",
    "later": "450 4.2.1 <{0}>: come back later",
    "policy": "550 5.7.1 <{0}>: relaying denied",
}


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local in REFUSALS:
            return REFUSALS[local].format(address)
        if local == "slow":
            say(slow=address)
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local == "unwanted":
            return "554 5.6.0 not this"
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        say(
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            headers=dict(message.items()),
            text=parts.get("text/plain", ""),
            html=parts.get("text/html", ""),
            encrypted=session.ssl is not None,
            user=session.auth_data.login.decode() if session.auth_data else "",
            peer=session.peer[1],
        )
        if local == "silent":
            await asyncio.sleep(3600)
        return "250 2.0.0 Ok: queued as 4F0C21A"


def say(**what):
    print(json.dumps(what), flush=True)


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    arguments.add_argument("--implicit", action="store_true")
    arguments.add_argument("--password")
    chosen = arguments.parse_args()
    context = None
    if chosen.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chosen.cert, chosen.key)

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password.decode() == chosen.password, handled=False, auth_data=data)

    options = {"hostname": "mailbox.test"}
    if context and not chosen.implicit:
        options |= {"tls_context": context, "require_starttls": True}
    if chosen.password:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": context is not None}
    controller = UnthreadedController(
        Mailbox(),
        hostname="127.0.0.1",
        port=0,
        loop=asyncio.get_running_loop(),
        ssl_context=context if chosen.implicit else None,
        server_kwargs=options,
    )
    server = await controller._create_server()
    say(port=server.sockets[0].getsockname()[1])
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
