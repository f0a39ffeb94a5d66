use super::*;
use std::collections::HashMap;
use tracing::info_span;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn headers(flags: &str) -> HashMap<String, String> {
    HashMap::from([
        (
            TRACEPARENT.to_owned(),
            format!("00-{TRACE}-{PARENT}-{flags}"),
        ),
        ("tracestate".to_owned(), "vendor=1".to_owned()),
    ])
}

fn passed_on(context: TraceContext) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    context.inject(&mut headers);
    headers
}

#[test]
fn a_callers_trace_goes_on_with_a_span_id_of_ours() {
    for flags in ["00", "01"] {
        let context = TraceContext::join(&headers(flags));
        assert_eq!(context.trace_id().to_string(), TRACE);
        let sent = passed_on(context);
        let parent = &sent[TRACEPARENT];
        assert!(parent.starts_with(&format!("00-{TRACE}-")), "{parent}");
        assert!(parent.ends_with(&format!("-{flags}")), "{parent}");
        assert!(!parent.contains(PARENT), "{parent}");
        assert_eq!(sent["tracestate"], "vendor=1");
    }
}

#[test]
fn a_call_without_a_trace_begins_one() {
    let mut forged = headers("01");
    forged.insert(TRACEPARENT.to_owned(), "no trace".to_owned());
    for headers in [HashMap::new(), forged] {
        let context = TraceContext::join(&headers);
        assert_ne!(context.trace_id(), TraceId::INVALID);
        assert_ne!(context.trace_id().to_string(), TRACE);
        assert!(passed_on(context).contains_key(TRACEPARENT));
    }
}

#[test]
fn it_is_found_in_its_span_and_within_and_nowhere_else() {
    tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        assert!(TraceContext::current().is_none());
        let call = info_span!("call");
        TraceContext::join(&headers("01")).attach(&call);
        let found = || TraceContext::current().map(|context| context.trace_id().to_string());
        assert_eq!(call.in_scope(found).as_deref(), Some(TRACE));
        let within = call.in_scope(|| info_span!("within").in_scope(found));
        assert_eq!(within.as_deref(), Some(TRACE));
        assert_eq!(info_span!("another").in_scope(found), None);
    });
}

#[test]
fn without_a_subscriber_nothing_is_passed_on() {
    let call = info_span!("call");
    TraceContext::join(&headers("01")).attach(&call);
    assert!(call.in_scope(TraceContext::current).is_none());
}
