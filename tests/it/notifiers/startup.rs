//! What a notifier refuses to start with, and what it says.

use crate::support::{
    gateways::{certificate, check},
    processes::run,
};
use std::fs;
use tempfile::TempDir;

const CALLER: &str = "[caller]\ntoken_sha256 = [\"0000000000000000000000000000000000000000000000000000000000000000\"]\n";

fn refused(kind: &str, text: &str, parts: &[&str]) {
    let (would_start, said) = check(kind, text);
    assert!(!would_start, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a58_an_empty_configuration_is_refused_and_says_what_is_missing() {
    refused(
        "smtp",
        "",
        &[
            "data_dir",
            "caller.token_sha256",
            "smtp.host",
            "smtp.from",
            "notifier token",
        ],
    );
    refused(
        "sms",
        "",
        &[
            "data_dir",
            "caller.token_sha256",
            "gateway.url",
            "gateway.form",
        ],
    );
}

#[test]
fn a58_unsafe_configuration_is_refused() {
    let smtp = |more: &str| {
        format!(
            "data_dir = \"/nowhere\"\n{CALLER}[smtp]\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\n{more}"
        )
    };
    let (fits, said) = check("smtp", &smtp(""));
    assert!(fits && said.contains("STARTTLS, never without"), "{said}");
    let sms = |more: &str| {
        format!(
            "data_dir = \"/nowhere\"\n{CALLER}[gateway]\nurl = \"https://sms.example.com/send\"\nform = {{ to = \"{{destination}}\" }}\n{more}"
        )
    };
    let (fits, said) = check("sms", &sms(""));
    assert!(
        fits && said.contains("https://sms.example.com/send"),
        "{said}"
    );
    for (text, part) in [
        (
            smtp("tls = \"none\"\n"),
            "smtp.host is plaintext off loopback",
        ),
        (
            smtp("user = \"acme\"\n"),
            "set both smtp.user and smtp.password_file",
        ),
        (
            smtp("reply_to = \"nobody\"\n"),
            "smtp.reply_to is not an e-mail address",
        ),
        (smtp("max_connections = 0\n"), "smtp.max_connections is 0"),
        (
            smtp("password_file = \"/nowhere/password\"\nuser = \"acme\"\n"),
            "/nowhere/password",
        ),
        (
            smtp("[server]\nlisten = \"0.0.0.0:50061\"\n"),
            "server.listen is off loopback in plaintext",
        ),
        (smtp("[server]\nreflection = true\n"), "server.reflection"),
        (
            smtp("[server]\ndrain_seconds = 0\n"),
            "server.drain_seconds is 0",
        ),
        (smtp("[delivery]\nkeep_hours = 72\n"), "delivery.keep_hours"),
        (
            smtp("[delivery]\nmax_in_flight = 0\n"),
            "delivery.max_in_flight is 0",
        ),
        (
            smtp("[log]\nfilter = \"countersign=loud\"\n"),
            "log.filter is not a filter",
        ),
        (smtp("unknown = 1\n"), "unknown"),
        (smtp("").replace("0000000000", "zz"), "64 hexadecimal"),
    ] {
        refused("smtp", &text, &[part]);
    }
    let replaced = |from: &str, to: &str| sms("").replace(from, to);
    for (text, part) in [
        (
            replaced("https://", "http://"),
            "gateway.url is plaintext off loopback",
        ),
        (replaced("https://", "ftp://"), "gateway.url is not a URL"),
        (
            replaced("https://", "https://user:s3cret@"),
            "contains a user or a password",
        ),
        (sms("json = { to = \"{destination}\" }\n"), "not both"),
        (
            replaced("{destination}", "{number}"),
            "unknown placeholder `{number}`",
        ),
        (
            replaced("{destination}", "{sender}"),
            "gateway.sender is not set",
        ),
        (
            replaced("{destination}", "{secret:token}"),
            "gateway.secrets has no secret `token`",
        ),
        (
            sms("headers = { \"a b\" = \"c\" }\n"),
            "is not a header name",
        ),
        (
            sms("headers = { a = \"{text}\" }\n"),
            "is not allowed in a header",
        ),
        (
            sms("[gateway.success]\nstatuses = [\"2xx\"]\n"),
            "neither an HTTP status nor a range",
        ),
        (
            sms("[gateway.success]\npointer = \"/status\"\n"),
            "gateway.success",
        ),
        (
            sms("[[gateway.refusals]]\nreason = \"OPTED_OUT\"\n"),
            "gateway.refusals",
        ),
        (sms("message_id = \"id\"\n"), "not a JSON pointer"),
        (
            sms("preset = \"nobody's\"\n"),
            "gateway.preset is unknown; known presets are generic",
        ),
        (sms("timeout_ms = 0\n"), "gateway.timeout_ms is 0"),
    ] {
        refused("sms", &text, &[part]);
    }
    let (_, said) = check("sms", &replaced("https://", "https://user:s3cret@"));
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_mesh_may_be_declared() {
    let mesh = "[server]\nmesh = true\nlisten = \"0.0.0.0:50061\"\n";
    let smtp = format!(
        "data_dir = \"/nowhere\"\n{CALLER}[smtp]\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\ntls = \"none\"\n{mesh}"
    );
    let (fits, said) = check("smtp", &smtp);
    assert!(fits && said.contains("a mesh is declared"), "{said}");
}

#[test]
fn a_token_is_made_with_the_line_that_lets_it_in() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    let output = run(&["notifier", "token", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let token = fs::read_to_string(&file).unwrap();
    let hash = data_encoding::HEXLOWER.encode(&countersign_transport::callers::hash(&token));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines, format!("[caller]\ntoken_sha256 = [\"{hash}\"]\n"));
    assert!(!String::from_utf8(output.stderr).unwrap().contains(&token));
    let again = run(&["notifier", "token", file.to_str().unwrap()]);
    assert!(!again.status.success(), "a token that exists is left alone");
}

/// The samples in the guide, each after a line that names its notifier.
fn samples() -> Vec<(String, String)> {
    let guide = fs::read_to_string("docs/guides/run-the-notifiers.md").unwrap();
    let blocks = guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let named = blocks.filter_map(|block| {
        let named = block.strip_prefix("# countersign notifier ")?;
        let kind = named
            .split(|letter: char| !letter.is_ascii_lowercase())
            .next()?;
        Some((kind.to_owned(), block.to_owned()))
    });
    named.collect()
}

#[test]
fn the_samples_in_the_guide_are_accepted() {
    let samples = samples();
    assert!(samples.len() >= 7, "{}", samples.len());
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "s3cret").unwrap();
    let (cert, key) = certificate(folder.path());
    for (kind, text) in samples {
        let mut parts = text.split("\"/etc/countersign/");
        let mut fitting = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('"').unwrap();
            let file = match name {
                "tls.crt" => &cert,
                "tls.key" => &key,
                _ => &secret,
            };
            for piece in ["\"", file.to_str().unwrap(), "\"", rest] {
                fitting.push_str(piece);
            }
        }
        let (fits, said) = check(&kind, &fitting);
        assert!(fits, "{text}\n{said}");
    }
}
