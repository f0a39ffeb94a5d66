//! S03, S04, S06, S08, S17 as their readers see them: through the reference notifiers, a real mail server and a real SMS
//! gateway.

use crate::{
    notifiers::{
        chain::{NUMBER, text_of},
        runtime,
    },
    support::{
        Builder, ManualClock, Pair, Person, Service, Stores,
        gateways::{PythonServer, RunningNotifier, TOKEN},
        person::{add_method, approval},
        until,
    },
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_proto::v1::{
    self as pb, AnswerKind, MethodKind, action::Action,
    begin_enrollment_request::Method as Enrolls, begin_sign_in_response::Decision,
    issue_challenge_request::AnswerWith,
};
use std::sync::Arc;
use tempfile::TempDir;

/// A service, its two notifiers, and what people have at hand.
struct World {
    service: Service,
    mailbox: PythonServer,
    phone: PythonServer,
    _notifiers: [RunningNotifier; 2],
    _folder: TempDir,
}

const EMAIL: Enrolls = Enrolls::Email(pb::EnrollEmail {});

fn sms() -> Enrolls {
    Enrolls::Sms(pb::EnrollSms {
        phone_number: NUMBER.to_owned(),
    })
}

fn in_the_world<Story: Future>(story: impl FnOnce(World) -> Story) {
    runtime().block_on(async { story(World::new().await).await });
}

impl World {
    async fn new() -> Self {
        let (mailbox, phone) = (PythonServer::mailbox(&[]), PythonServer::sms_gateway(&[]));
        let url = format!("http://localhost:{}/answer/200/e30=", phone.port);
        let gateway =
            format!("url = {url:?}\nform = {{ to = \"{{destination}}\", text = \"{{text}}\" }}\n");
        let by_sms = RunningNotifier::sms(&gateway).started();
        let by_mail = RunningNotifier::smtp(&mailbox, "tls = \"none\"").started();
        let folder = TempDir::new().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, TOKEN).unwrap();
        let through = |notifier: &RunningNotifier| NotifierConfig {
            endpoints: vec![EndpointConfig::at(notifier.process().url())],
            token_file: Some(token.clone()),
            deadline_ms: 8000,
            ..NotifierConfig::default()
        };
        let config = NotifiersConfig {
            sms: through(&by_sms),
            email: through(&by_mail),
        };
        let client = NotifierClient::new(&config, Arc::new(MessageTexts::built_in())).unwrap();
        let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
        builder.clock = Arc::new(ManualClock::at_real_time());
        builder.notifier = Some(Arc::new(client));
        Self {
            service: builder.start(),
            mailbox,
            phone,
            _notifiers: [by_sms, by_mail],
            _folder: folder,
        }
    }

    fn mails(&self) -> Vec<String> {
        let heard = self.mailbox.heard();
        let texts = heard.iter().map(|mail| mail["text"].as_str().unwrap());
        texts.map(str::to_owned).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.phone.heard().iter().map(text_of).collect()
    }

    /// The newest code in the mailbox, once there are so many.
    async fn mailed_code(&self, count: usize) -> String {
        newest_code(|| self.mails(), count).await
    }

    /// The newest code on the phone, once there are so many.
    async fn texted_code(&self, count: usize) -> String {
        newest_code(|| self.texts(), count).await
    }

    /// A person whose number is enrolled.
    async fn with_number(&self) -> (Person, String) {
        let jane = self.service.person().await;
        let word = jane.attested(&self.service, add_method(MethodKind::Sms));
        let begun = jane.begin_enrollment(jane.enrollment_request(sms(), word));
        let challenge = begun.await.unwrap().challenge.unwrap();
        let code = self.texted_code(1).await;
        let enrolled = jane.confirm(&challenge.challenge_id, &code).await;
        self.service.advance(60);
        (jane, enrolled.method.unwrap().method_id)
    }

    /// The same with the address on file beside it; gives both methods.
    async fn with_number_and_mailbox(&self) -> (Person, String, String) {
        let (jane, number) = self.with_number().await;
        let proof = self
            .proof_by_phone(&jane, add_method(MethodKind::Email))
            .await;
        let begun = jane.begin_enrollment(jane.enrollment_request(EMAIL, proof));
        let challenge = begun.await.unwrap().challenge.unwrap();
        let code = self.mailed_code(1).await;
        let enrolled = jane.confirm(&challenge.challenge_id, &code).await;
        self.service.advance(120);
        (jane, number, enrolled.method.unwrap().method_id)
    }

    /// A step-up that is answered with the second code on the phone.
    async fn proof_by_phone(&self, jane: &Person, action: Action) -> Option<pb::Authorization> {
        let challenge = jane.issue_with(jane.step_up_request(action)).await.unwrap();
        let code = self.texted_code(2).await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        approval(&approved.approval_id)
    }
}

/// Six digits that stand alone, where there are any.
fn code_in(text: &str) -> Option<String> {
    let mut words = text.split(|character: char| !character.is_alphanumeric());
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    words.find(is_code).map(str::to_owned)
}

async fn newest_code(texts: impl Fn() -> Vec<String>, count: usize) -> String {
    let codes =
        async || -> Vec<String> { texts().iter().filter_map(|text| code_in(text)).collect() };
    let mut codes = until(codes, |codes| codes.len() >= count).await;
    assert_eq!(codes.len(), count, "no more than was asked for");
    codes.pop().unwrap()
}

#[test]
fn s03_a_code_comes_to_the_phone_and_signs_in() {
    in_the_world(async |world| {
        let (jane, number) = world.with_number().await;
        let challenge = jane.issue().await;
        assert_eq!(challenge.method_id, number);
        let code = world.texted_code(2).await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        assert_eq!(approved.answered_by(), AnswerKind::Sms);
    });
}

#[test]
fn s04_a_code_comes_to_the_mailbox_on_file_and_signs_in() {
    in_the_world(async |world| {
        let jane = world.service.person().await;
        let word = jane.attested(&world.service, add_method(MethodKind::Email));
        let begun = jane.begin_enrollment(jane.enrollment_request(EMAIL, word));
        let challenge = begun.await.unwrap().challenge.unwrap();
        let code = world.mailed_code(1).await;
        jane.confirm(&challenge.challenge_id, &code).await;
        world.service.advance(60);

        let challenge = jane.issue().await;
        let code = world.mailed_code(2).await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        assert_eq!(approved.answered_by(), AnswerKind::Email);
        let sent = world.mailbox.heard();
        assert!(sent.iter().all(|mail| mail["to"][0] == *jane.email));
    });
}

#[test]
fn s06_the_mailbox_is_asked_first_where_it_is_the_default() {
    in_the_world(async |world| {
        let (jane, _, mailbox) = world.with_number_and_mailbox().await;
        let decide = async || {
            let request = pb::BeginSignInRequest {
                issue_default: true,
                ..jane.sign_in_request()
            };
            match jane.begin_sign_in_with(request).await.unwrap() {
                Decision::ChallengeRequired(required) => required,
                other => panic!("two-factor is on: {other:?}"),
            }
        };
        let action = Action::SetDefaultMethod(pb::SetDefaultMethod {
            method_id: mailbox.clone(),
        });
        let challenge = jane.issue_with(jane.step_up_request(action)).await.unwrap();
        let code = world.texted_code(3).await;
        let proof = jane.approved(&challenge.challenge_id, &code).await;
        let update = pb::UpdateMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: mailbox.clone(),
            is_default: true,
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["is_default".to_owned()],
            }),
            authorization: approval(&proof.approval_id),
            ..pb::UpdateMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        methods.update_method(update).await.unwrap();
        world.service.advance(60);

        let required = decide().await;
        assert_eq!(required.default_method_id, mailbox);
        let code = world.mailed_code(2).await;
        let challenge = required.challenge.unwrap();
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn s08_no_sms_received_so_it_is_sent_again_and_then_the_mailbox_is_asked() {
    in_the_world(async |world| {
        let (jane, number, mailbox) = world.with_number_and_mailbox().await;
        let challenge = jane.issue_for(&number).await.unwrap();
        assert_eq!(challenge.masked_destination, "+49*********89");
        let first = world.texted_code(3).await;
        world.service.advance(30);
        jane.resend(&challenge.challenge_id).await.unwrap();
        assert_eq!(world.texted_code(4).await, first, "the same code again");

        let instead = pb::IssueChallengeRequest {
            answer_with: Some(AnswerWith::MethodId(mailbox)),
            replaced_challenge_id: challenge.challenge_id.clone(),
            ..jane.challenge_request()
        };
        let other = jane.issue_with(instead).await.unwrap();
        let code = world.mailed_code(2).await;
        let late = jane.rejected(&challenge.challenge_id, &first).await;
        assert_eq!(late.reason(), pb::RejectionReason::ChallengeOver);
        let approved = jane.approved(&other.challenge_id, &code).await;
        assert_eq!(approved.answered_by(), AnswerKind::Email);
    });
}

#[test]
fn s17_the_security_standard_has_been_updated_is_told_to_phone_and_mailbox() {
    in_the_world(async |world| {
        let (jane, number) = world.with_number().await;
        let action = Action::ReplaceMethod(pb::ReplaceMethod {
            method_id: number.clone(),
            kind: MethodKind::Email.into(),
        });
        let proof = world.proof_by_phone(&jane, action).await;
        let request = pb::BeginEnrollmentRequest {
            replaced_method_id: number,
            ..jane.enrollment_request(EMAIL, proof)
        };
        let begun = jane.begin_enrollment(request).await.unwrap();
        let code = world.mailed_code(1).await;
        let challenge = begun.challenge.unwrap();
        jane.confirm(&challenge.challenge_id, &code).await;
        world.service.wait_for_notices().await;

        let change_notices = "your security standard has been updated to EMAIL";
        let texts = async || world.texts();
        until(texts, |texts| {
            texts.iter().any(|text| text.contains(change_notices))
        })
        .await;
        let heard = async || world.mailbox.heard();
        let mails = until(heard, |mails| {
            let mut subjects = mails.iter().map(|mail| &mail["headers"]["Subject"]);
            subjects.any(|subject| subject == "Your security standard has been updated")
        });
        let mails = mails.await;
        let told = mails.last().unwrap()["text"].as_str().unwrap();
        assert!(told.contains("updated to EMAIL"), "{told}");
        assert!(
            told.contains(&jane.tenant_id),
            "signed with the company's name: {told}"
        );
    });
}
