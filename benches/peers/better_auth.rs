//! better-auth: a sign-in by e-mail address, whose password check costs no hash, and its `twoFactor` plugin.

use super::{
    http::send,
    sign_in::{Credentials, Session},
};
use crate::BenchResult;
use reqwest::{
    Client,
    header::{CONTENT_TYPE, ORIGIN},
};
use serde_json::{Value, json};

/// The sign-in that asks for the second factor: the answer has the cookie of a challenge.
pub(super) async fn issue(
    http: &Client,
    base: &str,
    session: &mut Session,
    user: &Credentials,
) -> BenchResult<()> {
    let password = "a password that costs no hash";
    let body = json!({ "email": user.email, "password": password });
    *session = Session::default();
    let answer = post(http, base, "/sign-in/email", session, &body).await?;
    expect(&answer, "\"twoFactorRedirect\":true")
}

/// The answer has the cookie of a session.
pub(super) async fn verify(
    http: &Client,
    base: &str,
    session: &mut Session,
    code: &str,
) -> BenchResult<()> {
    let body = json!({ "code": code });
    let answer = post(http, base, "/two-factor/verify-totp", session, &body).await?;
    expect(&answer, "\"token\":")
}

async fn post(
    http: &Client,
    base: &str,
    path: &str,
    session: &mut Session,
    body: &Value,
) -> BenchResult<String> {
    let request = http.post(format!("{base}/api/auth{path}"));
    let request = request.header(CONTENT_TYPE, "application/json");
    let request = request.header(ORIGIN, base).body(body.to_string());
    let answer = send(request, &mut session.cookies).await?;
    Ok(answer.expect(200)?.body)
}

fn expect(answer: &str, what: &str) -> BenchResult<()> {
    if answer.contains(what) {
        return Ok(());
    }
    Err(format!("no {what} in {answer}").into())
}
