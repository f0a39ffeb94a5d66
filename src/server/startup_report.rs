//! What is used, and why: what `serve`, `dev` and `check-config` say of what was chosen.

use crate::{
    config::{Config, EndpointConfig, IdentityConfig, NotifierConfig},
    crypto::KeyRing,
};
use countersign_domain::policy::{PolicyField, PolicyOverride};
use countersign_transport::{config::LoadedConfig, startup_report::StartupReportLine};
use url::Url;

/// What `serve` uses, and why.
pub(super) fn used(
    loaded: &LoadedConfig<Config>,
    [durable, short_lived]: [StartupReportLine; 2],
    ring: &KeyRing,
    policy: &PolicyOverride,
) -> Vec<StartupReportLine> {
    let config = &loaded.config;
    let server = &config.server;
    let transport = match (&server.tls, server.mesh) {
        (Some(_), _) => "TLS",
        (None, true) => "plaintext, a mesh is declared",
        (None, false) => "plaintext on loopback",
    };
    let names: Vec<&str> = config
        .callers
        .iter()
        .map(|caller| caller.name.as_str())
        .collect();
    let line =
        |what, value: String, key| StartupReportLine::new(what, value, loaded.source_of(key));
    let reflection = if server.reflection { "on" } else { "off" };
    vec![
        line(
            "listening",
            format!("{}, {transport}", server.listen),
            "server.listen",
        ),
        durable,
        short_lived,
        line(
            "SMS",
            notifiers(&config.notifiers.sms),
            "notifiers.sms.endpoints",
        ),
        line(
            "e-mail",
            notifiers(&config.notifiers.email),
            "notifiers.email.endpoints",
        ),
        line(
            "passwords",
            passwords(&config.identity),
            "identity.endpoints",
        ),
        line("keys", ring.ids().join(", "), "keys.file"),
        line("callers", names.join(", "), "callers"),
        line("policy", decided(policy), "policy"),
        line("reflection", reflection.to_owned(), "server.reflection"),
    ]
}

/// What the operator decided for every tenant.
fn decided(layer: &PolicyOverride) -> String {
    let decided: Vec<&str> = PolicyField::ALL
        .into_iter()
        .filter(|field| layer.decides(*field))
        .map(PolicyField::name)
        .collect();
    if decided.is_empty() {
        return "built in; tenants decide everything".to_owned();
    }
    decided.join(", ")
}

/// The routes of a channel, in the order in which they are tried.
fn notifiers(channel: &NotifierConfig) -> String {
    if channel.endpoints.is_empty() {
        return "no notifier; methods of this kind can't be enrolled".to_owned();
    }
    let routes = channel.in_order().into_iter().map(route);
    routes.collect::<Vec<_>>().join(", then ")
}

/// Who is asked about passwords, in the order in which they are tried.
pub(super) fn passwords(identity: &IdentityConfig) -> String {
    if identity.endpoints.is_empty() {
        return "nobody knows them; an account password is no proof".to_owned();
    }
    let routes = identity.in_order().into_iter().map(route);
    routes.collect::<Vec<_>>().join(", then ")
}

fn route(endpoint: &EndpointConfig) -> String {
    let address = without_password(&endpoint.url);
    let named = match &endpoint.name {
        Some(name) => format!("{name} at {address}"),
        None => address,
    };
    let served = if endpoint.countries.is_empty() {
        named
    } else {
        format!("{named} for {}", endpoint.countries.join(" "))
    };
    if endpoint.owns_code {
        format!("{served} (codes are its own, and no notices)")
    } else {
        served
    }
}

/// An address as it may be shown.
pub(super) fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "(an address)".to_owned();
            }
            url.set_query(None);
            url.to_string()
        }
        Err(_) => "(not a URL)".to_owned(),
    }
}
