//! Builds requests to a gateway.

use crate::{
    config::{GatewayConfig, HttpMethod},
    parsed_message::ParsedMessage,
    sms::{
        error::SmsGatewayError,
        template::{RequestTemplate, TemplateError, TemplateSecrets},
    },
};
use countersign_transport::secret_file::read_secret;
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

/// The template of a request.
pub(super) struct RequestShape {
    method: Method,
    url: Url,
    headers: Vec<(HeaderName, RequestTemplate)>,
    login: Option<HeaderValue>,
    body: RequestBody,
}

enum RequestBody {
    Form(Vec<(String, RequestTemplate)>),
    Json(JsonTemplate),
}

/// A JSON value with templates as its strings.
enum JsonTemplate {
    Text(RequestTemplate),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    Other(Value),
}

impl RequestShape {
    /// Parses every template and reads every secret.
    ///
    /// # Errors
    /// [`SmsGatewayError`] if the configuration can't be used.
    pub(super) fn new(config: &GatewayConfig) -> Result<Self, SmsGatewayError> {
        let secrets: TemplateSecrets = config
            .secrets
            .iter()
            .map(|(name, file)| Ok((name.clone(), read_secret(file)?)))
            .collect::<Result<_, SmsGatewayError>>()?;
        let method = match config.method {
            HttpMethod::Get => Method::GET,
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
        };
        let shape = Self {
            method,
            url: Url::parse(&config.url).map_err(|_| SmsGatewayError::Url)?,
            headers: headers(config, &secrets)?,
            login: login(config, &secrets)?,
            body: body(config, &secrets)?,
        };
        shape.validated()
    }

    /// Checks the headers with an example message, so that malformed ones fail at the start.
    fn validated(self) -> Result<Self, SmsGatewayError> {
        let letter = ParsedMessage::example();
        for (name, template) in &self.headers {
            if header(template, &letter).is_none() {
                return Err(SmsGatewayError::Header(name.to_string()));
            }
        }
        Ok(self)
    }

    /// Builds the request for a message; `None` if a header can't carry a value.
    pub(super) fn request(
        &self,
        client: &Client,
        letter: &ParsedMessage,
    ) -> Option<RequestBuilder> {
        let mut url = self.url.clone();
        let mut request = match &self.body {
            RequestBody::Form(fields) if self.method == Method::GET => {
                let mut query = url.query_pairs_mut();
                for (name, value) in fields {
                    query.append_pair(name, &value.fill(letter));
                }
                drop(query);
                client.request(Method::GET, url)
            }
            RequestBody::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &value.fill(letter));
                }
                let request = client.request(self.method.clone(), url);
                request.header(CONTENT_TYPE, FORM).body(form.finish())
            }
            RequestBody::Json(node) => {
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

impl JsonTemplate {
    fn read(value: &Value, sender: &str, secrets: &TemplateSecrets) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::String(text) => Self::Text(RequestTemplate::read(text, sender, secrets)?),
            Value::Array(list) => Self::List(
                list.iter()
                    .map(|value| Self::read(value, sender, secrets))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::read(value, sender, secrets)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            other => Self::Other(other.clone()),
        })
    }

    fn fill(&self, letter: &ParsedMessage) -> Value {
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
    secrets: &TemplateSecrets,
) -> Result<Vec<(HeaderName, RequestTemplate)>, SmsGatewayError> {
    let read = |(name, text): (&String, &String)| {
        let header: HeaderName = name
            .parse()
            .map_err(|_| SmsGatewayError::Header(name.clone()))?;
        let template = RequestTemplate::header(text, &config.sender, secrets);
        let template =
            template.map_err(|bad| SmsGatewayError::Template(format!("headers.{name}"), bad))?;
        Ok((header, template))
    };
    config.headers.iter().map(read).collect()
}

/// The `Basic` credentials (RFC 7617), if configured.
fn login(
    config: &GatewayConfig,
    secrets: &TemplateSecrets,
) -> Result<Option<HeaderValue>, SmsGatewayError> {
    let Some(basic) = &config.basic_auth else {
        return Ok(None);
    };
    let letter = ParsedMessage::example();
    let fill = |text: &String| {
        let template = RequestTemplate::header(text, &config.sender, secrets);
        let template =
            template.map_err(|bad| SmsGatewayError::Template("basic_auth".to_owned(), bad))?;
        Ok::<_, SmsGatewayError>(template.fill(&letter))
    };
    let (user, password) = (fill(&basic.user)?, fill(&basic.password)?);
    let pair = Zeroizing::new([user.as_str(), password.as_str()].join(":"));
    let value = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
    let value = HeaderValue::from_str(&value);
    let mut value = value.map_err(|_| SmsGatewayError::Header("authorization".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn body(config: &GatewayConfig, secrets: &TemplateSecrets) -> Result<RequestBody, SmsGatewayError> {
    let bad = |name: &str, bad| SmsGatewayError::Template(name.to_owned(), bad);
    if config.json.is_empty() {
        let read = |(name, text): (&String, &String)| {
            let template = RequestTemplate::read(text, &config.sender, secrets);
            Ok((name.clone(), template.map_err(|error| bad("form", error))?))
        };
        let fields: Result<_, SmsGatewayError> = config.form.iter().map(read).collect();
        return Ok(RequestBody::Form(fields?));
    }
    let object = config.json.clone().into_iter().collect::<Map<_, _>>();
    let node = JsonTemplate::read(&Value::Object(object), &config.sender, secrets);
    Ok(RequestBody::Json(node.map_err(|error| bad("json", error))?))
}

fn header(template: &RequestTemplate, letter: &ParsedMessage) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&template.fill(letter)).ok()?;
    value.set_sensitive(true);
    Some(value)
}
