//! What the documents say is what the program does. `UPDATE_DOCS=1` writes the generated parts anew.

mod descriptors;
mod features;
mod field_behavior;

use countersign::config::reference;
use countersign_notifiers::config::{SmsNotifierConfig, SmtpNotifierConfig};
use countersign_password_verifier::config::FileVerifierConfig;
use countersign_proto::DESCRIPTORS;
use countersign_transport::config::{REFUSED, reference_of};
use prost::Message;
use prost_types::FileDescriptorSet;
use std::{fmt::Write, fs, path::Path};

/// The part of a document between two markers has to be this.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever changes the source asks for the documents to be written anew"
)]
fn generated(document: &str, name: &str, expected: &str) {
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let text = fs::read_to_string(document).unwrap();
    let (head, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{document} has no {begin}"));
    let (actual, tail) = rest.split_once(&end).unwrap();
    if actual.trim() != expected.trim() && std::env::var("UPDATE_DOCS").is_ok() {
        fs::write(
            document,
            format!("{head}{begin}{}\n{end}{tail}", expected.trim()),
        )
        .unwrap();
        return;
    }
    assert_eq!(
        actual.trim(),
        expected.trim(),
        "{document} is out of date: run `make docs`"
    );
}

#[test]
fn the_readme_lists_every_field_of_the_configuration() {
    generated("README.md", "configuration", &reference());
}

#[test]
fn the_guide_lists_every_field_of_the_notifiers() {
    let guide = "docs/guides/run-the-notifiers.md";
    generated(guide, "smtp", &reference_of::<SmtpNotifierConfig>(&REFUSED));
    generated(guide, "sms", &reference_of::<SmsNotifierConfig>(&REFUSED));
}

#[test]
fn the_guide_lists_every_field_of_the_verifier() {
    let guide = "docs/guides/bring-your-own-password-check.md";
    generated(
        guide,
        "verifier",
        &reference_of::<FileVerifierConfig>(&REFUSED),
    );
}

#[test]
fn no_reference_lists_what_start_up_refuses() {
    let serve = reference();
    for field in [
        "identity.endpoints[].countries",
        "identity.endpoints[].owns_code",
        "notifiers.email.endpoints[].countries",
    ] {
        assert!(!serve.contains(field), "{field}");
    }
    for field in [
        "identity.endpoints[].url",
        "notifiers.sms.endpoints[].countries",
        "notifiers.email.endpoints[].owns_code",
        "server.reflection",
    ] {
        assert!(serve.contains(field), "{field}");
    }
    for alone in [
        reference_of::<SmtpNotifierConfig>(&REFUSED),
        reference_of::<SmsNotifierConfig>(&REFUSED),
        reference_of::<FileVerifierConfig>(&REFUSED),
    ] {
        assert!(!alone.contains("reflection") && alone.contains("server.mesh"));
    }
}

#[test]
fn the_readme_lists_every_rpc() {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut table = String::from("| service | RPC | what it does |\n|---|---|---|\n");
    for file in &set.file {
        let ours = file.package() == "countersign.v1";
        for (place, service) in file.service.iter().enumerate().filter(|_| ours) {
            for (number, method) in service.method.iter().enumerate() {
                let path = [
                    6,
                    i32::try_from(place).unwrap(),
                    2,
                    i32::try_from(number).unwrap(),
                ];
                let info = file.source_code_info.as_ref().unwrap();
                let location = info
                    .location
                    .iter()
                    .find(|location| location.path == path)
                    .unwrap();
                let comment = location.leading_comments().trim().replace("\n ", " ");
                let sentence = comment.split_inclusive(". ").next().unwrap().trim();
                writeln!(
                    table,
                    "| `{}` | `{}` | {sentence} |",
                    service.name(),
                    method.name()
                )
                .unwrap();
            }
        }
    }
    generated("README.md", "rpcs", &table);
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut documents = vec![
        Path::new("README.md").to_path_buf(),
        Path::new("CHANGELOG.md").to_path_buf(),
    ];
    collect(Path::new("docs"), &mut documents);
    assert!(documents.len() >= 6, "{documents:?}");
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = document.parent().unwrap().join(target);
            assert!(path.exists(), "{}: {link}", document.display());
        }
    }
}

fn collect(folder: &Path, documents: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, documents);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
}
