//! What start-up says of the texts of companies, and what their people then see.

use crate::support::{
    Clients, Person,
    person::{add_method, attested_at},
    processes::{Deployment, Process, binary, now, run},
};
use countersign_proto::v1 as pb;
use std::fs;

const NUMBER: &str = "+4915123456789";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// What `command` says of a configuration that it does not start with.
fn refusal(command: &str, config: &std::path::Path) -> String {
    let output = binary()
        .args([command, "--config", config.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(!output.status.success(), "it should not have started");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_company_signs_with_its_name_in_its_words_and_codes_are_bound_to_its_origin() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let texts = folder.path().join("texts");
        fs::create_dir(&texts).unwrap();
        fs::write(texts.join("de.ftl"), "sms-do-not-share = Bitte für sich behalten.\n").unwrap();
        let config = folder.path().join("config.toml");
        let tenant = format!(
            "[[tenants]]\nid = \"acme\"\ndisplay_name = \"ACME & Söhne\"\norigin = \"https://login.acme.example\"\n\
             android_app_hash = \"FA+9qCX9VSu\"\ndefault_locale = \"de-AT\"\ntexts = \"{}\"\n",
            texts.display()
        );
        fs::write(&config, tenant).unwrap();
        let config = config.to_str().unwrap();
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0", "--config", config]);
        let anyone = Clients::new(process.channel(), "any token");
        let jane = Person::new(anyone, "acme".to_owned(), "jane").await;

        let authorization = attested_at(now(), add_method(pb::MethodKind::Sms));
        jane.enroll_number(NUMBER, authorization).await;
        let message = jane.last_message(NUMBER).await;
        assert_eq!(
            message.text,
            format!(
                "{code} ist Ihr Einrichtungscode für ACME & Söhne. Konto: j***e. Gilt 10 Minuten. Bitte für sich behalten.\n\
                 FA+9qCX9VSu\n@login.acme.example #{code}",
                code = message.code
            )
        );

        let john = jane.colleague("john").await;
        let authorization = attested_at(now(), add_method(pb::MethodKind::Totp));
        let method = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let begun = john.begin_enrollment(john.enrollment_request(method, authorization)).await.unwrap();
        let uri = begun.totp.unwrap().otpauth_uri;
        assert!(uri.contains("issuer=ACME%20%26%20S%C3%B6hne"), "{uri}");
    });
}

#[test]
fn a58_texts_and_companies_that_can_not_be_used_do_not_start() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let texts = deployment.path("texts");
        fs::create_dir(&texts).unwrap();
        fs::write(texts.join("en.ftl"), "sms-do-not-share = Ask { $support } at acme.example.\n").unwrap();
        let own = format!("texts = \"{}\"", texts.display());
        for (fields, expected) in [
            (&*own, "en.ftl: sms-do-not-share: $support is not allowed in this text; it may contain no values"),
            (&*own, "en.ftl: sms-do-not-share: contains a link"),
            ("texts = \"/no/such/folder\"", "/no/such/folder: can't be read"),
            ("display_name = \"https://acme.example\"", "tenants: `acme`: display_name must not contain a link"),
            ("display_name = \"ACME\\nBank\"", "tenants: `acme`: display_name must be one line"),
            ("origin = \"http://acme.example\"", "tenants: `acme`: origin has to be https://"),
            ("origin = \"https://acme.example:8443\"", "origin has to be https://"),
            ("origin = \"https://acme.example/login\"", "origin has to be https://"),
            ("origin = \"https://192.0.2.1\"", "origin has to be https://"),
            ("android_app_hash = \"FA+9qCX9VS\"", "android_app_hash has to be 11 characters"),
            ("default_locale = \"tlh\"", "default_locale: no texts in `tlh`"),
            ("default_locale = \"no locale\"", "default_locale must be a BCP-47 language tag"),
            ("[[tenants]]\nid = \"acme\"", "tenants: `acme` stands there twice"),
        ] {
            deployment.extra = format!("[[tenants]]\nid = \"acme\"\n{fields}\n");
            for command in ["check-config", "serve"] {
                let said = refusal(command, &deployment.config());
                assert!(said.contains(expected), "{fields}: {said}");
            }
        }
    });
}

#[test]
fn what_has_no_room_is_a_warning() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        deployment.extra = "[[tenants]]\nid = \"acme\"\norigin = \"https://a-rather-long-name-of-a-host.acme.example\"\n".to_owned();
        let config = deployment.config();
        let output = run(&["check-config", "--config", config.to_str().unwrap()]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(
            said.contains("tenants: `acme`: text messages with a code have no room") && said.contains(" in ar, zh;"),
            "{said}"
        );
    });
}
