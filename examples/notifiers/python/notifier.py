"""A notifier: takes messages from Countersign and "sends" each by a line in a file. Replace `send`, keep the rest."""

import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError as Unfinished
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

HERE = Path(__file__).resolve().parent
sys.path.append(os.environ.get("NOTIFIER_PROTO", str(HERE.parents[2] / "proto")))
pb, services = grpc.protos_and_services("countersign/notifier/v1/notifier_service.proto")

LONGEST_TEXT = 20_000
LONGEST_WAIT = 30  # seconds; a caller without a deadline has more time left than a lock can wait
DESTINATIONS = {
    pb.CHANNEL_SMS: re.compile(r"\+[1-9][0-9]{6,14}"),
    pb.CHANNEL_EMAIL: re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}"),
}


class Notifier(services.NotifierServiceServicer):
    """Sends a message once for each key, and tells every repeat what became of it."""

    def __init__(self, outbox: Path):
        self.lock = threading.Lock()
        self.known: dict[str, tuple[str, Future]] = {}
        outbox.touch(mode=0o600)
        for line in outbox.read_text().splitlines():
            sent = json.loads(line)
            sending = Future()
            sending.set_result(sent["ID"])
            self.known[sent["Key"]] = (sent["Content"], sending)
        self.outbox = outbox.open("a")

    def Deliver(self, message, context):
        if problem := problem_of(message):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
        content = content_of(message)
        known, sending, is_first = self.claim(message.idempotency_key, content)
        if known != content:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "this key has had another message")
        if is_first:
            # It goes on when the caller hangs up, so that a repeat finds its outcome.
            self.finish(message, content, sending)
        try:
            message_id = sending.result(timeout=min(context.time_remaining(), LONGEST_WAIT))
        except Unfinished:
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "it is still being sent")
        except Exception as cause:
            print(f"a message was not sent: {cause}", file=sys.stderr)
            context.abort(grpc.StatusCode.UNAVAILABLE, "it was not sent")
        return pb.DeliverResponse(accepted=pb.Accepted(provider_message_id=message_id))

    def claim(self, key, content):
        """What is known of a key, and whether this call is the first to ask."""
        with self.lock:
            if key in self.known:
                return *self.known[key], False
            self.known[key] = (content, Future())
            return *self.known[key], True

    def finish(self, message, content, sending):
        try:
            sending.set_result(self.send(message, content))
        except Exception as cause:
            # Nothing went out, so that the next try may send it. Whatever it was: a key without an outcome is blocked.
            with self.lock:
                del self.known[message.idempotency_key]
            sending.set_exception(cause)

    def send(self, message, content):
        """The part to replace. Give your provider the key, if it takes one; if it takes none, write the line *before*
        you call it, so that a crash in between loses a message and never doubles one."""
        message_id = secrets.token_hex(16)
        line = {
            "Key": message.idempotency_key,
            "Content": content,
            "ID": message_id,
            "Destination": message.destination,
            "Text": message.text,
            "Code": message.code.code,
        }
        with self.lock:
            self.outbox.write(json.dumps(line) + "\n")
            self.outbox.flush()
            os.fsync(self.outbox.fileno())
        return message_id


class Token(grpc.ServerInterceptor):
    """Lets in who has the token. Health is for everyone."""

    def __init__(self, token):
        self.expected = f"Bearer {token}".encode()

    def intercept_service(self, continuation, call):
        given = [value for name, value in call.invocation_metadata if name == "authorization"]
        knows = len(given) == 1 and hmac.compare_digest(given[0].encode(), self.expected)
        if knows or call.method.startswith("/grpc.health.v1.Health/"):
            return continuation(call)
        return grpc.unary_unary_rpc_method_handler(refuse)


def refuse(_request, context):
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or another one")


def content_of(message):
    """Tells messages apart. The wording is left out: a later try may be worded by a later version."""
    content = pb.DeliverRequest()
    content.CopyFrom(message)
    for wording in ("text", "html", "subject", "display_name", "locale"):
        content.ClearField(wording)
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()


def problem_of(message):
    if not message.idempotency_key:
        return "idempotency_key is missing"
    if message.channel not in DESTINATIONS:
        return "channel is not served"
    if not DESTINATIONS[message.channel].fullmatch(message.destination):
        return "destination can't exist"
    if len(message.text) > LONGEST_TEXT:
        return "text is too long"
    return None


def main():
    token = Path(os.environ["NOTIFIER_TOKEN_FILE"]).read_text().strip()
    notifier = Notifier(Path(os.environ.get("NOTIFIER_OUTBOX", "outbox.jsonl")))
    server = grpc.server(
        ThreadPoolExecutor(max_workers=32),
        interceptors=[Token(token)],
        options=[
            # Without these, the server hangs up on Countersign, which pings connections that are idle.
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 500),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
        ],
    )
    services.add_NotifierServiceServicer_to_server(notifier, server)
    serving = health.HealthServicer()
    serving.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(serving, server)

    listen = os.environ.get("NOTIFIER_LISTEN", "127.0.0.1:50061")
    if certificate := os.environ.get("NOTIFIER_TLS_CERT"):
        key = Path(os.environ["NOTIFIER_TLS_KEY"]).read_bytes()
        pair = (key, Path(certificate).read_bytes())
        port = server.add_secure_port(listen, grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port(listen)
    told = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: told.set())
    server.start()
    print(f"listening on {listen.rpartition(':')[0]}:{port}", flush=True)
    told.wait()
    # Say so first, then end what has begun, for ten seconds at most.
    serving.enter_graceful_shutdown()
    server.stop(grace=10).wait()
    print("drained", flush=True)


if __name__ == "__main__":
    main()
