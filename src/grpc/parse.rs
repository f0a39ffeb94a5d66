//! Messages to values: what is malformed is told by its field, before any store is touched.

mod admin;
mod device;
mod policy;
mod reset;
mod users;

pub(super) use admin::{acting, bypass_life};
pub(super) use device::{device_name, trusted_devices};
pub(super) use policy::{policy_update, simulation};
pub(super) use reset::{digits, whose};
pub(super) use users::list_request;

use crate::{
    app::{AnswerWith, AskedPurpose, Context, FirstFactor, GivenProof, MethodUpdate, NewKind},
    grpc::status::Denied,
    proto::v1 as pb,
};
use countersign_domain::{
    action::{Action, CallerAction, Transaction},
    authorization::Attestation,
    code::Answer,
    destination::{Email, Phone},
    device::{ClientApp, DeviceToken},
    id::{AttestationId, Id},
    malformed::Malformed,
    message::Whence,
    method::{Kind, Label},
    password::Password,
    profile::{AccountName, Grace, GraceReason, Group, Locale, ProfileUpdate},
    revert::RevertToken,
    ticket::Ticket,
    time::Timestamp,
};
use prost_types::FieldMask;

type Parsed<T> = Result<T, Denied>;

const LONGEST_USER_AGENT: usize = 512;
const MOST_GROUPS: usize = 100;

pub(super) fn id<Of>(field: &'static str, text: &str) -> Parsed<Id<Of>> {
    Ok(Id::parse(text).map_err(|why| why.at(field))?)
}

/// An id, or nothing where the text is empty.
pub(super) fn optional_id<Of>(field: &'static str, text: &str) -> Parsed<Option<Id<Of>>> {
    if text.is_empty() {
        Ok(None)
    } else {
        id(field, text).map(Some)
    }
}

pub(super) fn revert_token(text: &str) -> Parsed<RevertToken> {
    Ok(RevertToken::parse(text).map_err(|why| why.at("revert_token"))?)
}

pub(super) fn label(text: &str) -> Parsed<Option<Label>> {
    Ok(Label::parse(text).map_err(|why| why.at("label"))?)
}

pub(super) fn answer(code: &str) -> Parsed<Answer> {
    Ok(Answer::parse(code).map_err(|why| why.at("code"))?)
}

pub(super) fn context(context: pb::ClientContext) -> Parsed<Context> {
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
                .map_err(|_| Malformed::NotAnIpAddress.at("context.client_address"))?,
        ),
    };
    if user_agent.len() > LONGEST_USER_AGENT {
        return Err(Malformed::TooLong(LONGEST_USER_AGENT)
            .at("context.user_agent")
            .into());
    }
    let app = match pb::ClientApp::try_from(app) {
        Ok(pb::ClientApp::Unspecified) => None,
        Ok(pb::ClientApp::Browser) => Some(ClientApp::Browser),
        Ok(pb::ClientApp::Mobile) => Some(ClientApp::Mobile),
        Err(_) => return Err(Malformed::UnknownValue.at("context.app").into()),
    };
    Ok(Context {
        device_token: DeviceToken::parse(&device_token)
            .map_err(|why| why.at("context.device_token"))?,
        client_address,
        user_agent: Some(user_agent).filter(|text| !text.is_empty()),
        app,
        locale: Locale::parse(&locale).map_err(|why| why.at("context.locale"))?,
        whence: Whence::parse(&place, &device_name)?,
    })
}

pub(super) fn first_factor(number: i32) -> Parsed<FirstFactor> {
    match pb::FirstFactor::try_from(number) {
        Ok(pb::FirstFactor::Password) => Ok(FirstFactor::Password),
        Ok(pb::FirstFactor::Sso) => Ok(FirstFactor::Sso),
        Ok(pb::FirstFactor::Unspecified) | Err(_) => {
            Err(Malformed::UnknownValue.at("first_factor").into())
        }
    }
}

pub(super) fn purpose(
    purpose: Option<pb::issue_challenge_request::Purpose>,
) -> Parsed<AskedPurpose> {
    use pb::issue_challenge_request::Purpose;
    match purpose.ok_or(Malformed::NothingChosen.at("purpose"))? {
        Purpose::SignIn(pb::SignIn {}) => Ok(AskedPurpose::SignIn),
        Purpose::VerifyEmail(pb::VerifyEmail {}) => Ok(AskedPurpose::VerifyEmail),
        Purpose::StepUp(pb::StepUp {
            action: asked,
            transaction_text,
        }) => {
            let text = Transaction::parse(&transaction_text);
            let text = text.map_err(|why| why.at("step_up.transaction_text"))?;
            Ok(AskedPurpose::StepUp(action("step_up.action", asked)?, text))
        }
    }
}

pub(super) fn answer_with(
    asked: Option<pb::issue_challenge_request::AnswerWith>,
    purpose: &AskedPurpose,
) -> Parsed<AnswerWith> {
    use pb::issue_challenge_request::AnswerWith as Asked;
    match (asked, purpose) {
        (None, _) => Ok(AnswerWith::Default),
        (Some(Asked::MethodId(_)), AskedPurpose::VerifyEmail) => {
            Err(Malformed::NotTogetherWith("verify_email")
                .at("method_id")
                .into())
        }
        (Some(Asked::MethodId(text)), _) => id("method_id", &text).map(AnswerWith::Method),
        (Some(Asked::RecoveryOnly(pb::RecoveryOnly {})), AskedPurpose::SignIn) => {
            Ok(AnswerWith::RecoveryOnly)
        }
        (Some(Asked::RecoveryOnly(pb::RecoveryOnly {})), _) => {
            Err(Malformed::NotTogetherWith("a purpose other than sign_in")
                .at("recovery_only")
                .into())
        }
    }
}

pub(super) fn action(field: &'static str, asked: Option<pb::Action>) -> Parsed<Action> {
    use pb::action::Action as Asked;
    let asked = asked
        .and_then(|pb::Action { action }| action)
        .ok_or(Malformed::NothingChosen.at(field))?;
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

pub(super) fn proof(authorization: Option<pb::Authorization>) -> Parsed<GivenProof> {
    use pb::authorization::Proof;
    match authorization.and_then(|pb::Authorization { proof }| proof) {
        None => Ok(GivenProof::None),
        Some(Proof::ApprovalId(text)) => {
            id("authorization.approval_id", &text).map(GivenProof::Approval)
        }
        Some(Proof::Password(pb::Password { password })) => {
            let password = Password::parse(password.into());
            let password = password.map_err(|why| why.at("authorization.password.password"))?;
            Ok(GivenProof::Password(password))
        }
        Some(Proof::Ticket(text)) => {
            let ticket = Ticket::parse(&text);
            let ticket = ticket.map_err(|why| why.at("authorization.ticket"))?;
            Ok(GivenProof::Ticket(ticket))
        }
        Some(Proof::Attestation(pb::Attestation {
            attestation_id,
            authenticated_time,
            action: attested,
        })) => {
            const TIME: &str = "authorization.attestation.authenticated_time";
            let id = AttestationId::parse(&attestation_id);
            let time = authenticated_time.ok_or(Malformed::Empty.at(TIME))?;
            Ok(GivenProof::Attestation(Attestation {
                id: id.map_err(|why| why.at("authorization.attestation.attestation_id"))?,
                authenticated_at: timestamp(TIME, time)?,
                action: action("authorization.attestation.action", attested)?,
            }))
        }
    }
}

pub(super) fn new_kind(method: Option<pb::begin_enrollment_request::Method>) -> Parsed<NewKind> {
    use pb::begin_enrollment_request::Method;
    match method.ok_or(Malformed::NothingChosen.at("method"))? {
        Method::Totp(pb::EnrollTotp {}) => Ok(NewKind::Totp),
        Method::Email(pb::EnrollEmail {}) => Ok(NewKind::Email),
        Method::Sms(pb::EnrollSms { phone_number }) => {
            phone("sms.phone_number", &phone_number).map(NewKind::Sms)
        }
    }
}

pub(super) fn profile_update(
    profile: Option<pb::Profile>,
    mask: Option<&FieldMask>,
) -> Parsed<ProfileUpdate> {
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
            return Err(Malformed::NotAMaskPath(PATHS).at("update_mask").into());
        }
    }
    Ok(update)
}

/// The paths of a mask, each once.
fn paths(mask: Option<&FieldMask>, fields: usize) -> Parsed<Vec<&str>> {
    const FIELD: &str = "update_mask";
    let paths = mask.map_or(&[][..], |FieldMask { paths }| paths);
    if paths.len() > fields {
        return Err(Malformed::TooMany(fields).at(FIELD).into());
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let twice = |(place, path)| paths.iter().take(place).any(|before| before == path);
    if paths.iter().enumerate().any(twice) {
        return Err(Malformed::NamedTwice.at(FIELD).into());
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

fn write_field(update: &mut ProfileUpdate, field: &str, profile: &pb::Profile) -> Parsed<()> {
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

fn groups(groups: &pb::Groups) -> Parsed<Vec<Group>> {
    const FIELD: &str = "profile.groups.names";
    let pb::Groups { names } = groups;
    if names.len() > MOST_GROUPS {
        return Err(Malformed::TooMany(MOST_GROUPS).at(FIELD).into());
    }
    let groups = names
        .iter()
        .map(|name| Group::parse(name).map_err(|why| why.at(FIELD).into()));
    groups.collect()
}

fn grace(grace: &pb::EnrollmentGrace) -> Parsed<Grace> {
    const UNTIL: &str = "profile.grace.until_time";
    let pb::EnrollmentGrace { until_time, reason } = grace;
    let until = until_time.ok_or(Malformed::Empty.at(UNTIL))?;
    let reason = GraceReason::parse(reason);
    Ok(Grace {
        until: timestamp(UNTIL, until)?,
        reason: reason.map_err(|why| why.at("profile.grace.reason"))?,
    })
}

fn email(text: &str) -> Parsed<Option<Email>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        Email::parse(text).map_err(|why| why.at("profile.email"))?,
    ))
}

fn phone(field: &'static str, text: &str) -> Parsed<Option<Phone>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(Phone::parse(text).map_err(|why| why.at(field))?))
}

fn kind(field: &'static str, number: i32) -> Parsed<Kind> {
    match pb::MethodKind::try_from(number) {
        Ok(pb::MethodKind::Totp) => Ok(Kind::Totp),
        Ok(pb::MethodKind::Sms) => Ok(Kind::Sms),
        Ok(pb::MethodKind::Email) => Ok(Kind::Email),
        Ok(pb::MethodKind::Unspecified) | Err(_) => Err(Malformed::UnknownValue.at(field).into()),
    }
}

pub(super) fn timestamp(field: &'static str, time: prost_types::Timestamp) -> Parsed<Timestamp> {
    let prost_types::Timestamp { seconds, nanos } = time;
    let valid = (0..=Timestamp::LATEST.millis() / 1000).contains(&seconds)
        && (0..1_000_000_000).contains(&nanos);
    if !valid {
        return Err(Malformed::NotAnInstant.at(field).into());
    }
    Ok(Timestamp::from_millis(
        seconds * 1000 + i64::from(nanos / 1_000_000),
    ))
}

/// Which method, and what of it is to change.
pub(super) fn method_update(request: &pb::UpdateMethodRequest) -> Parsed<MethodUpdate> {
    const PATHS: &str = "label and is_default";
    let given = paths(request.update_mask.as_ref(), 2)?;
    let (mut writes_label, mut writes_default) = (false, false);
    for path in &given {
        match *path {
            "label" => writes_label = true,
            "is_default" => writes_default = true,
            _ => return Err(Malformed::NotAMaskPath(PATHS).at("update_mask").into()),
        }
    }
    if given.is_empty() {
        (writes_label, writes_default) = (!request.label.is_empty(), request.is_default);
    }
    if writes_default && !request.is_default {
        return Err(Malformed::OnlyTrue.at("is_default").into());
    }
    let label = label(&request.label)?;
    if writes_label && label.is_none() || !writes_label && !writes_default {
        return Err(Malformed::Empty.at("label").into());
    }
    Ok(MethodUpdate {
        method: id("method_id", &request.method_id)?,
        label: label.filter(|_| writes_label),
        make_default: writes_default,
    })
}
