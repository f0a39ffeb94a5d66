//! The certificate that callers see.

use crate::config::TlsConfig;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file of `server.tls` that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("server.tls: {file} can't be used: {cause}")]
pub struct TlsConfigError {
    file: PathBuf,
    cause: TlsFileError,
}

/// What is wrong with a file of `server.tls`. It never shows what is in it: that may be the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    File(std::io::Error),
    /// It has nothing of what is looked for.
    #[error("it has no {0} in PEM")]
    Nothing(&'static str),
    /// The private key is encrypted.
    #[error(
        "the private key is encrypted: decrypt it (`openssl pkey -in FILE -out NEW`), or mount a file that is not"
    )]
    Encrypted,
    /// Something stands before the first line, which hides it.
    #[error("it starts with a byte order mark: save it as UTF-8 without one")]
    ByteOrderMark,
    /// It is in the binary form.
    #[error(
        "it is DER, not PEM: convert it (`openssl x509` or `openssl pkey`, with `-inform der`)"
    )]
    Der,
    /// It is PKCS#12.
    #[error("it has no line `-----BEGIN …-----`: it must be PEM, not PKCS#12 or another format")]
    NotPem,
    /// It is broken.
    #[error("its PEM is broken")]
    Broken,
    /// Certificate and key don't make one.
    #[error("it can't be used with the key of `server.tls.key`: {0}")]
    Unusable(rustls::Error),
}

/// Reads certificate and key, and makes sure that they can be used together.
///
/// # Errors
/// [`TlsConfigError`], with the file that is to blame.
pub fn load(config: &TlsConfig) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let TlsConfig { cert, key } = config;
    let blame = |file: &Path, cause| TlsConfigError {
        file: file.to_path_buf(),
        cause,
    };
    let chain = certificates(cert).map_err(|bad| blame(cert, bad))?;
    let private = private_key(key).map_err(|bad| blame(key, bad))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private)
        })
        .map_err(|error| blame(cert, TlsFileError::Unusable(error)))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// The certificates in a file.
///
/// # Errors
/// [`TlsFileError`].
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    parse_certificates(&fs::read(file).map_err(TlsFileError::File)?)
}

/// The private key in a file.
///
/// # Errors
/// [`TlsFileError`].
pub fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsFileError> {
    parse_private_key(&fs::read(file).map_err(TlsFileError::File)?)
}

fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    const WANTED: &str = "certificate";
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| because(pem, &error, WANTED))?;
    if chain.is_empty() || starts_with_mark(pem) {
        return Err(because(pem, &pem::Error::NoItemsFound, WANTED));
    }
    Ok(chain)
}

fn parse_private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsFileError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| because(pem, &error, "private key"))
}

/// A byte order mark hides the first line, and with it the first certificate of a chain.
fn starts_with_mark(pem: &[u8]) -> bool {
    pem.starts_with(b"\xEF\xBB\xBF")
}

/// Why nothing could be read from a file, as far as its form tells.
fn because(pem: &[u8], error: &pem::Error, wanted: &'static str) -> TlsFileError {
    const DER_SEQUENCE: &[u8] = &[0x30];
    if starts_with_mark(pem) {
        return TlsFileError::ByteOrderMark;
    }
    let text = String::from_utf8_lossy(pem);
    let is_encrypted = text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED");
    if is_encrypted {
        return TlsFileError::Encrypted;
    }
    match error {
        pem::Error::NoItemsFound if pem.starts_with(DER_SEQUENCE) => TlsFileError::Der,
        pem::Error::NoItemsFound if pem.is_empty() => TlsFileError::Nothing(wanted),
        pem::Error::NoItemsFound if !text.contains("-----BEGIN ") => TlsFileError::NotPem,
        pem::Error::NoItemsFound => TlsFileError::Nothing(wanted),
        _ => TlsFileError::Broken,
    }
}

#[cfg(test)]
mod tests;
