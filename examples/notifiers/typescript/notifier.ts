/** A notifier: takes messages from Countersign and "sends" each by a line in a file. Replace `send`, keep the rest. */

import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { HealthImplementation } from "grpc-health-check";
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";

/** The fields of `DeliverRequest` that are looked at here; `content` has the name of the one that is set. */
type DeliverRequest = {
  idempotencyKey: string;
  channel: number;
  destination: string;
  locale: string;
  displayName: string;
  subject: string;
  text: string;
  html: string;
  content?: "code" | "notice";
  code?: { code: string };
};

type DeliverResponse = { accepted: { providerMessageId: string } };

/** A message on its way, or what became of it. */
type Sending = { content: string; id: Promise<string> };

/** What the outbox holds of one message. It is also how a key is known after a restart. */
type Line = { Key: string; Content: string; ID: string; Destination: string; Text: string; Code: string };

const LONGEST_TEXT = 20_000;
const DESTINATIONS: Record<number, RegExp> = {
  1: /^\+[1-9][0-9]{6,14}$/,
  2: /^[^@\s]{1,64}@[^@\s]{1,189}$/,
};

const environment = process.env;
const outbox = environment["NOTIFIER_OUTBOX"] ?? "outbox.jsonl";
const expected = digest(`Bearer ${readFileSync(environment["NOTIFIER_TOKEN_FILE"] ?? "token", "utf8").trim()}`);
const known = sentBefore();

/** Sends a message once for each key, and tells every repeat what became of it. */
async function deliver(message: DeliverRequest): Promise<DeliverResponse> {
  const problem = problemOf(message);
  if (problem) throw refusal(grpc.status.INVALID_ARGUMENT, problem);
  const content = contentOf(message);
  let sending = known.get(message.idempotencyKey);
  if (!sending) {
    // It goes on when the caller hangs up, so that a repeat finds its outcome.
    sending = { content, id: send(message, content) };
    known.set(message.idempotencyKey, sending);
  }
  if (sending.content !== content) {
    throw refusal(grpc.status.ALREADY_EXISTS, "this key has had another message");
  }
  try {
    return { accepted: { providerMessageId: await sending.id } };
  } catch (cause) {
    // Nothing went out, so that the next try may send it.
    if (known.get(message.idempotencyKey) === sending) known.delete(message.idempotencyKey);
    console.error("a message was not sent:", cause);
    throw refusal(grpc.status.UNAVAILABLE, "it was not sent");
  }
}

/**
 * The part to replace. Give your provider the key, if it takes one; if it takes none, write the line *before* you call
 * it, so that a crash in between loses a message and never doubles one.
 */
async function send(message: DeliverRequest, content: string): Promise<string> {
  const line: Line = {
    Key: message.idempotencyKey,
    Content: content,
    ID: randomUUID(),
    Destination: message.destination,
    Text: message.text,
    Code: message.code?.code ?? "",
  };
  await appendFile(outbox, JSON.stringify(line) + "\n", { mode: 0o600, flush: true });
  return line.ID;
}

function sentBefore(): Map<string, Sending> {
  const lines = existsSync(outbox) ? readFileSync(outbox, "utf8").split("\n").filter(Boolean) : [];
  const sent = lines.map((line) => JSON.parse(line) as Line);
  return new Map(sent.map(({ Key, Content, ID }) => [Key, { content: Content, id: Promise.resolve(ID) }]));
}

/** Tells messages apart. The wording is left out: a later try may be worded by a later version. */
function contentOf({ text, html, subject, displayName, locale, ...content }: DeliverRequest): string {
  return digest(JSON.stringify(content)).toString("hex");
}

function problemOf(message: DeliverRequest): string | undefined {
  if (!message.idempotencyKey) return "idempotency_key is missing";
  const destinations = DESTINATIONS[message.channel];
  if (!destinations) return "channel is not served";
  if (!destinations.test(message.destination)) return "destination can't exist";
  if (message.text.length > LONGEST_TEXT) return "text is too long";
  return undefined;
}

function knowsTheToken(metadata: grpc.Metadata): boolean {
  const given = metadata.get("authorization");
  return given.length === 1 && timingSafeEqual(digest(String(given[0])), expected);
}

function answer(
  call: grpc.ServerUnaryCall<DeliverRequest, DeliverResponse>,
  reply: grpc.sendUnaryData<DeliverResponse>,
): void {
  if (!knowsTheToken(call.metadata)) {
    reply(refusal(grpc.status.UNAUTHENTICATED, "the token is missing or another one"));
    return;
  }
  deliver(call.request).then((response) => reply(null, response), reply);
}

function refusal(code: grpc.status, details: string): Partial<grpc.StatusObject> {
  return { code, details };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function credentials(): grpc.ServerCredentials {
  const [certificate, key] = [environment["NOTIFIER_TLS_CERT"], environment["NOTIFIER_TLS_KEY"]];
  if (!certificate || !key) return grpc.ServerCredentials.createInsecure();
  const pair = { cert_chain: readFileSync(certificate), private_key: readFileSync(key) };
  return grpc.ServerCredentials.createSsl(null, [pair]);
}

function service(): grpc.ServiceDefinition {
  const proto = environment["NOTIFIER_PROTO"] ?? "../../../proto";
  const file = "countersign/notifier/v1/notifier_service.proto";
  const definitions = loadSync(file, { includeDirs: [proto], defaults: true, oneofs: true });
  return definitions["countersign.notifier.v1.NotifierService"] as grpc.ServiceDefinition;
}

/** Says so first, then ends what has begun, for ten seconds at most. */
function drain(): void {
  health.setStatus("", "NOT_SERVING");
  setTimeout(() => server.forceShutdown(), 10_000).unref();
  server.tryShutdown(() => console.log("drained"));
}

const health = new HealthImplementation({ "": "SERVING" });
const server = new grpc.Server();
server.addService(service(), { deliver: answer });
health.addToServer(server);
const listen = environment["NOTIFIER_LISTEN"] ?? "127.0.0.1:50061";
server.bindAsync(listen, credentials(), (cause, port) => {
  if (cause) throw cause;
  console.log(`listening on ${listen.replace(/:\d+$/, "")}:${port}`);
});
process.once("SIGTERM", drain);
process.once("SIGINT", drain);
