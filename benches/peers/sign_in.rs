//! Sign-ins of a peer's users, step by step.

use super::{
    PeerProduct, better_auth, django_otp,
    http::{self, Cookies},
    keycloak,
};
use crate::{
    BenchResult,
    users::{totp, unix_seconds, wait_for},
};
use reqwest::Client;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

const STEP_SECONDS: i64 = 30;

/// How far a browser has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub(super) cookies: Cookies,
    /// Where the next form goes, the device that is asked for, or the code that ends a sign-in.
    pub(super) next: String,
}

/// One user. What changes between calls is behind a lock that nobody else holds.
pub(super) struct PeerUser {
    number: usize,
    state: Mutex<PeerUserState>,
}

#[derive(Debug, Clone, Default)]
struct PeerUserState {
    session: Session,
    /// The time step of the last code that was used.
    last_step: i64,
}

/// How one user is known to a peer: `prepare.sh` enrolls with the same.
pub(super) struct Credentials {
    pub(super) name: String,
    pub(super) email: String,
    secret: String,
}

impl PeerUser {
    pub(super) fn new(number: usize) -> Self {
        Self {
            number,
            state: Mutex::default(),
        }
    }

    /// Waits until the code that the app shows is not the one that was used last.
    pub(super) async fn wait_for_code(&self) -> BenchResult<()> {
        wait_for((self.state().last_step + 1) * STEP_SECONDS).await
    }

    fn credentials(&self) -> Credentials {
        let number = self.number;
        Credentials {
            name: format!("user-{number}"),
            email: format!("user-{number}@example.com"),
            secret: format!("peer-secret-{number:08}"),
        }
    }

    /// The code that the app shows now. It counts as used.
    fn take_code(&self) -> BenchResult<String> {
        let step = unix_seconds()? / STEP_SECONDS;
        self.change(|state| state.last_step = step);
        totp(self.credentials().secret.as_bytes(), u64::try_from(step)?)
    }

    fn state(&self) -> PeerUserState {
        let state = self.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut PeerUserState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// All users of a peer, and the way to it.
pub(super) struct SignIns {
    peer: PeerProduct,
    http: Client,
    /// `http://` and the address.
    base: String,
    users: Arc<Vec<PeerUser>>,
}

impl SignIns {
    pub(super) fn new(
        peer: PeerProduct,
        address: SocketAddr,
        users: Arc<Vec<PeerUser>>,
    ) -> BenchResult<Self> {
        Ok(Self {
            peer,
            http: http::client()?,
            base: format!("http://{address}"),
            users,
        })
    }

    /// What goes before: a fresh browser, up to where the peer is asked for the second factor.
    pub(super) async fn begin(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.user(call)?;
        let (http, base) = (&self.http, &self.base);
        let session = match self.peer {
            PeerProduct::Keycloak => keycloak::begin(http, base).await?,
            PeerProduct::BetterAuth => Session::default(),
            PeerProduct::DjangoOtp => django_otp::begin(http, base, &user.credentials()).await?,
        };
        user.change(|state| state.session = session);
        Ok(())
    }

    /// The peer asks for a code.
    pub(super) async fn issue(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.user(call)?;
        let (mut session, credentials) = (user.state().session, user.credentials());
        let (http, base) = (&self.http, &self.base);
        match self.peer {
            PeerProduct::Keycloak => keycloak::issue(http, &mut session, &credentials).await?,
            PeerProduct::BetterAuth => {
                better_auth::issue(http, base, &mut session, &credentials).await?;
            }
            PeerProduct::DjangoOtp => django_otp::issue(http, base, &mut session).await?,
        }
        user.change(|state| state.session = session);
        Ok(())
    }

    /// The user answers with it.
    pub(super) async fn verify(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.user(call)?;
        let (mut session, code) = (user.state().session, user.take_code()?);
        let (http, base) = (&self.http, &self.base);
        match self.peer {
            PeerProduct::Keycloak => keycloak::verify(http, &mut session, &code).await?,
            PeerProduct::BetterAuth => better_auth::verify(http, base, &mut session, &code).await?,
            PeerProduct::DjangoOtp => django_otp::verify(http, base, &mut session, &code).await?,
        }
        user.change(|state| state.session = session);
        Ok(())
    }

    pub(super) async fn sign_in(self: Arc<Self>, call: usize) -> BenchResult<()> {
        Arc::clone(&self).issue(call).await?;
        self.verify(call).await
    }

    /// Keycloak alone: the portal gets tokens for what the sign-in ended with.
    pub(super) async fn exchange(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let session = self.user(call)?.state().session;
        keycloak::exchange(&self.http, &self.base, &session).await
    }

    /// Keycloak alone: a sign-in without a browser.
    pub(super) async fn grant(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.user(call)?;
        let (credentials, code) = (user.credentials(), user.take_code()?);
        keycloak::grant(&self.http, &self.base, &credentials, &code).await
    }

    fn user(&self, call: usize) -> BenchResult<&PeerUser> {
        let user = self.users.get(call % self.users.len());
        Ok(user.ok_or("no such user")?)
    }
}
