//! `ListUsers`: who there is in a tenant, and what holds of them.

use crate::{
    app::{App, Error, MethodView},
    ports::{Scan, Scanned},
};
use countersign_domain::{
    account::Account,
    directory::{Condition, Entry, Filter},
    id::{TenantId, UserId},
    policy::Policy,
    time::Timestamp,
};

/// How many users a call looks at to find some, however few it finds: a page may be short, and the next one goes on.
const LOOKED_AT: u32 = 500;

/// Which page of which users.
pub struct ListRequest {
    /// Which users.
    pub filter: Filter,
    /// How many at most; 1 to 200.
    pub page_size: u32,
    /// Where the page before ended; empty for the first.
    pub page_token: String,
}

/// A page of users, by their ids in small letters.
pub struct UserPage {
    /// The users.
    pub users: Vec<UserSummary>,
    /// What asks for the next page; nothing if this is the last.
    pub next: Option<String>,
}

/// A user in a list. No destination is in it but masked ones.
pub struct UserSummary {
    /// Who.
    pub user: UserId,
    /// The methods, oldest first.
    pub methods: Vec<MethodView>,
    /// Whether the address on file is known to be the user's.
    pub email_verified: bool,
    /// How many recovery codes are unused.
    pub recovery_codes_left: u32,
    /// What holds of them.
    pub conditions: Vec<Condition>,
    /// By when they have to have enrolled, if a date is set and they have not.
    pub enroll_by: Option<Timestamp>,
    /// Until when a budget of wrong codes is used up.
    pub locked_until: Option<Timestamp>,
    /// When the user was first upserted.
    pub created_at: Timestamp,
    /// When the user last changed.
    pub updated_at: Timestamp,
}

impl App {
    /// A page of a tenant's users.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_users(
        &self,
        tenant: TenantId,
        asked: ListRequest,
    ) -> Result<UserPage, Error> {
        self.gate.pass()?;
        let now = self.now();
        let ListRequest {
            filter,
            page_size,
            page_token,
        } = asked;
        let all_are_asked_for = filter.conditions.is_empty();
        let at_most = if all_are_asked_for {
            page_size
        } else {
            LOOKED_AT
        };
        let scan = Scan {
            after: self.end_of_list_page(&tenant, &filter, &page_token)?,
            prefix: filter.prefix.clone(),
            glances: filter.glances(),
            at_most,
            now,
            tenant,
        };
        let scanned = self.accounts().scan(&scan).await?;
        let is_the_end = u32::try_from(scanned.len()).is_ok_and(|count| count < at_most);
        let mut rest = scanned.into_iter();
        let (users, last) = self.asked_for(&filter, &mut rest, (page_size, now))?;
        let is_last = is_the_end && rest.next().is_none();
        let next = last.filter(|_| !is_last);
        Ok(UserPage {
            users,
            next: next.map(|last| self.list_page_token(&scan.tenant, &filter, &last)),
        })
    }

    /// Those of the scanned users that are asked for, until a page is full; and the last one that was looked at.
    fn asked_for(
        &self,
        filter: &Filter,
        scanned: &mut impl Iterator<Item = Scanned>,
        (page_size, now): (u32, Timestamp),
    ) -> Result<(Vec<UserSummary>, Option<UserId>), Error> {
        let (mut users, mut last, mut policy) = (Vec::new(), None, None);
        for Scanned { user, account } in scanned {
            last = Some(user);
            let Some(account) = account else { continue };
            let policy: &Policy = policy.get_or_insert_with(|| self.policy(&account));
            users.extend(self.summary(filter, &account, policy, now)?);
            if u32::try_from(users.len()).is_ok_and(|count| count >= page_size) {
                break;
            }
        }
        Ok((users, last))
    }

    /// The user, if the filter asks for them.
    fn summary(
        &self,
        filter: &Filter,
        account: &Account,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Option<UserSummary>, Error> {
        let on_file = self.on_file(account)?;
        let entry = Entry {
            account,
            profile: &on_file.profile,
            policy,
            now,
        };
        if !filter.asks_for(&entry) {
            return Ok(None);
        }
        Ok(Some(UserSummary {
            user: account.subject.user.clone(),
            methods: self.method_views(account)?,
            email_verified: account.email_verified,
            recovery_codes_left: account.recovery_codes_left(),
            conditions: entry.conditions(),
            enroll_by: entry.enroll_by(),
            locked_until: entry.locked_until(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        }))
    }
}
