//! A62: `BeginReset` tells by its time, or by a rate limit, whether a login exists.

use crate::{
    stories::resets::{ask, with_resets},
    support::{
        Person, Service, on_both_pairs, on_embedded, person::add_method, refused, service::unique,
    },
};
use countersign_proto::v1::{self as pb, MethodKind, begin_reset_request::Whose};
use std::time::{Duration, Instant};
use tonic::{Code, Status};

/// Pairs of calls that are compared.
const PAIRS: usize = 100;

/// Above it, two samples differ (ASVS 11.2.4).
const T_LIMIT: f64 = 4.5;

const HOUR: u64 = 3600;

/// Requests of one login in an hour, and from one address.
const PER_LOGIN: usize = 60;
const PER_ADDRESS: usize = 30;

#[expect(clippy::disallowed_methods, reason = "the attack is about real time")]
async fn timed<T>(call: impl Future<Output = T>) -> Duration {
    let began = Instant::now();
    call.await;
    began.elapsed()
}

/// Welch's t of two samples, without the slowest tenth of each: those are slow for reasons of the machine.
fn welch_t(a: Vec<Duration>, b: Vec<Duration>) -> f64 {
    let [(mean_a, error_a), (mean_b, error_b)] = [a, b].map(|mut sample| {
        sample.sort_unstable();
        sample.truncate(sample.len() * 9 / 10);
        let seconds: Vec<f64> = sample.iter().map(Duration::as_secs_f64).collect();
        let count = f64::from(u32::try_from(seconds.len()).unwrap());
        let mean = seconds.iter().sum::<f64>() / count;
        let squares = seconds.iter().map(|value| (value - mean).powi(2));
        (mean, squares.sum::<f64>() / (count - 1.0) / count)
    });
    (mean_a - mean_b).abs() / (error_a + error_b).sqrt()
}

/// Users whose resets begin and, of each, a login that nobody has.
async fn logins(service: &Service) -> Vec<(Person, Person)> {
    let jane = service.person().await;
    let mut logins = Vec::new();
    for place in 0..PAIRS {
        let user = jane.colleague(&format!("user-{place}")).await;
        user.enroll_app(service).await;
        let nobody = Person {
            user_id: format!("none-{place}"),
            ..user.clone()
        };
        logins.push((user, nobody));
    }
    service.advance(73 * HOUR);
    logins
}

/// The times of calls, turn by turn in the same run.
async fn measure(
    service: &Service,
    logins: &[(Person, Person)],
    call: impl AsyncFn(&Person),
) -> f64 {
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for (place, (user, nobody)) in logins.iter().enumerate() {
        if place % 20 == 0 {
            service.advance(HOUR);
        }
        present.push(timed(call(user)).await);
        absent.push(timed(call(nobody)).await);
    }
    welch_t(present, absent)
}

fn login(person: &Person) -> Whose {
    Whose::UserId(person.user_id.clone())
}

#[test]
fn a62_the_time_of_a_reset_request_does_not_tell_whether_a_login_exists() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let logins = logins(&service).await;
        let t = measure(&service, &logins, async |person| {
            ask(person, login(person)).await.unwrap();
        })
        .await;
        println!("t = {t:.2}");
        assert!(t < T_LIMIT, "t = {t:.2}");
    });
}

/// What a login that exists costs before its answer is seen in the time.
#[test]
fn a62_work_for_a_login_before_the_answer_is_caught_control() {
    on_embedded(async |service| {
        let service = with_resets(&service);
        let logins = logins(&service).await;
        let t = measure(&service, &logins, async |person| {
            ask(person, login(person)).await.unwrap();
            if person.user_id.starts_with("user-") {
                let word = person.attested(&service, add_method(MethodKind::Totp));
                let app = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
                let _begun = person
                    .begin_enrollment(person.enrollment_request(app, word))
                    .await;
            }
        })
        .await;
        println!("t = {t:.2}");
        assert!(t > T_LIMIT, "t = {t:.2}");
    });
}

/// Asks from an address until that is refused; how many were taken.
async fn taken(person: &Person, whose: &Whose, address: impl Fn(usize) -> String) -> usize {
    for count in 0.. {
        if let Err(status) = ask_from(person, whose, &address(count)).await {
            refused::<()>(Err(status), Code::ResourceExhausted, "TOO_MANY_SENDS");
            return count;
        }
    }
    unreachable!("there is no end to count to")
}

async fn ask_from(person: &Person, whose: &Whose, address: &str) -> Result<(), Status> {
    let request = pb::BeginResetRequest {
        tenant_id: person.tenant_id.clone(),
        whose: Some(whose.clone()),
        context: Some(pb::ClientContext {
            client_address: address.to_owned(),
            ..pb::ClientContext::default()
        }),
        ..pb::BeginResetRequest::default()
    };
    let mut client = person.clients.recovery.clone();
    client.begin_reset(request).await.map(drop)
}

#[test]
fn a62_a_login_has_one_budget_whether_it_exists_or_not() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let jane = service.person().await;
        let many = |count: usize| format!("192.0.2.{}", count % 250);
        for whose in [login(&jane), Whose::UserId(unique())] {
            assert_eq!(taken(&jane, &whose, many).await, PER_LOGIN);
        }
        service.advance(HOUR);
        ask_from(&jane, &login(&jane), "192.0.2.1").await.unwrap();
    });
}

#[test]
fn a62_an_address_asks_for_a_few_logins_and_leaves_the_rest_to_others() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let jane = service.person().await;
        let one = |_: usize| "192.0.2.1".to_owned();
        let jane_by_login = login(&jane);
        assert_eq!(taken(&jane, &jane_by_login, one).await, PER_ADDRESS);
        let other = ask_from(&jane, &Whose::UserId(unique()), "192.0.2.1").await;
        refused(other, Code::ResourceExhausted, "TOO_MANY_SENDS");
        // The owner, from elsewhere.
        ask_from(&jane, &jane_by_login, "198.51.100.7")
            .await
            .unwrap();
    });
}
