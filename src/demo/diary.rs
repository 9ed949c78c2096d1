//! A person's diary: the clock, the device in hand, and the records that a moment leaves behind. In: what the story says
//! happens next. Out: drafts in the order of their happening. Decides nothing about shopping.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::time::{Day, Timestamp};

use super::household::Human;
use super::record::{Body, Call, CrmDraft, Draft, WebDraft};
use super::story::{CATALOGUE, DAY, HOUR, Lived};
use super::trip::Trip;

/// One person's days, as they are lived.
pub(super) struct Story<'a> {
    pub(super) human: &'a Human,
    pub(super) rng: &'a mut ChaCha8Rng,
    pub(super) end: Timestamp,
    pub(super) at: Timestamp,
    /// Place in `human.devices`; the one after them is the tablet.
    pub(super) device: usize,
    pub(super) on_tablet: bool,
    /// A browser that nobody is ever logged in with, while it is used.
    pub(super) private: Option<Arc<str>>,
    pub(super) logged_in: Vec<bool>,
    pub(super) campaign: Option<&'static str>,
    pub(super) app: bool,
    /// The truth about the trip so far.
    pub(super) trip: Trip,
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

    /// Some days later, by day; never back.
    pub(super) fn days(&mut self, from: i32, to: i32) {
        let mut day = self.at.utc_day();
        day.0 += self.rng.random_range(from..=to);
        let at = self.some_time(day);
        self.at = if at > self.at { at } else { at + Duration::from_secs(DAY) };
    }

    fn some_time(&mut self, day: Day) -> Timestamp {
        day.start_utc() + Duration::from_millis(self.rng.random_range(6 * HOUR * 1000..19 * HOUR * 1000))
    }

    /// Nobody begins what the end of the log would cut off in the middle.
    pub(super) fn too_late(&self) -> bool {
        self.at + Duration::from_secs(2 * HOUR) > self.end
    }

    // One visit to the site: a device, perhaps the family's tablet. Who has an account logs in on every device.

    pub(super) fn sit_down(&mut self) {
        let turn = i64::from(self.at.utc_day().0).rem_euclid(2) == self.human.tablet_parity;
        self.on_tablet = turn && self.human.tablet.is_some() && self.chance(0.4);
        if self.on_tablet {
            self.device = self.human.devices.len();
            self.app = false;
            // Everyone logs out of the tablet.
            self.logged_in[self.device] = false;
        } else {
            // A guest is known by one device.
            let devices = if self.human.registers { self.human.devices.len() } else { 1 };
            self.device = self.rng.random_range(0..devices);
            self.app = self.device == 0 && self.chance(0.4);
        }
        if self.human.registers && !self.logged_in[self.device] {
            self.log_in();
        }
    }

    /// The first visit of a trip: perhaps with a page before the login.
    pub(super) fn sit_down_to_look(&mut self) {
        let place = self.lived.drafts.len();
        let at = self.at;
        self.sit_down();
        let logged_in_now = self.lived.drafts.len() > place;
        if logged_in_now && self.chance(0.5) {
            let now = std::mem::replace(&mut self.at, at);
            let known = std::mem::replace(&mut self.logged_in[self.device], false);
            self.page("/");
            self.trip.entered = Some(at);
            (self.at, self.logged_in[self.device]) = (now, known);
        }
    }

    /// A new tablet: each logs in on an evening of their own. Some hand it over on the first without logging out, and what the
    /// other looks at then no rule can tell apart.
    pub(super) fn try_the_tablet(&mut self, start: Timestamp) {
        let parity = |day: &Day| i64::from(day.0).rem_euclid(2);
        let tomorrow = Day(start.utc_day().0 + 1);
        let (first, second) = (tomorrow, Day(tomorrow.0 + 1));
        let own = if parity(&first) == self.human.tablet_parity { first } else { second };
        (self.on_tablet, self.device, self.app) = (true, self.human.devices.len(), false);
        if own == second && self.chance(0.02) {
            self.at = self.some_time(first);
            self.browse();
        }
        self.at = self.some_time(own);
        self.log_in();
        self.page(CATALOGUE[0]);
    }

    pub(super) fn log_in(&mut self) {
        self.logged_in[self.device] = true;
        let email = self.human.email.clone();
        self.web(Call::Identify, "/account".into(), None, Some(email));
        self.wait(2, 20);
    }

    /// Who is a guest leaves an address; everyone else is known.
    pub(super) fn leave_address(&mut self, path: &'static str) {
        if !self.human.registers {
            let email = self.human.email.clone();
            self.web(Call::Identify, path.into(), None, Some(email));
        }
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
        let cookie = match (&self.private, &self.human.tablet, self.on_tablet) {
            (Some(private), ..) => private.clone(),
            (_, Some(tablet), true) => tablet.clone(),
            _ => self.human.devices[self.device.min(self.human.devices.len() - 1)].clone(),
        };
        let logged_in = self.private.is_none() && self.logged_in[self.device];
        let user = logged_in.then(|| self.human.user.clone());
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
        self.write(minute(self.at), Body::Crm(draft))
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

/// As the back office writes it.
pub(super) fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - at.micros().rem_euclid(60_000_000))
}
