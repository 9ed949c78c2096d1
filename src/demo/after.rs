//! After the money, and the telephone: what the back office writes. In: the story of a trip that is paid. Out: payment,
//! delivery, survey, return, calls.

use std::sync::Arc;

use rand::RngExt;

use super::diary::{Story, minute};
use super::household::PLACEHOLDER_EMAIL;
use super::record::CrmDraft;
use super::story::HOUR;

impl Story<'_> {
    /// True: it was paid before the end of the log.
    pub(super) fn pay(&mut self, order: &Arc<str>) -> bool {
        let amount = self.product().1;
        let paid = CrmDraft { kind: "order.paid", channel: "back_office", amount: Some(amount), ..self.known(order) };
        let is_paid = self.crm(paid);
        self.trip.paid = is_paid.then(|| minute(self.at));
        self.lived.orders += u64::from(is_paid);
        is_paid
    }

    pub(super) fn deliver(&mut self, order: &Arc<str>) {
        if self.chance(0.1) {
            self.wait(HOUR, 20 * HOUR);
            self.sit_down();
            self.browse();
        }
        self.days(1, 3);
        self.about_order("delivery.shipped", order);
        let slow = self.chance(0.35);
        self.days(if slow { 4 } else { 1 }, if slow { 8 } else { 3 });
        if slow && self.chance(0.4) {
            self.call("complaint", None);
            self.days(1, 2);
        }
        self.about_order("delivery.done", order);
        if self.chance(0.35) {
            self.days(1, 2);
            let score = if slow { self.rng.random_range(1..=4) } else { self.rng.random_range(3..=5) };
            let email = Some(self.human.email.clone());
            let survey = CrmDraft { kind: "survey.answered", channel: "email", email, ..CrmDraft::default() };
            self.crm(CrmDraft { score: Some(score), ..survey });
        }
        if self.chance(0.13) {
            self.days(2, 9);
            self.lived.returns += u64::from(self.about_order("return.received", order));
        }
    }

    pub(super) fn about_order(&mut self, kind: &'static str, order: &Arc<str>) -> bool {
        // Whoever writes of a parcel has no address at hand, now and then; of an order there is always one.
        let email = self.chance(0.02).then(|| PLACEHOLDER_EMAIL.into());
        let known = self.known(order);
        let draft = CrmDraft { kind, channel: "back_office", email: email.or(known.email.clone()), ..known };
        self.crm(draft)
    }

    /// How the back office knows the customer of an order.
    pub(super) fn known(&self, order: &Arc<str>) -> CrmDraft {
        CrmDraft {
            contact: Some(self.human.contact.clone()),
            phone: Some(self.human.phone.clone()),
            email: Some(self.human.email_typed.clone()),
            order: Some(order.clone()),
            ..CrmDraft::default()
        }
    }

    /// A call: the number is known at once, the contact only to some operators; who orders gives an address. True: it was
    /// before the end of the log.
    pub(super) fn call(&mut self, topic: &'static str, order: Option<&Arc<str>>) -> bool {
        let recognised = self.human.phone_shared || order.is_some() || self.chance(0.3);
        self.crm(CrmDraft {
            kind: "call.finished",
            channel: "call",
            contact: recognised.then(|| self.human.contact.clone()),
            phone: Some(self.human.phone.clone()),
            email: order.map(|_| self.human.email_typed.clone()),
            topic: Some(topic),
            order: order.cloned(),
            ..CrmDraft::default()
        })
    }
}
