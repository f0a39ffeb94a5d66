//! TLS to PostgreSQL.

use super::url::{ServerAddress, TlsMode};
use countersign_transport::tls::{TlsFileError, certificates, private_key};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What stands against TLS to a server. It never shows what is in a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresTlsError {
    #[error("{0} in postgres.url can't be used: {1}")]
    File(PathBuf, TlsFileError),
    #[error(
        "no authority is installed on this machine: name the one that signed the server's certificate by `sslrootcert` in \
         postgres.url"
    )]
    NoAuthority,
    #[error(
        "`sslmode=verify-ca` checks no name, so it needs an authority of your own: name it by `sslrootcert` in postgres.url, \
         or use `verify-full`"
    )]
    AnyAuthority,
    #[error("`sslcert` and `sslkey` in postgres.url belong together: name both, or none")]
    HalfClientCertificate,
    #[error("{0}")]
    Config(#[from] Error),
    #[error("{0}")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// How to speak TLS to a server; nothing where it is not to be spoken.
pub(super) fn client_config(
    address: &ServerAddress,
) -> Result<Option<ClientConfig>, PostgresTlsError> {
    if address.tls == TlsMode::Disable || address.is_socket() {
        return Ok(None);
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = ServerCertificateVerifier {
        authorities: authorities(address, &provider)?,
        checks_name: address.tls == TlsMode::VerifyFull,
        provider: Arc::clone(&provider),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match (&address.client_certificate, &address.client_key) {
        (None, None) => Ok(Some(builder.with_no_client_auth())),
        (Some(certificate), Some(key_file)) => {
            let key = private_key(key_file).map_err(|error| unusable(key_file, error))?;
            let config = builder.with_client_auth_cert(certificates_of(certificate)?, key)?;
            Ok(Some(config))
        }
        _ => Err(PostgresTlsError::HalfClientCertificate),
    }
}

/// Who may sign the server's certificate; nothing where it is not checked.
fn authorities(
    address: &ServerAddress,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>, PostgresTlsError> {
    let file = address.root_certificates.as_deref();
    let roots = match address.tls {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => return Ok(None),
        // Without a check of the name, any certificate of a public authority would do.
        TlsMode::VerifyCa => with_file(
            RootCertStore::empty(),
            file.ok_or(PostgresTlsError::AnyAuthority)?,
        ),
        TlsMode::VerifyFull => match file {
            Some(file) => with_file(of_machine(), file),
            None => Ok(of_machine()),
        },
    }?;
    if roots.is_empty() {
        return Err(PostgresTlsError::NoAuthority);
    }
    let builder =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    Ok(Some(builder.build()?))
}

fn of_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn with_file(mut roots: RootCertStore, file: &Path) -> Result<RootCertStore, PostgresTlsError> {
    for certificate in certificates_of(file)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn certificates_of(file: &Path) -> Result<Vec<CertificateDer<'static>>, PostgresTlsError> {
    certificates(file).map_err(|error| unusable(file, error))
}

fn unusable(file: &Path, error: TlsFileError) -> PostgresTlsError {
    PostgresTlsError::File(file.to_owned(), error)
}

/// What to do about a handshake that failed, where that is known.
pub(super) fn advice(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some(
            "name the authority that signed the server's certificate by `sslrootcert` in postgres.url",
        ),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some(
            "name the server in postgres.url as its certificate does, or give it a certificate for this name",
        ),
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => Some("give the server a new certificate"),
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateUnknown,
        ) => Some(
            "the server does not take the client's certificate: name one by `sslcert` that an authority in the server's `ssl_ca_file` signed",
        ),
        _ => None,
    }
}

/// Checks a server's certificate as far as its `sslmode` asks for: `prefer` and `require` check nothing of it, `verify-ca`
/// who signed it, `verify-full` its name too. That the server holds the key is always checked.
#[derive(Debug)]
struct ServerCertificateVerifier {
    authorities: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ServerCertificateVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified =
            authorities.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        match verified {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
