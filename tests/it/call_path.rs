//! The files that a right TOTP code passes are those that `docs/architecture.md` lists, in that order.

use crate::support::{Pair, Service};
use std::{
    fs,
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// The most files that a reader has to open to follow a code.
const MOST_FILES: usize = 10;

/// Files of pure rules: the domain crate logs nothing.
const RULES: &str = "src/domain/";

/// Notes the file of each span and event of ours, once, in the order of the first.
#[derive(Clone, Default)]
struct FileRecorder(Arc<Mutex<Vec<String>>>);

impl FileRecorder {
    fn note(&self, metadata: &Metadata<'_>) {
        // The line of a call that has ended.
        if metadata.target() == "countersign::access" {
            return;
        }
        let Some(file) = metadata.module_path().and_then(file_of) else {
            return;
        };
        let mut files = self.0.lock().unwrap();
        if !files.contains(&file) {
            files.push(file);
        }
    }
}

impl Subscriber for FileRecorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(span.metadata());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The file of a module of this workspace.
fn file_of(module: &str) -> Option<String> {
    let (root, path) = module.split_once("::")?;
    let folder = match root.strip_prefix("countersign")? {
        "" => String::new(),
        of => format!("{}/", of.trim_start_matches('_')),
    };
    Some(format!("src/{folder}{}.rs", path.replace("::", "/")))
}

/// The files that the page lists, in its order.
fn listed() -> Vec<String> {
    let page = fs::read_to_string("docs/architecture.md").unwrap();
    let (_, section) = page
        .split_once("### The files of a right TOTP code\n")
        .unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `src/"));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn a_right_totp_code_passes_the_files_that_the_docs_list() {
    // With one subscriber, `tracing` asks that of the thread which first comes by an event whether anybody wants it, and
    // other tests come by without any. With two, it asks all.
    let _second = tracing::Dispatch::new(FileRecorder::default());
    let recorder = FileRecorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    // One thread, so that whatever the call starts is seen too.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let passed = runtime.block_on(async {
        let service = Service::start(Pair::Production).await;
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        recorder.0.lock().unwrap().clear();
        let code = app.app.code_at(service.seconds());
        jane.approved(&challenge.challenge_id, &code).await;
        recorder.0.lock().unwrap().clone()
    });

    let listed = listed();
    assert!(listed.len() <= MOST_FILES, "{listed:#?}");
    for file in &listed {
        assert!(fs::exists(file).unwrap(), "{file}");
    }
    let without_rules: Vec<String> = listed
        .into_iter()
        .filter(|file| !file.starts_with(RULES))
        .collect();
    assert_eq!(passed, without_rules);
}
