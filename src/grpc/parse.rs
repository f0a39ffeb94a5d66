//! Messages to values: what is malformed is told by its field, before any store is touched.

mod admin;
mod device;
mod policy;
mod reset;
mod users;

pub(super) use admin::{actor, bypass_life};
pub(super) use device::{device_name, trusted_devices};
pub(super) use policy::{policy_update, simulation};
pub(super) use reset::{digits, whose};
pub(super) use users::list_request;

use crate::{
    app::{
        AnswerChoice, ClientContext, EnrollmentTarget, FirstFactor, MethodUpdate, RequestedPurpose,
        SubmittedProof,
    },
    grpc::status::CallerDenial,
};
use countersign_domain::{
    account::profile::{
        AccountName, EnrollmentGrace, GraceReason, GroupName, Locale, ProfileUpdate,
    },
    authorization::{
        action::{Action, CallerAction, Transaction},
        password::Password,
        proof::Attestation,
        ticket::EnrollmentTicket,
    },
    challenge::code::CanonicalAnswer,
    device::{ClientApp, DeviceToken},
    method::{MethodKind, MethodLabel},
    notice::message::ClientDescription,
    revert::RevertToken,
    value::{
        destination::{Email, Phone},
        id::{AttestationId, Id},
        malformed::MalformedValue,
        time::Timestamp,
    },
};
use countersign_proto::v1 as pb;
use prost_types::FieldMask;

type ParseResult<T> = Result<T, CallerDenial>;

const LONGEST_USER_AGENT: usize = 512;
const MOST_GROUPS: usize = 100;

pub(super) fn id<Of>(field: &'static str, text: &str) -> ParseResult<Id<Of>> {
    Ok(Id::parse(text).map_err(|why| why.at(field))?)
}

/// An id, or nothing where the text is empty.
pub(super) fn optional_id<Of>(field: &'static str, text: &str) -> ParseResult<Option<Id<Of>>> {
    if text.is_empty() {
        Ok(None)
    } else {
        id(field, text).map(Some)
    }
}

pub(super) fn revert_token(text: &str) -> ParseResult<RevertToken> {
    Ok(RevertToken::parse(text).map_err(|why| why.at("revert_token"))?)
}

pub(super) fn label(text: &str) -> ParseResult<Option<MethodLabel>> {
    Ok(MethodLabel::parse(text).map_err(|why| why.at("label"))?)
}

pub(super) fn answer(code: &str) -> ParseResult<CanonicalAnswer> {
    Ok(CanonicalAnswer::parse(code).map_err(|why| why.at("code"))?)
}

pub(super) fn context(context: pb::ClientContext) -> ParseResult<ClientContext> {
    let pb::ClientContext {
        device_token,
        client_address,
        user_agent,
        app,
        locale,
        place,
        device_name,
    } = context;
    let client_address = match client_address.as_str() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| MalformedValue::NotAnIpAddress.at("context.client_address"))?,
        ),
    };
    if user_agent.len() > LONGEST_USER_AGENT {
        return Err(MalformedValue::TooLong(LONGEST_USER_AGENT)
            .at("context.user_agent")
            .into());
    }
    let app = match pb::ClientApp::try_from(app) {
        Ok(pb::ClientApp::Unspecified) => None,
        Ok(pb::ClientApp::Browser) => Some(ClientApp::Browser),
        Ok(pb::ClientApp::Mobile) => Some(ClientApp::Mobile),
        Err(_) => return Err(MalformedValue::UnknownValue.at("context.app").into()),
    };
    Ok(ClientContext {
        device_token: DeviceToken::parse(&device_token)
            .map_err(|why| why.at("context.device_token"))?,
        client_address,
        user_agent: Some(user_agent).filter(|text| !text.is_empty()),
        app,
        locale: Locale::parse(&locale).map_err(|why| why.at("context.locale"))?,
        client_description: ClientDescription::parse(&place, &device_name)?,
    })
}

pub(super) fn first_factor(number: i32) -> ParseResult<FirstFactor> {
    match pb::FirstFactor::try_from(number) {
        Ok(pb::FirstFactor::Password) => Ok(FirstFactor::Password),
        Ok(pb::FirstFactor::Sso) => Ok(FirstFactor::Sso),
        Ok(pb::FirstFactor::Unspecified) | Err(_) => {
            Err(MalformedValue::UnknownValue.at("first_factor").into())
        }
    }
}

pub(super) fn purpose(
    purpose: Option<pb::issue_challenge_request::Purpose>,
) -> ParseResult<RequestedPurpose> {
    use pb::issue_challenge_request::Purpose;
    match purpose.ok_or(MalformedValue::NothingChosen.at("purpose"))? {
        Purpose::SignIn(pb::SignIn {}) => Ok(RequestedPurpose::SignIn),
        Purpose::VerifyEmail(pb::VerifyEmail {}) => Ok(RequestedPurpose::VerifyEmail),
        Purpose::StepUp(pb::StepUp {
            action: asked,
            transaction_text,
        }) => {
            let text = Transaction::parse(&transaction_text);
            let text = text.map_err(|why| why.at("step_up.transaction_text"))?;
            Ok(RequestedPurpose::StepUp(
                action("step_up.action", asked)?,
                text,
            ))
        }
    }
}

pub(super) fn answer_with(
    asked: Option<pb::issue_challenge_request::AnswerWith>,
    purpose: &RequestedPurpose,
) -> ParseResult<AnswerChoice> {
    use pb::issue_challenge_request::AnswerWith as Asked;
    match (asked, purpose) {
        (None, _) => Ok(AnswerChoice::Default),
        (Some(Asked::MethodId(_)), RequestedPurpose::VerifyEmail) => {
            Err(MalformedValue::NotTogetherWith("verify_email")
                .at("method_id")
                .into())
        }
        (Some(Asked::MethodId(text)), _) => id("method_id", &text).map(AnswerChoice::Method),
        (Some(Asked::RecoveryOnly(pb::RecoveryOnly {})), RequestedPurpose::SignIn) => {
            Ok(AnswerChoice::RecoveryOnly)
        }
        (Some(Asked::RecoveryOnly(pb::RecoveryOnly {})), _) => Err(
            MalformedValue::NotTogetherWith("a purpose other than sign_in")
                .at("recovery_only")
                .into(),
        ),
    }
}

pub(super) fn action(field: &'static str, asked: Option<pb::Action>) -> ParseResult<Action> {
    use pb::action::Action as Asked;
    let asked = asked
        .and_then(|pb::Action { action }| action)
        .ok_or(MalformedValue::NothingChosen.at(field))?;
    Ok(match asked {
        Asked::AddMethod(pb::AddMethod { kind: number }) => Action::AddMethod(kind(field, number)?),
        Asked::ReplaceMethod(pb::ReplaceMethod {
            method_id,
            kind: number,
        }) => Action::ReplaceMethod(id(field, &method_id)?, kind(field, number)?),
        Asked::RemoveMethod(pb::RemoveMethod { method_id }) => {
            Action::RemoveMethod(id(field, &method_id)?)
        }
        Asked::SetDefaultMethod(pb::SetDefaultMethod { method_id }) => {
            Action::SetDefaultMethod(id(field, &method_id)?)
        }
        Asked::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {}) => Action::GenerateRecoveryCodes,
        Asked::DisableTwoFactor(pb::DisableTwoFactor {}) => Action::DisableTwoFactor,
        Asked::TrustDevice(pb::TrustDevice { device_ids }) => {
            Action::TrustDevice(trusted_devices(field, &device_ids)?)
        }
        Asked::CallerAction(pb::CallerAction { name }) => {
            Action::Caller(CallerAction::parse(&name).map_err(|why| why.at(field))?)
        }
    })
}

pub(super) fn proof(authorization: Option<pb::Authorization>) -> ParseResult<SubmittedProof> {
    use pb::authorization::Proof;
    match authorization.and_then(|pb::Authorization { proof }| proof) {
        None => Ok(SubmittedProof::None),
        Some(Proof::ApprovalId(text)) => {
            id("authorization.approval_id", &text).map(SubmittedProof::Approval)
        }
        Some(Proof::Password(pb::Password { password })) => {
            let password = Password::parse(password.into());
            let password = password.map_err(|why| why.at("authorization.password.password"))?;
            Ok(SubmittedProof::Password(password))
        }
        Some(Proof::Ticket(text)) => {
            let ticket = EnrollmentTicket::parse(&text);
            let ticket = ticket.map_err(|why| why.at("authorization.ticket"))?;
            Ok(SubmittedProof::Ticket(ticket))
        }
        Some(Proof::Attestation(pb::Attestation {
            attestation_id,
            authenticated_time,
            action: attested,
        })) => {
            const TIME: &str = "authorization.attestation.authenticated_time";
            let id = AttestationId::parse(&attestation_id);
            let time = authenticated_time.ok_or(MalformedValue::Empty.at(TIME))?;
            Ok(SubmittedProof::Attestation(Attestation {
                id: id.map_err(|why| why.at("authorization.attestation.attestation_id"))?,
                authenticated_at: timestamp(TIME, time)?,
                action: action("authorization.attestation.action", attested)?,
            }))
        }
    }
}

pub(super) fn new_kind(
    method: Option<pb::begin_enrollment_request::Method>,
) -> ParseResult<EnrollmentTarget> {
    use pb::begin_enrollment_request::Method;
    match method.ok_or(MalformedValue::NothingChosen.at("method"))? {
        Method::Totp(pb::EnrollTotp {}) => Ok(EnrollmentTarget::Totp),
        Method::Email(pb::EnrollEmail {}) => Ok(EnrollmentTarget::Email),
        Method::Sms(pb::EnrollSms { phone_number }) => {
            phone("sms.phone_number", &phone_number).map(EnrollmentTarget::Sms)
        }
    }
}

pub(super) fn profile_update(
    profile: Option<pb::Profile>,
    mask: Option<&FieldMask>,
) -> ParseResult<ProfileUpdate> {
    const PATHS: &str = "email, email_verified, phone_number, phone_number_verified, locale, groups, account_name, \
                         password_changed_time, grace and *";
    let profile = profile.unwrap_or_default();
    let mut update = ProfileUpdate::default();
    let given = paths(mask, PROFILE_FIELDS.len())?;
    let populated = populated(&profile);
    let paths = if given.is_empty() { populated } else { given };
    for path in paths {
        let all = path == "*";
        let mut known = all;
        for field in PROFILE_FIELDS {
            if all || path == field {
                known = true;
                write_field(&mut update, field, &profile)?;
            }
        }
        if !known {
            return Err(MalformedValue::NotAMaskPath(PATHS).at("update_mask").into());
        }
    }
    Ok(update)
}

/// The paths of a mask, each once.
fn paths(mask: Option<&FieldMask>, fields: usize) -> ParseResult<Vec<&str>> {
    const FIELD: &str = "update_mask";
    let paths = mask.map_or(&[][..], |FieldMask { paths }| paths);
    if paths.len() > fields {
        return Err(MalformedValue::TooMany(fields).at(FIELD).into());
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let twice = |(place, path)| paths.iter().take(place).any(|before| before == path);
    if paths.iter().enumerate().any(twice) {
        return Err(MalformedValue::NamedTwice.at(FIELD).into());
    }
    Ok(paths)
}

const PROFILE_FIELDS: [&str; 9] = [
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "locale",
    "groups",
    "account_name",
    "password_changed_time",
    "grace",
];

/// The fields that are not empty: what is written where no mask says.
fn populated(profile: &pb::Profile) -> Vec<&'static str> {
    let pb::Profile {
        email,
        email_verified,
        phone_number,
        phone_number_verified,
        locale,
        groups,
        account_name,
        password_changed_time,
        grace,
    } = profile;
    let filled = [
        !email.is_empty(),
        *email_verified,
        !phone_number.is_empty(),
        *phone_number_verified,
        !locale.is_empty(),
        groups.is_some(),
        !account_name.is_empty(),
        password_changed_time.is_some(),
        grace.is_some(),
    ];
    PROFILE_FIELDS
        .into_iter()
        .zip(filled)
        .filter_map(|(name, filled)| filled.then_some(name))
        .collect()
}

fn write_field(update: &mut ProfileUpdate, field: &str, profile: &pb::Profile) -> ParseResult<()> {
    match field {
        "email" => update.email = Some(email(&profile.email)?),
        "email_verified" => update.email_verified = Some(profile.email_verified),
        "phone_number" => {
            update.phone = Some(phone("profile.phone_number", &profile.phone_number)?);
        }
        "phone_number_verified" => update.phone_verified = Some(profile.phone_number_verified),
        "locale" => {
            let locale = Locale::parse(&profile.locale);
            update.locale = Some(locale.map_err(|why| why.at("profile.locale"))?);
        }
        "groups" => update.groups = Some(profile.groups.as_ref().map(groups).transpose()?),
        "account_name" => {
            let name = AccountName::parse(&profile.account_name);
            update.account_name = Some(name.map_err(|why| why.at("profile.account_name"))?);
        }
        "grace" => update.grace = Some(profile.grace.as_ref().map(grace).transpose()?),
        _ => {
            const TIME: &str = "profile.password_changed_time";
            let time = profile.password_changed_time;
            update.password_changed_at = Some(time.map(|time| timestamp(TIME, time)).transpose()?);
        }
    }
    Ok(())
}

fn groups(groups: &pb::Groups) -> ParseResult<Vec<GroupName>> {
    const FIELD: &str = "profile.groups.names";
    let pb::Groups { names } = groups;
    if names.len() > MOST_GROUPS {
        return Err(MalformedValue::TooMany(MOST_GROUPS).at(FIELD).into());
    }
    let groups = names
        .iter()
        .map(|name| GroupName::parse(name).map_err(|why| why.at(FIELD).into()));
    groups.collect()
}

fn grace(grace: &pb::EnrollmentGrace) -> ParseResult<EnrollmentGrace> {
    const UNTIL: &str = "profile.grace.until_time";
    let pb::EnrollmentGrace { until_time, reason } = grace;
    let until = until_time.ok_or(MalformedValue::Empty.at(UNTIL))?;
    let reason = GraceReason::parse(reason);
    Ok(EnrollmentGrace {
        until: timestamp(UNTIL, until)?,
        reason: reason.map_err(|why| why.at("profile.grace.reason"))?,
    })
}

fn email(text: &str) -> ParseResult<Option<Email>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        Email::parse(text).map_err(|why| why.at("profile.email"))?,
    ))
}

fn phone(field: &'static str, text: &str) -> ParseResult<Option<Phone>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(Phone::parse(text).map_err(|why| why.at(field))?))
}

fn kind(field: &'static str, number: i32) -> ParseResult<MethodKind> {
    match pb::MethodKind::try_from(number) {
        Ok(pb::MethodKind::Totp) => Ok(MethodKind::Totp),
        Ok(pb::MethodKind::Sms) => Ok(MethodKind::Sms),
        Ok(pb::MethodKind::Email) => Ok(MethodKind::Email),
        Ok(pb::MethodKind::Unspecified) | Err(_) => {
            Err(MalformedValue::UnknownValue.at(field).into())
        }
    }
}

pub(super) fn timestamp(
    field: &'static str,
    time: prost_types::Timestamp,
) -> ParseResult<Timestamp> {
    let prost_types::Timestamp { seconds, nanos } = time;
    let valid = (0..=Timestamp::LATEST.millis() / 1000).contains(&seconds)
        && (0..1_000_000_000).contains(&nanos);
    if !valid {
        return Err(MalformedValue::NotAnInstant.at(field).into());
    }
    Ok(Timestamp::from_millis(
        seconds * 1000 + i64::from(nanos / 1_000_000),
    ))
}

/// Which method, and what of it is to change.
pub(super) fn method_update(request: &pb::UpdateMethodRequest) -> ParseResult<MethodUpdate> {
    const PATHS: &str = "label and is_default";
    let given = paths(request.update_mask.as_ref(), 2)?;
    let (mut writes_label, mut writes_default) = (false, false);
    for path in &given {
        match *path {
            "label" => writes_label = true,
            "is_default" => writes_default = true,
            _ => return Err(MalformedValue::NotAMaskPath(PATHS).at("update_mask").into()),
        }
    }
    if given.is_empty() {
        (writes_label, writes_default) = (!request.label.is_empty(), request.is_default);
    }
    if writes_default && !request.is_default {
        return Err(MalformedValue::OnlyTrue.at("is_default").into());
    }
    let label = label(&request.label)?;
    if writes_label && label.is_none() || !writes_label && !writes_default {
        return Err(MalformedValue::Empty.at("label").into());
    }
    Ok(MethodUpdate {
        method: id("method_id", &request.method_id)?,
        label: label.filter(|_| writes_label),
        make_default: writes_default,
    })
}
