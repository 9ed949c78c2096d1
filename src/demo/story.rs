//! What one person does. In: a [`Human`], the moment they turn up and a random stream. Out: their records, each with its
//! time, in the order in which they happened. Writes down behaviour only; what of it was designed is not known here.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::time::Timestamp;

use super::diary::Story;
use super::household::{Human, PLACEHOLDER_EMAIL};
use super::record::{Call, CrmDraft, Draft};

pub(super) const DAY: u64 = 86_400;
pub(super) const HOUR: u64 = 3_600;
pub(super) const MINUTE: u64 = 60;
pub(super) const CATALOGUE: [&str; 5] =
    ["/catalog/phones", "/catalog/laptops", "/catalog/audio", "/catalog/tv", "/catalog/home"];
const CITIES: [&str; 4] = ["Berlin", "Hamburg", "Leipzig", "Dresden"];
/// Most people come without an advert.
pub(super) const CAMPAIGNS: [Option<&str>; 7] =
    [None, None, None, Some("spring_sale"), Some("brand_search"), Some("retargeting"), Some("student_week")];

pub(super) struct Lived {
    pub drafts: Vec<Draft>,
    pub orders: u64,
    pub returns: u64,
}

/// Everything that a person does from `start` to `end`.
pub(super) fn live(human: &Human, start: Timestamp, end: Timestamp, rng: &mut ChaCha8Rng) -> Lived {
    let mut story = Story {
        human,
        end,
        at: start + Duration::from_secs(rng.random_range(0..12 * HOUR)),
        rng,
        device: 0,
        on_tablet: false,
        tablet_used: false,
        logged_in: vec![false; human.devices.len() + 1],
        campaign: None,
        app: false,
        lived: Lived { drafts: Vec::new(), orders: 0, returns: 0 },
    };
    for _ in 0..3 {
        let bought = story.shopping();
        let (again, from, to) = if bought { (0.25, 33, 60) } else { (0.2, 16, 40) };
        if !story.chance(again) {
            break;
        }
        story.days(from, to);
    }
    if human.tablet.is_some() && !story.tablet_used {
        story.days(1, 4);
        story.tablet_evening();
    }
    story.lived
}

impl Story<'_> {
    // Shopping, from the first look to the end of it. True: paid.

    fn shopping(&mut self) -> bool {
        self.campaign = CAMPAIGNS.choose(self.rng).copied().flatten();
        self.sit_down();
        if !self.chance(0.15) && !self.discover() {
            return false;
        }
        if self.human.staff || !self.consider() {
            return false;
        }
        if self.chance(0.07) {
            return self.order_by_phone();
        }
        self.fill_basket() && self.check_out()
    }

    fn discover(&mut self) -> bool {
        let landing = if self.campaign.is_some() && self.chance(0.8) { "/sale/spring" } else { "/" };
        self.page(landing);
        for _ in 0..self.rng.random_range(0..3) {
            self.wait(10, 90);
            self.browse();
        }
        self.wait(10, 120);
        if !self.chance(0.28) {
            return true;
        }
        if !self.chance(0.35) {
            return false;
        }
        self.days(1, 5);
        self.sit_down();
        self.browse();
        self.wait(10, 120);
        self.chance(0.6)
    }

    fn browse(&mut self) {
        let path = CATALOGUE[self.rng.random_range(0..CATALOGUE.len())];
        self.page(path);
    }

    fn consider(&mut self) -> bool {
        for _ in 0..self.rng.random_range(1..4) {
            self.look_at_product();
        }
        if self.chance(0.22) {
            self.track("Products Compared", "/compare");
            self.wait(20, 200);
        }
        if self.chance(0.2) {
            self.track("Wishlist Added", "/product/wishlist");
        }
        if self.chance(0.05) {
            self.track("Chat Opened", "/help");
            self.wait(60, 600);
        }
        if self.chance(0.16) {
            self.browse();
            self.wait(10, 60);
            self.look_at_product();
        }
        if self.chance(0.2) {
            self.wait(10 * MINUTE, 20 * HOUR);
            self.call("advice", None);
            self.come_back();
        }
        if self.chance(0.2) {
            self.days(1, 3);
            let city = CITIES[self.rng.random_range(0..CITIES.len())];
            let contact = Some(self.human.contact.clone());
            self.crm(CrmDraft {
                kind: "shop.visit",
                channel: "shop",
                contact,
                city: Some(city),
                ..CrmDraft::default()
            });
            self.come_back();
        }
        if self.chance(0.35) {
            if !self.chance(0.3) {
                return false;
            }
            self.days(2, 6);
            self.come_back();
        }
        true
    }

    fn come_back(&mut self) {
        self.days(0, 2);
        self.sit_down();
        self.look_at_product();
    }

    fn look_at_product(&mut self) {
        let product = self.product();
        let path: Arc<str> = format!("/product/{}", product.0).into();
        self.web(Call::Page, path.clone(), Some(product), None);
        if self.chance(0.3) {
            self.web(Call::Track("Product Viewed"), path, Some(product), None);
        }
        self.wait(15, 240);
    }

    /// (number, price in whole euros)
    fn product(&mut self) -> (u32, u32) {
        let number = self.rng.random_range(1..=120);
        (number, 19 + number * 37 % 900)
    }

    fn fill_basket(&mut self) -> bool {
        for _ in 0..self.rng.random_range(1..3) {
            let product = self.product();
            self.web(Call::Track("Product Added"), "/cart".into(), Some(product), None);
            if self.chance(0.1) {
                self.page("/cart");
            }
            self.wait(10, 100);
        }
        if self.chance(0.5) {
            self.page("/cart");
            self.wait(10, 100);
        }
        if self.chance(0.2) {
            self.look_at_product();
            self.track("Product Added", "/cart");
            self.wait(10, 100);
        }
        if !self.chance(0.28) {
            return true;
        }
        // A colleague rings up about the basket left behind and sells it at once.
        if self.chance(0.12) {
            self.days(1, 2);
            let order = self.order();
            self.pay(&order);
            self.deliver(&order);
        }
        false
    }

    fn check_out(&mut self) -> bool {
        self.track("Checkout Started", "/checkout");
        if self.chance(0.4) {
            self.page("/checkout");
        }
        self.wait(20, 120);
        if self.human.registers {
            if !self.logged_in[self.device] {
                self.log_in();
            }
        } else {
            let email = self.human.email.clone();
            self.web(Call::Identify, "/checkout".into(), None, Some(email));
        }
        self.wait(10, 60);
        self.page("/checkout/delivery");
        self.wait(20, 180);
        if self.chance(0.1) {
            self.page("/cart");
            self.wait(20, 90);
            self.track("Checkout Started", "/checkout");
            self.wait(20, 90);
        }
        if self.chance(0.13) {
            self.track("Payment Failed", "/checkout/pay");
            self.wait(20, 200);
            if self.chance(0.3) {
                return false;
            }
        }
        if self.chance(0.15) {
            return false;
        }
        self.wait(MINUTE, 3 * MINUTE);
        let order = self.order();
        let created = CrmDraft { kind: "order.created", channel: "back_office", ..self.known(&order) };
        if self.chance(0.1) {
            self.crm(CrmDraft { unfinished: true, ..created.clone() });
        }
        self.crm(created);
        if self.chance(0.07) {
            self.wait(HOUR, 48 * HOUR);
            self.about_order("order.cancelled", &order);
            return false;
        }
        if self.chance(0.3) {
            self.days(1, 7); // by invoice
            self.wait(0, HOUR);
        } else {
            self.wait(2 * MINUTE, 8 * MINUTE);
            if self.chance(0.5) {
                self.page("/checkout/thanks");
            }
            self.wait(MINUTE, 3 * MINUTE);
        }
        self.pay(&order);
        self.deliver(&order);
        true
    }

    fn order_by_phone(&mut self) -> bool {
        self.wait(10 * MINUTE, 30 * HOUR);
        let order = self.order();
        if self.chance(0.6) {
            self.call("order", Some(&order));
            if self.chance(0.15) {
                return false;
            }
            self.wait(10 * MINUTE, 60 * HOUR);
        }
        self.pay(&order);
        self.deliver(&order);
        true
    }

    // After the money.

    fn pay(&mut self, order: &Arc<str>) {
        let amount = self.product().1;
        let paid = CrmDraft { kind: "order.paid", channel: "back_office", amount: Some(amount), ..self.known(order) };
        self.lived.orders += u64::from(self.crm(paid));
    }

    fn deliver(&mut self, order: &Arc<str>) {
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

    fn about_order(&mut self, kind: &'static str, order: &Arc<str>) -> bool {
        let draft = CrmDraft { kind, channel: "back_office", ..self.known(order) };
        self.crm(draft)
    }

    /// How the back office knows the customer of an order.
    fn known(&mut self, order: &Arc<str>) -> CrmDraft {
        let email = if self.chance(0.02) { PLACEHOLDER_EMAIL.into() } else { self.human.email_typed.clone() };
        CrmDraft {
            contact: Some(self.human.contact.clone()),
            phone: Some(self.human.phone.clone()),
            email: Some(email),
            order: Some(order.clone()),
            ..CrmDraft::default()
        }
    }

    /// A call: the number is known at once, the contact only to some operators.
    fn call(&mut self, topic: &'static str, order: Option<&Arc<str>>) {
        let recognised = self.human.phone_shared || order.is_some() || self.chance(0.3);
        self.crm(CrmDraft {
            kind: "call.finished",
            channel: "call",
            contact: recognised.then(|| self.human.contact.clone()),
            phone: Some(self.human.phone.clone()),
            topic: Some(topic),
            order: order.cloned(),
            ..CrmDraft::default()
        });
    }
}
