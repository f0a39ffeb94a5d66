//! `ListUsers`: lists the users of a tenant with their methods and conditions.

use crate::{
    app::{Error, MethodView, dependencies::UserDependencies},
    ports::{DirectoryScan, ScannedUser},
};
use countersign_domain::{
    account::{
        Account,
        directory::{DirectoryEntry, UserCondition, UserFilter},
    },
    value::{
        id::{TenantId, UserId},
        time::Timestamp,
    },
};

/// Users that one call reads at most, so a page may be short although more users follow.
const MAX_SCANNED_USERS: u32 = 500;

/// Selects a page of users.
pub struct ListUsersQuery {
    /// The users to include.
    pub filter: UserFilter,
    /// The maximum number of users in the page, 1 to 200.
    pub page_size: u32,
    /// The token of the previous page; empty for the first page.
    pub page_token: String,
}

/// A page of users, in the order of their lowercase ids.
pub struct UserPage {
    /// The users.
    pub users: Vec<UserSummary>,
    /// The token of the next page; `None` after the last page.
    pub next: Option<String>,
}

/// A user in a list. Destinations in it are masked.
pub struct UserSummary {
    /// The user's id.
    pub user: UserId,
    /// The methods, oldest first.
    pub methods: Vec<MethodView>,
    /// Whether the e-mail address in the profile is verified.
    pub email_verified: bool,
    /// Unused recovery codes.
    pub recovery_codes_left: u32,
    /// The conditions that hold for the user.
    pub conditions: Vec<UserCondition>,
    /// The date by which the user must enroll; `None` without a date or if the user has enrolled.
    pub enroll_by: Option<Timestamp>,
    /// When the rate limit of wrong codes ends, if it is reached.
    pub locked_until: Option<Timestamp>,
    /// When the user was first upserted.
    pub created_at: Timestamp,
    /// When the account last changed.
    pub updated_at: Timestamp,
}

/// The users of a page, and the last user that was read.
struct UserMatches {
    users: Vec<UserSummary>,
    last: Option<UserId>,
}

/// Lists one page of a tenant's users.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn list_users(
    deps: &UserDependencies,
    tenant: TenantId,
    query: ListUsersQuery,
) -> Result<UserPage, Error> {
    deps.requests.readiness.pass()?;
    let now = deps.requests.clock.now();
    let ListUsersQuery {
        filter,
        page_size,
        page_token,
    } = query;
    let all_are_asked_for = filter.conditions.is_empty();
    let at_most = if all_are_asked_for {
        page_size
    } else {
        MAX_SCANNED_USERS
    };
    let scan = DirectoryScan {
        after: deps
            .page_tokens
            .end_of_list_page(&tenant, &filter, &page_token)?,
        prefix: filter.prefix.clone(),
        projections: filter.projections(),
        at_most,
        now,
        tenant,
    };
    let scanned = deps.scans.scan(&scan).await?;
    let is_the_end = u32::try_from(scanned.len()).is_ok_and(|count| count < at_most);
    let mut rest = scanned.into_iter();
    let found = asked_for(deps, &filter, &mut rest, page_size, now)?;
    let is_last = is_the_end && rest.next().is_none();
    let next = found.last.filter(|_| !is_last);
    Ok(UserPage {
        users: found.users,
        next: next.map(|last| {
            deps.page_tokens
                .list_page_token(&scan.tenant, &filter, &last)
        }),
    })
}

/// The scanned users that match the filter, until the page is full.
fn asked_for(
    deps: &UserDependencies,
    filter: &UserFilter,
    scanned: &mut impl Iterator<Item = ScannedUser>,
    page_size: u32,
    now: Timestamp,
) -> Result<UserMatches, Error> {
    let mut found = UserMatches {
        users: Vec::new(),
        last: None,
    };
    for ScannedUser { user, account } in scanned {
        found.last = Some(user);
        let Some(account) = account else { continue };
        let user = summary(deps, filter, &account, now)?;
        found.users.extend(user);
        if u32::try_from(found.users.len()).is_ok_and(|count| count >= page_size) {
            break;
        }
    }
    Ok(found)
}

/// The user, if the filter matches.
fn summary(
    deps: &UserDependencies,
    filter: &UserFilter,
    account: &Account,
    now: Timestamp,
) -> Result<Option<UserSummary>, Error> {
    let profile_record = deps.sealing.profile_record(account)?;
    let tenant = &account.subject.tenant;
    let policy = &deps.policies.policy(tenant, &account.tenant_layer);
    let entry = DirectoryEntry {
        account,
        profile: &profile_record.profile,
        policy,
        now,
    };
    if !filter.matches(&entry) {
        return Ok(None);
    }
    Ok(Some(UserSummary {
        user: account.subject.user.clone(),
        methods: deps.views.all(account, policy)?,
        email_verified: account.email_verified,
        recovery_codes_left: account.recovery_codes_accepted(policy),
        conditions: entry.conditions(),
        enroll_by: entry.enroll_by(),
        locked_until: entry.locked_until(),
        created_at: account.created_at,
        updated_at: account.updated_at,
    }))
}
