//! Requests as a browser sends them, with one store of cookies for each sign-in.

use crate::BenchResult;
use reqwest::{
    Client, RequestBuilder,
    header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
    redirect,
};
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// The cookies of one browser.
#[derive(Debug, Clone, Default)]
pub(super) struct Cookies(BTreeMap<String, String>);

impl Cookies {
    /// Takes a `Set-Cookie` header. One without a value removes a cookie.
    fn take(&mut self, header: &str) {
        let pair = header.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else {
            return;
        };
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    fn header(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) location: String,
    pub(super) body: String,
}

impl HttpAnswer {
    /// The answer, if it has this status.
    pub(super) fn expect(self, status: u16) -> BenchResult<Self> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("not {status}: {self:?}").into())
    }
}

/// A client that keeps its connections and follows no redirect.
pub(super) fn client() -> BenchResult<Client> {
    // A client has a TLS provider even if it speaks none.
    let _installed_already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none());
    Ok(client.build()?)
}

/// Sends the request of a browser, which keeps the cookies of the answer.
pub(super) async fn send(
    request: RequestBuilder,
    cookies: &mut Cookies,
) -> BenchResult<HttpAnswer> {
    let response = request.header(COOKIE, cookies.header()).send().await?;
    for header in response.headers().get_all(SET_COOKIE) {
        cookies.take(header.to_str()?);
    }
    let location = response.headers().get(LOCATION);
    let location = location.map_or(Ok(""), |location| location.to_str())?;
    Ok(HttpAnswer {
        status: response.status().as_u16(),
        location: location.to_owned(),
        body: response.text().await?,
    })
}

/// A form as the body of a request.
pub(super) fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
}
