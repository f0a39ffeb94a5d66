//! django-otp: a session of Django's that is verified with a code.

use super::{
    http::{form, send},
    sign_in::{Credentials, Session},
};
use crate::BenchResult;
use reqwest::Client;
use serde_json::Value;

/// The first factor: a session that has no second one.
pub(super) async fn begin(http: &Client, base: &str, user: &Credentials) -> BenchResult<Session> {
    let mut session = Session::default();
    let request = http.post(format!("{base}/sign-in"));
    let request = form(request, &[("user", &user.name)]);
    send(request, &mut session.cookies).await?.expect(204)?;
    Ok(session)
}

/// The device that the user can answer with.
pub(super) async fn issue(http: &Client, base: &str, session: &mut Session) -> BenchResult<()> {
    let request = http.get(format!("{base}/challenge"));
    let answer = send(request, &mut session.cookies).await?.expect(200)?;
    let answer: Value = serde_json::from_str(&answer.body)?;
    let device = answer.pointer("/devices/0").and_then(Value::as_str);
    device.ok_or("no device")?.clone_into(&mut session.next);
    Ok(())
}

pub(super) async fn verify(
    http: &Client,
    base: &str,
    session: &mut Session,
    code: &str,
) -> BenchResult<()> {
    let request = http.post(format!("{base}/verify"));
    let request = form(request, &[("device", &session.next), ("code", code)]);
    send(request, &mut session.cookies).await?.expect(204)?;
    Ok(())
}
