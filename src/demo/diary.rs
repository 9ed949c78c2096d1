//! A person's diary: the clock, the device in hand, and the records that a moment leaves behind. In: what the story says
//! happens next. Out: drafts in the order of their happening. Decides nothing about shopping.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::time::Timestamp;

use super::household::Human;
use super::record::{Body, Call, CrmDraft, Draft, WebDraft};
use super::story::{CATALOGUE, DAY, HOUR, Lived};

/// One person's days, as they are lived.
pub(super) struct Story<'a> {
    pub(super) human: &'a Human,
    pub(super) rng: &'a mut ChaCha8Rng,
    pub(super) end: Timestamp,
    pub(super) at: Timestamp,
    /// Place in `human.devices`; the one after them is the tablet.
    pub(super) device: usize,
    pub(super) on_tablet: bool,
    pub(super) tablet_used: bool,
    pub(super) logged_in: Vec<bool>,
    pub(super) campaign: Option<&'static str>,
    pub(super) app: bool,
    pub(super) lived: Lived,
}

impl Story<'_> {
    // The clock and the dice.

    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    pub(super) fn wait(&mut self, from: u64, to: u64) {
        // Milliseconds as a browser's clock has them.
        self.at = self.at + Duration::from_millis(self.rng.random_range(from * 1000..to * 1000));
    }

    /// Some days later, by day.
    pub(super) fn days(&mut self, from: i32, to: i32) {
        let mut day = self.at.utc_day();
        day.0 += self.rng.random_range(from..=to);
        let into = self.rng.random_range(6 * HOUR * 1000..19 * HOUR * 1000);
        self.at = day.start_utc() + Duration::from_millis(into);
    }

    // One visit to the site: a device, perhaps the family's tablet, and a campaign or none.

    pub(super) fn sit_down(&mut self) {
        let turn = i64::from(self.at.utc_day().0).rem_euclid(2) == self.human.tablet_parity;
        // Now and then somebody takes the tablet out of turn and does not log in: what no rule can tell apart.
        let out_of_turn = !turn && self.human.tablet.is_some() && self.chance(0.005);
        self.on_tablet = (turn && self.human.tablet.is_some() && self.chance(0.4)) || out_of_turn;
        if self.on_tablet {
            self.device = self.human.devices.len();
            self.app = false;
            // Everyone logs out of the tablet; a few never log in.
            self.logged_in[self.device] = false;
            if !out_of_turn && (self.human.tablet_parity == 1 || self.chance(0.9)) {
                self.tablet_used = true;
                if self.chance(0.5) {
                    self.page("/");
                }
                self.log_in();
            }
            return;
        }
        self.device = self.rng.random_range(0..self.human.devices.len());
        self.app = self.device == 0 && self.chance(0.4);
        if self.human.registers && !self.logged_in[self.device] && self.chance(0.5) {
            self.log_in();
        }
    }

    pub(super) fn tablet_evening(&mut self) {
        if i64::from(self.at.utc_day().0).rem_euclid(2) != self.human.tablet_parity {
            self.at = self.at + Duration::from_secs(DAY);
        }
        if self.at > self.end {
            // Too late in the log for another day: the last evening that is one's own.
            let back = (self.at.utc_day().0 - self.end.utc_day().0 + 2) as u64 / 2 * 2;
            self.at = self.at - Duration::from_secs(back * DAY);
        }
        self.on_tablet = true;
        self.tablet_used = true;
        self.device = self.human.devices.len();
        self.logged_in[self.device] = false;
        self.app = false;
        self.log_in();
        self.page(CATALOGUE[0]);
    }

    pub(super) fn log_in(&mut self) {
        self.logged_in[self.device] = true;
        let email = self.human.email.clone();
        self.web(Call::Identify, "/account".into(), None, Some(email));
        self.wait(2, 20);
    }

    // Writing down.

    pub(super) fn order(&self) -> Arc<str> {
        format!("O-{}-{}", self.human.number, self.lived.drafts.len()).into()
    }

    pub(super) fn page(&mut self, path: &'static str) {
        self.web(Call::Page, path.into(), None, None);
    }

    pub(super) fn track(&mut self, event: &'static str, path: &'static str) {
        self.web(Call::Track(event), path.into(), None, None);
    }

    pub(super) fn web(&mut self, call: Call, path: Arc<str>, product: Option<(u32, u32)>, email: Option<Arc<str>>) {
        let cookie = match (&self.human.tablet, self.on_tablet) {
            (Some(tablet), true) => tablet.clone(),
            _ => self.human.devices[self.device.min(self.human.devices.len() - 1)].clone(),
        };
        let user = self.logged_in[self.device].then(|| self.human.user.clone());
        let says_guest = user.is_none() && self.chance(0.01);
        let draft = WebDraft {
            call,
            path,
            cookie,
            user,
            email,
            campaign: self.campaign,
            product: product.map(|p| p.0),
            price: product.map(|p| p.1),
            app: self.app,
            staff: self.human.staff,
            says_guest,
        };
        self.write(self.at, Body::Web(draft));
    }

    /// The back office writes whole minutes. True: it happened before the end of the log.
    pub(super) fn crm(&mut self, draft: CrmDraft) -> bool {
        let minute = 60_000_000;
        let at = Timestamp::from_micros(self.at.micros() - self.at.micros().rem_euclid(minute));
        self.write(at, Body::Crm(draft))
    }

    pub(super) fn write(&mut self, at: Timestamp, body: Body) -> bool {
        if at > self.end {
            return false;
        }
        let letter = if matches!(body, Body::Web(_)) { 'w' } else { 'c' };
        let salt: u32 = self.rng.random();
        let event_id = format!("{letter}{:06}-{:03}-{salt:08x}", self.human.number, self.lived.drafts.len()).into();
        self.lived.drafts.push(Draft { at, human: self.human.number, event_id, body });
        true
    }
}
