//! Mail: a message is built, a connection taken, and the dialogue led step by step, because what an answer means depends
//! on the step that it answers. Before the content is sent nothing is taken; after it, silence leaves open what happened.

mod connections;
mod mail;
mod reply;

use crate::{
    config::{SecretFileError, SmtpConfig, secret},
    outcome::{SendFailure, SendOutcome},
    parsed_message::ParsedMessage,
    smtp::{
        connections::{PooledSmtpConnection, SmtpConnections},
        mail::{MailSender, OutgoingMail},
    },
};
use countersign_proto::notifier::RefusalReason;
use lettre::transport::smtp::{
    Error,
    commands::{Data, Mail as MailFrom, Rcpt, Rset},
};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Hands messages to a mail server.
pub struct SmtpRelay {
    connections: SmtpConnections,
    sender: MailSender,
    timeout: Duration,
}

/// A mail server that can't be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum SmtpConfigError {
    /// The password can't be read.
    #[error("smtp.password_file: {0}")]
    Password(#[from] SecretFileError),
    /// An address can't be read.
    #[error("smtp.from or smtp.reply_to is not an e-mail address")]
    Address,
    /// The trust store can't be used.
    #[error("the machine's trust store can't be used: {0}")]
    Trust(Error),
}

impl SmtpRelay {
    /// Over connections that are opened when they are needed.
    ///
    /// # Errors
    /// [`SmtpConfigError`].
    pub fn new(config: &SmtpConfig) -> Result<Self, SmtpConfigError> {
        let password = config.password_file.as_deref().map(secret).transpose()?;
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

    /// Hands one message on. What is not begun by `ends` is given up; once its content is sent, the answer is waited for.
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
                say(&error, "the content");
                SendOutcome::Failed(failure(&error, SendFailure::Content))
            }
            Ok(Err(error)) => {
                say(&error, "the content");
                SendOutcome::InDoubt(SendFailure::Connection)
            }
            Err(_elapsed) => SendOutcome::InDoubt(SendFailure::Timeout),
        }
    }

    /// Everything of a mail transaction (RFC 5321 §3.3) before the content: a connection, the sender, the recipient.
    async fn begin_mail_transaction(
        &self,
        mail: &OutgoingMail,
    ) -> Result<PooledSmtpConnection, SendOutcome> {
        let mut pooled = self.connections.take().await.map_err(SendOutcome::Failed)?;
        let line = &mut pooled.connection;
        let from = MailFrom::new(Some(mail.from.clone()), Vec::new());
        if let Err(error) = line.command(from).await {
            say(&error, "the sender");
            return Err(SendOutcome::Failed(failure(&error, SendFailure::Sender)));
        }
        if let Err(error) = line.command(Rcpt::new(mail.to.clone(), Vec::new())).await {
            say(&error, "the recipient");
            let is_idle = line.command(Rset).await.is_ok();
            pooled.is_idle = is_idle;
            return Err(if reply::is_of_the_address(&error) {
                SendOutcome::Refused(RefusalReason::InvalidDestination)
            } else {
                SendOutcome::Failed(failure(&error, SendFailure::Recipient))
            });
        }
        if let Err(error) = line.command(Data).await {
            say(&error, "the content");
            return Err(SendOutcome::Failed(failure(&error, SendFailure::Content)));
        }
        Ok(pooled)
    }
}

/// Whatever 421 answers, it says that the server goes away (RFC 5321 §3.8).
fn failure(error: &Error, step: SendFailure) -> SendFailure {
    match error.status() {
        Some(code) if code.to_string() != "421" => step,
        _ => SendFailure::Connection,
    }
}

/// Says what the server thinks of a step. Never its words: they may repeat the address.
fn say(error: &Error, step: &'static str) {
    let code = error.status().map(|code| code.to_string());
    let code = code.unwrap_or_default();
    let enhanced = reply::enhanced(error).unwrap_or_default();
    tracing::info!(step, code, enhanced, "the mail server says no");
}
