//! Users who have more, or worse luck, than others.

use super::{BenchUser, Users};
use crate::BenchResult;
use countersign_proto::v1::{
    self as pb, issue_challenge_request::AnswerWith, verify_challenge_response::Verdict,
};
use std::sync::Arc;

/// What a user has, beside an e-mail address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Equipment {
    pub(crate) apps: usize,
    pub(crate) recovery_codes: u32,
    pub(crate) devices: usize,
    pub(crate) groups: usize,
}

impl Users {
    /// Decides for all tenants how many recovery codes their users get.
    pub(crate) async fn set_recovery_codes(&self, count: u32) -> BenchResult<()> {
        for call in (0..self.count()).step_by(super::TENANT_USERS) {
            let (mut clients, user) = self.of_call(call)?;
            let policy = pb::Policy {
                recovery_codes: Some(count),
                ..pb::Policy::default()
            };
            let request = pb::UpdatePolicyRequest {
                tenant_id: user.tenant.clone(),
                policy: Some(policy),
                acting_user_id: "administrator".to_owned(),
                reason: "a benchmark".to_owned(),
                ..pb::UpdatePolicyRequest::default()
            };
            clients.policies.update_policy(request).await?;
        }
        Ok(())
    }

    /// A user with all but the devices.
    pub(crate) async fn enroll_with(
        self: Arc<Self>,
        call: usize,
        equipment: Equipment,
    ) -> BenchResult<()> {
        let user = self.of_call(call)?.1;
        let names = (0..equipment.groups).map(|number| format!("group-{number}"));
        let groups = pb::Groups {
            names: names.collect(),
        };
        self.upsert(call, Some(groups)).await?;
        self.enroll_first_app(call).await?;
        for _ in 1..equipment.apps {
            self.enroll_app(call).await?;
        }
        self.enroll_email(call).await?;
        let has = user.state().apps.len();
        if has == equipment.apps {
            return Ok(());
        }
        Err(format!("{has} apps instead of {}", equipment.apps).into())
    }

    /// One sign-in with each app, each from a new device, with the code so many steps from now. When there are enough devices,
    /// all of them are trusted.
    pub(crate) async fn add_devices(
        self: Arc<Self>,
        call: usize,
        steps: i64,
        equipment: Equipment,
    ) -> BenchResult<()> {
        let user = self.of_call(call)?.1;
        for app in user.state().apps {
            if user.state().devices.len() == equipment.devices {
                break;
            }
            let method = AnswerWith::MethodId(app.method.clone());
            self.issue(call, Some(method)).await?;
            let approved = self.answer(call, app.code(steps)?).await?;
            let current = approved.devices.iter().find(|device| device.current);
            let device = current.ok_or("no device")?.device_id.clone();
            user.change(|state| {
                state.devices.push(device);
                state.device_token = approved.device_token;
            });
            let devices = user.state().devices;
            if devices.len() == equipment.devices {
                self.trust(call, approved.approval_id, devices).await?;
            }
        }
        Ok(())
    }

    /// As many wrong codes as leave one more in each rate-limit window: of unknown clients, of known devices, of recovery
    /// codes.
    pub(crate) async fn fill_windows(self: Arc<Self>, call: usize) -> BenchResult<()> {
        const UNKNOWN_CLIENTS: usize = 9;
        const KNOWN_DEVICE: usize = 4;
        const RECOVERY_CODES: usize = 4;
        let user = self.of_call(call)?.1;
        let token = user.state().device_token;
        self.fail(call, UNKNOWN_CLIENTS, WrongAnswer::App(String::new()))
            .await?;
        self.fail(call, KNOWN_DEVICE, WrongAnswer::App(token))
            .await?;
        let others = self.of_call(call + 1)?.1.state().recovery_code;
        self.fail(call, RECOVERY_CODES, WrongAnswer::Recovery(others))
            .await
    }

    /// Fails so often, with as many challenges as that takes.
    async fn fail(&self, call: usize, times: usize, wrong: WrongAnswer) -> BenchResult<()> {
        const ATTEMPTS_PER_CHALLENGE: usize = 5;
        let (token, answer_with) = match &wrong {
            WrongAnswer::App(token) => (token.clone(), None),
            WrongAnswer::Recovery(_) => {
                let with = AnswerWith::RecoveryOnly(pb::RecoveryOnly {});
                (String::new(), Some(with))
            }
        };
        for failure in 0..times {
            if failure % ATTEMPTS_PER_CHALLENGE == 0 {
                self.issue_to(call, answer_with.clone(), &token).await?;
            }
            let code = wrong.code(self.of_call(call)?.1)?;
            match self.verify_from(call, code, &token).await? {
                Verdict::Rejected(_) => {}
                Verdict::Approved(_) => return Err("a wrong code was approved".into()),
            }
        }
        Ok(())
    }
}

/// How users fail.
enum WrongAnswer {
    /// With codes of their app, from a client with this device token.
    App(String),
    /// With this recovery code, which is another user's.
    Recovery(String),
}

impl WrongAnswer {
    fn code(&self, user: &BenchUser) -> BenchResult<String> {
        match self {
            Self::App(_) => user.wrong_code(),
            Self::Recovery(others) => Ok(others.clone()),
        }
    }
}
