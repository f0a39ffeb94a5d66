//! What a gateway is asked.

use crate::gateways::{
    config::{GatewayConfig, HttpMethod, secret},
    letter::Letter,
    sms::{
        BadGateway,
        template::{BadTemplate, Secrets, Template},
    },
};
use data_encoding::BASE64;
use http::{
    HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The shape of a request.
pub(super) struct Shape {
    method: Method,
    url: Url,
    headers: Vec<(HeaderName, Template)>,
    login: Option<HeaderValue>,
    body: Body,
}

enum Body {
    Form(Vec<(String, Template)>),
    Json(Node),
}

/// A JSON value whose texts are templates.
enum Node {
    Text(Template),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    Other(Value),
}

impl Shape {
    /// Reads every template and secret.
    ///
    /// # Errors
    /// [`BadGateway`].
    pub(super) fn new(config: &GatewayConfig) -> Result<Self, BadGateway> {
        let secrets: Secrets = config
            .secrets
            .iter()
            .map(|(name, file)| Ok((name.clone(), secret(file)?)))
            .collect::<Result<_, BadGateway>>()?;
        let method = match config.method {
            HttpMethod::Get => Method::GET,
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
        };
        let shape = Self {
            method,
            url: Url::parse(&config.url).map_err(|_| BadGateway::Url)?,
            headers: headers(config, &secrets)?,
            login: login(config, &secrets)?,
            body: body(config, &secrets)?,
        };
        shape.tried()
    }

    /// Fails now rather than with the first message, if a header can't be one.
    fn tried(self) -> Result<Self, BadGateway> {
        let letter = Letter::example();
        for (name, template) in &self.headers {
            if header(template, &letter).is_none() {
                return Err(BadGateway::Header(name.to_string()));
            }
        }
        Ok(self)
    }

    /// The request for a message; none if a header can't carry what is filled in.
    pub(super) fn request(&self, client: &Client, letter: &Letter) -> Option<RequestBuilder> {
        let mut url = self.url.clone();
        let mut request = match &self.body {
            Body::Form(fields) if self.method == Method::GET => {
                let mut query = url.query_pairs_mut();
                for (name, value) in fields {
                    query.append_pair(name, &value.fill(letter));
                }
                drop(query);
                client.request(Method::GET, url)
            }
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &value.fill(letter));
                }
                let request = client.request(self.method.clone(), url);
                request.header(CONTENT_TYPE, FORM).body(form.finish())
            }
            Body::Json(node) => {
                let body = node.fill(letter).to_string();
                let request = client.request(self.method.clone(), url);
                request.header(CONTENT_TYPE, JSON).body(body)
            }
        };
        for (name, template) in &self.headers {
            request = request.header(name, header(template, letter)?);
        }
        if let Some(login) = &self.login {
            request = request.header(AUTHORIZATION, login);
        }
        Some(request)
    }
}

impl Node {
    fn read(value: &Value, sender: &str, secrets: &Secrets) -> Result<Self, BadTemplate> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::read(text, sender, secrets)?),
            Value::Array(list) => Self::List(
                list.iter()
                    .map(|value| Self::read(value, sender, secrets))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::read(value, sender, secrets)?)))
                    .collect::<Result<_, BadTemplate>>()?,
            ),
            other => Self::Other(other.clone()),
        })
    }

    fn fill(&self, letter: &Letter) -> Value {
        match self {
            Self::Text(template) => Value::String(template.fill(letter).as_str().to_owned()),
            Self::List(list) => list.iter().map(|node| node.fill(letter)).collect(),
            Self::Object(object) => {
                let filled = object
                    .iter()
                    .map(|(name, node)| (name.clone(), node.fill(letter)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
            Self::Other(value) => value.clone(),
        }
    }
}

fn headers(
    config: &GatewayConfig,
    secrets: &Secrets,
) -> Result<Vec<(HeaderName, Template)>, BadGateway> {
    let read = |(name, text): (&String, &String)| {
        let header: HeaderName = name.parse().map_err(|_| BadGateway::Header(name.clone()))?;
        let template = Template::header(text, &config.sender, secrets);
        let template =
            template.map_err(|bad| BadGateway::Template(format!("headers.{name}"), bad))?;
        Ok((header, template))
    };
    config.headers.iter().map(read).collect()
}

/// `Basic` (RFC 7617), where it is configured.
fn login(config: &GatewayConfig, secrets: &Secrets) -> Result<Option<HeaderValue>, BadGateway> {
    let Some(basic) = &config.basic_auth else {
        return Ok(None);
    };
    let letter = Letter::example();
    let fill = |text: &String| {
        let template = Template::header(text, &config.sender, secrets);
        let template =
            template.map_err(|bad| BadGateway::Template("basic_auth".to_owned(), bad))?;
        Ok::<_, BadGateway>(template.fill(&letter))
    };
    let (user, password) = (fill(&basic.user)?, fill(&basic.password)?);
    let pair = Zeroizing::new([user.as_str(), password.as_str()].join(":"));
    let value = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
    let value = HeaderValue::from_str(&value);
    let mut value = value.map_err(|_| BadGateway::Header("authorization".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn body(config: &GatewayConfig, secrets: &Secrets) -> Result<Body, BadGateway> {
    let bad = |name: &str, bad| BadGateway::Template(name.to_owned(), bad);
    if config.json.is_empty() {
        let read = |(name, text): (&String, &String)| {
            let template = Template::read(text, &config.sender, secrets);
            Ok((name.clone(), template.map_err(|error| bad("form", error))?))
        };
        let fields: Result<_, BadGateway> = config.form.iter().map(read).collect();
        return Ok(Body::Form(fields?));
    }
    let object = config.json.clone().into_iter().collect::<Map<_, _>>();
    let node = Node::read(&Value::Object(object), &config.sender, secrets);
    Ok(Body::Json(node.map_err(|error| bad("json", error))?))
}

fn header(template: &Template, letter: &Letter) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&template.fill(letter)).ok()?;
    value.set_sensitive(true);
    Some(value)
}
