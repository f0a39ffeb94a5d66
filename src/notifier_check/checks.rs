//! The questions, in the order in which they are put.

use super::{Check, Needs, kinds, repeats, requests, serving, texts};
use std::future::ready;

const TOKEN: &str = "A call without the token that was agreed on, or with another one, is UNAUTHENTICATED, whatever it asks.";
const HEALTH: &str = "Health answers SERVING while messages are taken, and asks for no token.";
const CONNECTION: &str = "One connection carries many calls. Countersign pings it, also while it is idle; allow a ping a second.";
const UNKNOWN: &str = "Fields and enum values that a notifier does not know are no error: later versions bring some. Send the text.";
const GO_ON: &str =
    "Whatever is asked, answer with an outcome or a status that fits, and go on serving.";
const OUTCOME: &str = "Answer as soon as the message is safely taken, within the deadline; an answer in time with an outcome is final.";
const REPEAT: &str = "A repeat of a key has the outcome of the first call, also after a restart.";
const RUNNING: &str =
    "One that comes while the first is still running waits for its outcome, or is ABORTED.";
const OTHER: &str = "The same key with other content is ALREADY_EXISTS or INVALID_ARGUMENT.";
const CUT_SHORT: &str = "A call that was cut short does not block the repeat.";
const MALFORMED: &str = "A message without a key, without a destination, or for an unknown channel is INVALID_ARGUMENT.";
const IMPOSSIBLE: &str = "A destination that can't exist is INVALID_ARGUMENT or refused.";
const TOO_LONG: &str = "A text too long to send is INVALID_ARGUMENT; nothing is sent.";
const SMALL: &str = "An answer is at most 16 KiB.";

/// All of them. Those that send nothing come first.
pub const CHECKS: &[Check] = &[
    Check {
        name: "connects",
        asked: "a connection, and any call over it",
        expected: "an answer of a gRPC server",
        contract: GO_ON,
        needs: Needs::Nothing,
        is_gate: true,
        ask: |notifier| Box::pin(serving::connects(notifier)),
    },
    Check {
        name: "health",
        asked: "grpc.health.v1.Health/Check, without a token",
        expected: "SERVING",
        contract: HEALTH,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(serving::health(notifier)),
    },
    Check {
        name: "reflection",
        asked: "the list of services, by reflection",
        expected: "nothing: it is a convenience",
        contract: "",
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(serving::reflection(notifier)),
    },
    Check {
        name: "no-token",
        asked: "Deliver without a token",
        expected: "UNAUTHENTICATED",
        contract: TOKEN,
        needs: Needs::Token,
        is_gate: false,
        ask: |notifier| Box::pin(requests::no_token(notifier)),
    },
    Check {
        name: "other-tokens",
        asked: "Deliver with another token, a longer one, a shorter one",
        expected: "UNAUTHENTICATED each time",
        contract: TOKEN,
        needs: Needs::Token,
        is_gate: false,
        ask: |notifier| Box::pin(requests::other_tokens(notifier)),
    },
    Check {
        name: "takes-us-in",
        asked: "Deliver with what was agreed on, and without a destination",
        expected: "anything but UNAUTHENTICATED, PERMISSION_DENIED and UNIMPLEMENTED",
        contract: GO_ON,
        needs: Needs::Nothing,
        is_gate: true,
        ask: |notifier| Box::pin(requests::takes_us_in(notifier)),
    },
    Check {
        name: "no-destination",
        asked: "a message without a destination",
        expected: "INVALID_ARGUMENT",
        contract: MALFORMED,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(requests::no_destination(notifier)),
    },
    Check {
        name: "impossible-destination",
        asked: "a destination of 100,000 characters",
        expected: "INVALID_ARGUMENT, or refused",
        contract: IMPOSSIBLE,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(requests::impossible_destination(notifier)),
    },
    Check {
        name: "oversized",
        asked: "5 MiB of text without a destination",
        expected: "a status, and an answer to the next call",
        contract: GO_ON,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(requests::oversized(notifier)),
    },
    Check {
        name: "garbage",
        asked: "bytes that are no message",
        expected: "a status, and an answer to the next call",
        contract: GO_ON,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(requests::garbage(notifier)),
    },
    Check {
        name: "one-connection",
        asked: "20 calls, one after the other",
        expected: "one connection",
        contract: CONNECTION,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(serving::one_connection(notifier)),
    },
    Check {
        name: "pings",
        asked: "six pings over an idle connection, and a call",
        expected: "the same connection",
        contract: CONNECTION,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(serving::pings(notifier)),
    },
    Check {
        name: "takes-a-code",
        asked: "a message with a code",
        expected: "accepted, in time",
        contract: OUTCOME,
        needs: Needs::LeaveToSend,
        is_gate: true,
        ask: |notifier| Box::pin(repeats::takes_a_code(notifier)),
    },
    Check {
        name: "repeat",
        asked: "the same message again",
        expected: "the same outcome, with the same provider_message_id",
        contract: REPEAT,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(repeats::repeat(notifier)),
    },
    Check {
        name: "rivals",
        asked: "a new message, 8 times at once over 2 connections",
        expected: "one outcome for all; or ABORTED for some",
        contract: RUNNING,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(repeats::rivals(notifier)),
    },
    Check {
        name: "other-content",
        asked: "a key again, with another code",
        expected: "ALREADY_EXISTS or INVALID_ARGUMENT",
        contract: OTHER,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(repeats::other_content(notifier)),
    },
    Check {
        name: "cut-short",
        asked: "calls with deadlines of 3 and 50 ms, then the same with time enough",
        expected: "each ends; each repeat has an outcome",
        contract: CUT_SHORT,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(repeats::cut_short(notifier)),
    },
    Check {
        name: "no-key",
        asked: "a message without an idempotency_key",
        expected: "INVALID_ARGUMENT",
        contract: MALFORMED,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(requests::no_key(notifier)),
    },
    Check {
        name: "unknown-channel",
        asked: "a channel of a later version, and none",
        expected: "INVALID_ARGUMENT",
        contract: MALFORMED,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(requests::unknown_channel(notifier)),
    },
    Check {
        name: "unknown-field",
        asked: "a message with a field of a later version",
        expected: "accepted",
        contract: UNKNOWN,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(kinds::unknown_field(notifier)),
    },
    Check {
        name: "purposes",
        asked: "a code for every CodePurpose, and for one of a later version",
        expected: "accepted each time",
        contract: UNKNOWN,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(kinds::purposes(notifier)),
    },
    Check {
        name: "notices",
        asked: "news of every NoticeKind, and of one of a later version",
        expected: "accepted each time",
        contract: UNKNOWN,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(kinds::notices(notifier)),
    },
    Check {
        name: "scripts",
        asked: "texts in Arabic, Hebrew, Chinese, and of emoji",
        expected: "accepted each time",
        contract: OUTCOME,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(texts::scripts(notifier)),
    },
    Check {
        name: "long-text",
        asked: "a long text: 1,000 characters by SMS, 50,000 by e-mail",
        expected: "an outcome, or INVALID_ARGUMENT",
        contract: TOO_LONG,
        needs: Needs::LeaveToSend,
        is_gate: false,
        ask: |notifier| Box::pin(texts::long_text(notifier)),
    },
    Check {
        name: "small-answers",
        asked: "the largest of all answers so far",
        expected: "at most 16 KiB",
        contract: SMALL,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(ready(texts::small_answers(notifier))),
    },
    Check {
        name: "still-serves",
        asked: "a new connection, and a call over it, after all that",
        expected: "an answer",
        contract: GO_ON,
        needs: Needs::Nothing,
        is_gate: false,
        ask: |notifier| Box::pin(serving::connects(notifier)),
    },
];
