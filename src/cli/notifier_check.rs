//! `countersign notifier-check`.

use crate::cli::common::CommandError;
use clap::{Args, ValueEnum};
use countersign_domain::value::destination::{self, Destination, Email, Phone};
use countersign_notifier_check::{
    CHECKS, CheckNeeds, CheckedNotifier, NotifierCheckSettings, ReportStyle,
};
use countersign_proto::notifier::Channel;
use countersign_transport::system::{Clock, RandomSource, SystemClock, SystemEntropy};
use std::{fs, io::IsTerminal, net::IpAddr, path::PathBuf, time::Duration};
use url::{Host, Url};

/// Ask a running notifier whether it keeps to the contract of `countersign.notifier.v1`.
#[derive(Debug, Args)]
pub(super) struct NotifierCheckArgs {
    /// Where it listens: `HOST:PORT` means `http://` on this machine and `https://` elsewhere.
    #[arg(value_name = "HOST:PORT|URL")]
    address: String,
    /// File with the bearer token that it asks for.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates to trust beside the system's, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What it serves; read off the destination where there is one, else e-mail.
    #[arg(long)]
    channel: Option<ChannelName>,
    /// Your own number or address: test messages go there.
    #[arg(long, value_name = "NUMBER|ADDRESS", requires = "allow_send")]
    destination: Option<String>,
    /// Send test messages, up to fifty, to the destination. Without it, only what sends nothing is asked.
    #[arg(long, requires = "destination")]
    allow_send: bool,
    /// How long a call may take, in milliseconds; as `notifiers.*.deadline_ms`.
    #[arg(long, value_name = "MS", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    deadline_ms: u64,
    /// The report as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChannelName {
    Sms,
    Email,
}

pub(super) async fn run(arguments: NotifierCheckArgs) -> Result<(), CommandError> {
    let style = style();
    let is_json = arguments.json;
    let settings = settings(&arguments)?;
    let announcement = alert_notices(&settings);
    let notifier = CheckedNotifier::new(settings)?;
    if !is_json {
        println!("{announcement}\n");
    }
    let report = countersign_notifier_check::run(&notifier, |line| {
        if !is_json {
            println!("{}", line.shown(style));
        }
    })
    .await;
    if is_json {
        println!("{:#}", report.json());
    } else {
        println!("\n{report}");
    }
    match report.broken() {
        0 => Ok(()),
        1 => Err("the notifier breaks the contract in one check".into()),
        broken => Err(format!("the notifier breaks the contract in {broken} checks").into()),
    }
}

fn settings(arguments: &NotifierCheckArgs) -> Result<NotifierCheckSettings, CommandError> {
    let url = url(&arguments.address)?;
    let destination = arguments.destination.as_deref().map(parse).transpose()?;
    let channel = channel(arguments.channel, destination.as_ref())?;
    let token = arguments.token_file.as_ref().map(|file| {
        let text = fs::read_to_string(file)
            .map_err(|cause| format!("the token in {} can't be read: {cause}", file.display()))?;
        match text.trim() {
            "" => Err(format!("there is no token in {}", file.display())),
            token => Ok(token.to_owned()),
        }
    });
    let ca = arguments.ca.as_ref().map(|file| {
        fs::read(file).map_err(|cause| format!("{} can't be read: {cause}", file.display()))
    });
    let mut run = [0; 8];
    SystemEntropy.fill(&mut run);
    Ok(NotifierCheckSettings {
        url,
        ca: ca.transpose()?,
        token: token.transpose()?,
        destination: countersign_notifier_check::TestDestination {
            channel,
            address: destination.map(|destination| destination.as_str().to_owned()),
        },
        call_timeout: Duration::from_millis(arguments.deadline_ms),
        run: data_encoding::HEXLOWER.encode(&run),
        now: SystemClock.now().millis() / 1000,
    })
}

/// A whole address. Nothing goes in plaintext to another machine: neither the token nor the destination.
fn url(address: &str) -> Result<String, String> {
    let bad = || {
        format!("`{address}` is no address: give HOST:PORT, http://HOST:PORT or https://HOST:PORT")
    };
    let has_scheme = address.contains("://");
    let charged_attempts = if has_scheme {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let url = Url::parse(&charged_attempts).map_err(|_| bad())?;
    let is_here = is_loopback(&url);
    let is_whole = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    match (has_scheme, url.scheme(), is_here) {
        _ if !is_whole || url.password().is_some() => Err(bad()),
        (false, ..) if url.port().is_none() => Err(bad()),
        (false, _, false) => Ok(format!("https://{address}")),
        (_, "http", true) | (true, "https", _) => Ok(charged_attempts),
        (true, "http", false) => Err(format!(
            "{address} is plaintext to another machine: Countersign calls notifiers by https:// there"
        )),
        _ => Err(bad()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn parse(text: &str) -> Result<Destination, String> {
    if text.contains('@') {
        let email = Email::parse(text).map(Destination::Email);
        return email.map_err(|_| "--destination is no e-mail address".to_owned());
    }
    let phone = Phone::parse(text).map(Destination::Phone);
    phone.map_err(|_| {
        "--destination is neither an e-mail address nor a mobile number such as +49 …".to_owned()
    })
}

fn channel(
    named: Option<ChannelName>,
    destination: Option<&Destination>,
) -> Result<Channel, String> {
    let read = destination.map(|destination| match destination.channel() {
        destination::Channel::Sms => ChannelName::Sms,
        destination::Channel::Email => ChannelName::Email,
    });
    match (named, read) {
        (Some(named), Some(read)) if named != read => {
            Err("--destination does not go with --channel".to_owned())
        }
        (named, read) => Ok(match named.or(read).unwrap_or(ChannelName::Email) {
            ChannelName::Sms => Channel::Sms,
            ChannelName::Email => Channel::Email,
        }),
    }
}

fn alert_notices(settings: &NotifierCheckSettings) -> String {
    let url = &settings.url;
    if let Some(address) = &settings.destination.address {
        return format!("Asking {url}. Test messages go to {}.", masked(address));
    }
    let sending = CHECKS
        .iter()
        .filter(|check| check.needs == CheckNeeds::LeaveToSend);
    format!(
        "Asking {url}. Nothing is sent; {} more checks need --allow-send and --destination.",
        sending.count()
    )
}

fn masked(address: &str) -> String {
    parse(address).map_or_else(|_| String::new(), |destination| destination.masked())
}

#[expect(
    clippy::disallowed_methods,
    reason = "https://no-color.org is a variable; it changes nothing but colors"
)]
fn style() -> ReportStyle {
    if std::io::stdout().is_terminal() && std::env::var("NO_COLOR").is_err() {
        return ReportStyle::Colored;
    }
    ReportStyle::Plain
}
