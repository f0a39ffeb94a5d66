//! E-mail: builds a message, takes a connection, and runs the SMTP dialogue step by step, because the meaning of a
//! reply depends on its step. Before the content is sent, the server has accepted nothing. After it, silence leaves the
//! result unknown.

mod connections;
mod mail;
mod reply;

use crate::{
    config::SmtpConfig,
    outcome::{SendFailure, SendOutcome},
    parsed_message::ParsedMessage,
    smtp::{
        connections::{PooledSmtpConnection, SmtpConnections},
        mail::{MailSender, OutgoingMail},
    },
};
use countersign_proto::notifier::RefusalReason;
use countersign_transport::secret_file::{SecretFileError, read_secret};
use lettre::transport::smtp::{
    Error,
    commands::{Data, Mail as MailFrom, Rcpt, Rset},
};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Sends messages through a mail server.
pub struct SmtpRelay {
    connections: SmtpConnections,
    sender: MailSender,
    timeout: Duration,
}

/// Why a mail server can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpConfigError {
    /// The password can't be read.
    #[error("smtp.password_file: {0}")]
    Password(#[from] SecretFileError),
    /// An address is malformed.
    #[error("smtp.from or smtp.reply_to is not an e-mail address")]
    Address,
    /// The machine's trust store can't be used.
    #[error("the machine's trust store can't be used: {0}")]
    Trust(Error),
}

impl SmtpRelay {
    /// Creates a relay. Connections are opened on first use.
    ///
    /// # Errors
    /// [`SmtpConfigError`] if the configuration can't be used.
    pub fn new(config: &SmtpConfig) -> Result<Self, SmtpConfigError> {
        let password = config
            .password_file
            .as_deref()
            .map(read_secret)
            .transpose()?;
        let sender = MailSender::new(config).ok_or(SmtpConfigError::Address)?;
        let hello = config.hello_name.clone();
        let hello = hello.unwrap_or_else(|| sender.domain().to_owned());
        Ok(Self {
            connections: SmtpConnections::new(config, hello, password)
                .map_err(SmtpConfigError::Trust)?,
            sender,
            timeout: Duration::from_millis(config.timeout_ms),
        })
    }

    /// Sends one message. What has not started by `ends` is given up. Once the content is sent, the reply is awaited
    /// until the timeout.
    pub async fn send(&self, message: &ParsedMessage, ends: Instant) -> SendOutcome {
        let Some(mail) = self.sender.mail(message) else {
            return SendOutcome::Refused(RefusalReason::InvalidDestination);
        };
        let deadline = Instant::now() + self.timeout;
        let mut pooled =
            match timeout_at(deadline.min(ends), self.begin_mail_transaction(&mail)).await {
                Ok(Ok(pooled)) => pooled,
                Ok(Err(sent)) => return sent,
                Err(_elapsed) => return SendOutcome::Failed(SendFailure::Timeout),
            };
        let content = pooled.connection.message(&mail.content);
        match timeout_at(deadline, content).await {
            Ok(Ok(response)) => {
                pooled.is_idle = true;
                let id = reply::queue_id(response.message()).unwrap_or(mail.message_id);
                SendOutcome::Taken { provider_id: id }
            }
            Ok(Err(error)) if error.status().is_some() => {
                say(&error, "content");
                SendOutcome::Failed(failure(&error, SendFailure::Content))
            }
            Ok(Err(error)) => {
                say(&error, "content");
                SendOutcome::InDoubt(SendFailure::Connection)
            }
            Err(_elapsed) => SendOutcome::InDoubt(SendFailure::Timeout),
        }
    }

    /// Starts a mail transaction (RFC 5321 §3.3): takes a connection, and sends the sender and the recipient.
    async fn begin_mail_transaction(
        &self,
        mail: &OutgoingMail,
    ) -> Result<PooledSmtpConnection, SendOutcome> {
        let mut pooled = self.connections.take().await.map_err(SendOutcome::Failed)?;
        let line = &mut pooled.connection;
        let from = MailFrom::new(Some(mail.from.clone()), Vec::new());
        if let Err(error) = line.command(from).await {
            say(&error, "sender");
            return Err(SendOutcome::Failed(failure(&error, SendFailure::Sender)));
        }
        if let Err(error) = line.command(Rcpt::new(mail.to.clone(), Vec::new())).await {
            say(&error, "recipient");
            let is_idle = line.command(Rset).await.is_ok();
            pooled.is_idle = is_idle;
            return Err(if reply::is_of_the_address(&error) {
                SendOutcome::Refused(RefusalReason::InvalidDestination)
            } else {
                SendOutcome::Failed(failure(&error, SendFailure::Recipient))
            });
        }
        if let Err(error) = line.command(Data).await {
            say(&error, "content");
            return Err(SendOutcome::Failed(failure(&error, SendFailure::Content)));
        }
        Ok(pooled)
    }
}

/// Reply 421 to any command means that the server closes the connection (RFC 5321 §3.8).
fn failure(error: &Error, step: SendFailure) -> SendFailure {
    match error.status() {
        Some(code) if code.to_string() != "421" => step,
        _ => SendFailure::Connection,
    }
}

/// Logs the reply to a step by its codes, never its text, which may repeat the address.
fn say(error: &Error, step: &'static str) {
    let code = error.status().map(|code| code.to_string());
    let code = code.unwrap_or_default();
    let enhanced = reply::enhanced(error).unwrap_or_default();
    tracing::info!(step, code, enhanced, "mail server rejected the message");
}
