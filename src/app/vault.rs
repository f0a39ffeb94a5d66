//! Sealing and opening: values become bytes that only the key ring can read.

use crate::{
    app::{App, Error, call::Shown, export_user::EndOfPage, simulate_policy::EndOfSimulation},
    ports::DoesNotOpen,
};
use countersign_domain::{
    account::Account,
    challenge::Challenge,
    directory::Filter,
    event::Personal,
    id::{ChallengeId, EventId, MethodId, NoticeId, Subject, SubjectTag, TenantId, UserId},
    malformed::{InvalidField, Malformed},
    message::OutboundNotice,
    method::{Method, MethodSecret},
    policy::{Author, Layer},
    profile::{OnFile, Profile},
    request::RequestMark,
    secret::{Sealed, SealedFor, SecretBytes},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// The form of what is sealed now. Another shape of a sealed type is another form.
const FORM: u8 = 1;

impl App {
    pub(super) fn seal_challenge(&self, challenge: &Challenge) -> Sealed {
        self.seal(
            SealedFor::Challenge(&challenge.subject, challenge.id),
            challenge,
        )
    }

    pub(super) fn open_challenge(
        &self,
        who: &Subject,
        id: ChallengeId,
        sealed: &Sealed,
    ) -> Result<Challenge, Error> {
        self.open(SealedFor::Challenge(who, id), sealed)
    }

    pub(super) fn seal_method(
        &self,
        who: &Subject,
        (id, version): (MethodId, u32),
        secret: &MethodSecret,
    ) -> Sealed {
        self.seal(SealedFor::Method(who, id, version), secret)
    }

    pub(super) fn open_method(
        &self,
        who: &Subject,
        method: &Method,
    ) -> Result<MethodSecret, Error> {
        self.open(
            SealedFor::Method(who, method.id, method.version),
            &method.sealed,
        )
    }

    pub(super) fn seal_profile(&self, who: &Subject, profile: &Profile) -> Sealed {
        self.seal(SealedFor::Profile(who), profile)
    }

    /// What is on file of an account.
    pub(super) fn on_file(&self, account: &Account) -> Result<OnFile, Error> {
        Ok(OnFile {
            profile: self.open(SealedFor::Profile(&account.subject), &account.profile)?,
            email_verified: account.email_verified,
            email_version: account.email_version,
        })
    }

    pub(super) fn seal_notice(
        &self,
        who: SubjectTag,
        id: NoticeId,
        notice: &OutboundNotice,
    ) -> Sealed {
        self.seal(SealedFor::Notice(who, id), notice)
    }

    pub(super) fn open_notice(
        &self,
        who: SubjectTag,
        id: NoticeId,
        sealed: &Sealed,
    ) -> Result<OutboundNotice, Error> {
        self.open(SealedFor::Notice(who, id), sealed)
    }

    /// What a repeat of the call must show again.
    pub(super) fn seal_shown(&self, who: &Subject, mark: RequestMark, shown: &Shown) -> Sealed {
        self.seal(SealedFor::Receipt(who, mark.tag), shown)
    }

    pub(super) fn open_shown(
        &self,
        who: &Subject,
        mark: RequestMark,
        sealed: &Sealed,
    ) -> Result<Shown, Error> {
        self.open(SealedFor::Receipt(who, mark.tag), sealed)
    }

    /// Who changed a policy, and why.
    pub(super) fn seal_author(&self, tenant: &TenantId, id: EventId, author: &Author) -> Sealed {
        self.seal(SealedFor::Author(tenant, id), author)
    }

    /// A new user's own key, plain and sealed.
    pub(super) fn new_user_key(&self, who: &Subject) -> (SecretBytes, Sealed) {
        let key = SecretBytes::new(self.random::<32>().to_vec());
        let sealed = self
            .parts
            .keys
            .seal(SealedFor::UserKey(who), key.expose(), self.random());
        (key, sealed)
    }

    pub(super) fn user_key(&self, account: &Account) -> Result<SecretBytes, Error> {
        let purpose = SealedFor::UserKey(&account.subject);
        Ok(self.parts.keys.open(purpose, &account.user_key)?)
    }

    pub(super) fn seal_personal(&self, user_key: &SecretBytes, personal: &Personal) -> Sealed {
        self.parts
            .keys
            .seal_personal(user_key, &encode(personal), self.random())
    }

    /// What of an event tells who the person is; nothing where it was not sealed under the user's key.
    pub(super) fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &Sealed,
    ) -> Result<Option<Personal>, Error> {
        match self.parts.keys.open_personal(user_key, sealed) {
            Ok(plain) => decode(plain.expose()).map(Some),
            Err(_not_under_this_key) => Ok(None),
        }
    }

    /// What asks for the page of a list behind a user.
    pub(super) fn list_page_token(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        last: &UserId,
    ) -> String {
        let which = encode(&("users", filter));
        self.page_token(SealedFor::ListPage(tenant, &which), last)
    }

    /// Behind which user a page begins; nothing for the first.
    pub(super) fn end_of_list_page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        token: &str,
    ) -> Result<Option<UserId>, Error> {
        let which = encode(&("users", filter));
        self.end_of_page(SealedFor::ListPage(tenant, &which), token)
    }

    /// What goes on with a simulation that was cut short.
    pub(super) fn simulation_token(
        &self,
        tenant: &TenantId,
        tried: &Layer,
        end: &EndOfSimulation,
    ) -> String {
        let which = encode(&("simulation", tried));
        self.page_token(SealedFor::ListPage(tenant, &which), end)
    }

    /// Where a simulation goes on; nothing if it begins.
    pub(super) fn end_of_simulation(
        &self,
        tenant: &TenantId,
        tried: &Layer,
        token: &str,
    ) -> Result<Option<EndOfSimulation>, Error> {
        let which = encode(&("simulation", tried));
        self.end_of_page(SealedFor::ListPage(tenant, &which), token)
    }

    /// What asks for the next page of an export.
    pub(super) fn export_page_token(&self, who: &Subject, end: &EndOfPage) -> String {
        self.page_token(SealedFor::ExportPage(who), end)
    }

    /// Where a page of an export begins; nothing for the first.
    pub(super) fn end_of_export_page(
        &self,
        who: &Subject,
        token: &str,
    ) -> Result<Option<EndOfPage>, Error> {
        self.end_of_page(SealedFor::ExportPage(who), token)
    }

    fn page_token(&self, list: SealedFor<'_>, end: &impl Serialize) -> String {
        BASE64URL_NOPAD.encode(self.seal(list, end).as_bytes())
    }

    /// A token that does not open is the caller's mistake, whatever is the matter with it: the list begins anew.
    fn end_of_page<T: DeserializeOwned>(
        &self,
        list: SealedFor<'_>,
        token: &str,
    ) -> Result<Option<T>, Error> {
        const MALFORMED: InvalidField = InvalidField {
            field: "page_token",
            why: Malformed::NotAPageToken,
        };
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes());
        let sealed = Sealed::from_bytes(bytes.map_err(|_| MALFORMED)?);
        let end = self.open(list, &sealed).map_err(|_| MALFORMED)?;
        Ok(Some(end))
    }

    fn seal(&self, purpose: SealedFor<'_>, value: &impl Serialize) -> Sealed {
        self.parts.keys.seal(purpose, &encode(value), self.random())
    }

    fn open<T: DeserializeOwned>(
        &self,
        purpose: SealedFor<'_>,
        sealed: &Sealed,
    ) -> Result<T, Error> {
        let plain = self.parts.keys.open(purpose, sealed)?;
        decode(plain.expose())
    }
}

/// The bytes of a value, the number of its form before them.
fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let bytes = postcard::to_allocvec(&(FORM, value));
    bytes
        .expect("plain values have no shape that postcard can't encode")
        .into()
}

/// All of the bytes, or nothing: bytes of another form, or with something behind the value, are not ours to guess at.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let (form, value) = bytes
        .split_first()
        .ok_or(Error::Defect("sealed bytes without a form"))?;
    if *form != FORM {
        return Err(DoesNotOpen::UnknownForm.into());
    }
    match postcard::take_from_bytes(value) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(Error::Defect("sealed bytes with more behind the value")),
        Err(_) => Err(Error::Defect("sealed bytes of another shape")),
    }
}

#[cfg(test)]
mod tests;
