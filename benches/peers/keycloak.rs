//! Keycloak: a browser's sign-in with a username and a code, and a direct grant.

use super::{
    http::{Cookies, form, send},
    sign_in::{Credentials, Session},
};
use crate::BenchResult;
use reqwest::Client;
use url::Url;

const ENDPOINTS: &str = "/realms/bench/protocol/openid-connect";
const CLIENT: [(&str, &str); 2] = [
    ("client_id", "portal"),
    ("client_secret", "a-secret-that-only-benchmarks-use"),
];
const REDIRECT: (&str, &str) = ("redirect_uri", "http://127.0.0.1/signed-in");

/// The portal sends a browser to the sign-in page.
pub(super) async fn begin(http: &Client, base: &str) -> BenchResult<Session> {
    let page = Url::parse_with_params(
        &format!("{base}{ENDPOINTS}/auth"),
        &[
            ("client_id", "portal"),
            ("response_type", "code"),
            ("scope", "openid"),
            REDIRECT,
        ],
    )?;
    let mut session = Session::default();
    let page = send(http.get(page), &mut session.cookies).await?;
    session.next = action(&page.expect(200)?.body)?;
    Ok(session)
}

/// The username is the first factor, and costs no hash. The answer is the form for the code.
pub(super) async fn issue(
    http: &Client,
    session: &mut Session,
    user: &Credentials,
) -> BenchResult<()> {
    let request = form(http.post(&session.next), &[("username", &user.name)]);
    let page = send(request, &mut session.cookies).await?.expect(200)?;
    if !page.body.contains("name=\"otp\"") {
        return Err(format!("no form for a code: {}", page.body).into());
    }
    session.next = action(&page.body)?;
    Ok(())
}

/// The answer is a redirect to the portal with a code for tokens.
pub(super) async fn verify(http: &Client, session: &mut Session, code: &str) -> BenchResult<()> {
    let request = form(http.post(&session.next), &[("otp", code)]);
    let answer = send(request, &mut session.cookies).await?.expect(302)?;
    let location = Url::parse(&answer.location)?;
    let code = location.query_pairs().find(|(name, _)| name == "code");
    session.next = code.ok_or("no code for tokens")?.1.into_owned();
    Ok(())
}

pub(super) async fn exchange(http: &Client, base: &str, session: &Session) -> BenchResult<()> {
    let code = [
        ("grant_type", "authorization_code"),
        ("code", &session.next),
        REDIRECT,
    ];
    tokens(http, base, &code).await
}

pub(super) async fn grant(
    http: &Client,
    base: &str,
    user: &Credentials,
    code: &str,
) -> BenchResult<()> {
    let grant = [
        ("grant_type", "password"),
        ("scope", "openid"),
        ("username", &user.name),
        ("totp", code),
    ];
    tokens(http, base, &grant).await
}

async fn tokens(http: &Client, base: &str, grant: &[(&str, &str)]) -> BenchResult<()> {
    let fields = [grant, &CLIENT].concat();
    let request = form(http.post(format!("{base}{ENDPOINTS}/token")), &fields);
    let answer = send(request, &mut Cookies::default()).await?.expect(200)?;
    if answer.body.contains("\"id_token\"") {
        return Ok(());
    }
    Err(format!("no ID token: {}", answer.body).into())
}

/// Where the form of a page goes.
fn action(page: &str) -> BenchResult<String> {
    let (_, rest) = page
        .split_once("action=\"")
        .ok_or("a page without a form")?;
    let (action, _) = rest.split_once('"').ok_or("a page without a form")?;
    Ok(action.replace("&amp;", "&"))
}
