//! What one person does before they pay. In: a [`Human`], the moment they turn up and a random stream. Out: their records,
//! each with its time, in the order in which they happened, and the truth about each trip. Every trip but the planted ones
//! follows one trail: people log in on each device of theirs, or shop on one only; guests give an address before the back
//! office hears of them. What is planted happens as `planted` says.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::time::Timestamp;

use super::diary::{Story, minute};
use super::household::{Human, cookie};
use super::planted;
use super::record::{Call, CrmDraft, Draft};
use super::trip::Trip;

pub(super) const DAY: u64 = 86_400;
pub(super) const HOUR: u64 = 3_600;
pub(super) const MINUTE: u64 = 60;
pub(super) const CATALOGUE: [&str; 5] =
    ["/catalog/phones", "/catalog/laptops", "/catalog/audio", "/catalog/tv", "/catalog/home"];
/// From then on the new version of the site reports comparisons under another name.
const COMPARISON_RENAMED: Timestamp = Timestamp::from_micros(1_782_086_400_000_000);
const CITIES: [&str; 4] = ["Berlin", "Hamburg", "Leipzig", "Dresden"];
/// Most people come without an advert.
pub(super) const CAMPAIGNS: [Option<&str>; 7] =
    [None, None, None, Some("spring_sale"), Some("brand_search"), Some("retargeting"), Some("student_week")];

pub(super) struct Lived {
    pub drafts: Vec<Draft>,
    pub trips: Vec<Trip>,
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
        private: None,
        logged_in: vec![false; human.devices.len() + 1],
        campaign: None,
        app: false,
        trip: Trip::default(),
        lived: Lived { drafts: Vec::new(), trips: Vec::new(), orders: 0, returns: 0 },
    };
    if human.tablet.is_some() {
        story.try_the_tablet(start);
        // Longer than a look around may be silent.
        story.days(9, 12);
    }
    for _ in 0..3 {
        let bought = story.shopping();
        let trip = std::mem::take(&mut story.trip);
        story.lived.trips.push(trip);
        // Longer than the last trip may be silent, or its order may still be on its way.
        let (again, from, to) = if bought { (0.25, 33, 60) } else { (0.2, 16, 40) };
        if !story.chance(again) {
            break;
        }
        story.days(from, to);
    }
    story.lived
}

impl Story<'_> {
    // Shopping, from the first look to the end of it. True: paid.

    fn shopping(&mut self) -> bool {
        self.campaign = CAMPAIGNS.choose(self.rng).copied().flatten();
        if self.chance(planted::LOOKS_AROUND) {
            if !self.discover() {
                return false;
            }
        } else {
            self.sit_down();
        }
        if self.human.staff || !self.consider() || self.too_late() {
            return false;
        }
        if self.chance(planted::BY_PHONE) {
            return self.order_by_phone();
        }
        self.trip.left_choice.get_or_insert(self.at);
        if self.chance(planted::ABANDONS) {
            return self.abandon_basket();
        }
        let [skips, costs_first] = [planted::SKIPS_BASKET_PAGE, planted::COSTS_FIRST].map(|p| self.chance(p));
        self.fill_basket(skips, costs_first) && self.check_out(skips, costs_first)
    }

    /// True: goes on to the choice.
    fn discover(&mut self) -> bool {
        let elsewhere = !self.human.staff && self.chance(planted::OTHER_BROWSER);
        if elsewhere {
            self.private = Some(cookie(self.rng));
            (self.on_tablet, self.app) = (false, false);
        } else {
            self.sit_down_to_look();
            self.trip.entered.get_or_insert(self.at);
        }
        let landing = if self.campaign.is_some() && self.chance(0.8) { "/sale/spring" } else { "/" };
        self.page(landing);
        for _ in 0..self.rng.random_range(0..3) {
            self.wait(10, 90);
            self.browse();
        }
        let mut last = self.at;
        self.wait(10, 120);
        let mut goes_on = true;
        if self.chance(planted::PAUSES) {
            goes_on = self.chance(planted::RETURNS);
            if goes_on {
                self.days(1, 5);
                if !elsewhere {
                    self.sit_down();
                }
                self.browse();
                last = self.at;
                self.wait(10, 120);
                goes_on = self.chance(planted::GOES_ON_THEN);
            }
        }
        if elsewhere {
            self.private = None;
            if goes_on {
                self.sit_down();
                self.trip.cut = (self.at <= self.end).then_some(last);
            }
        }
        goes_on
    }

    pub(super) fn browse(&mut self) {
        let path = CATALOGUE[self.rng.random_range(0..CATALOGUE.len())];
        self.page(path);
    }

    /// True: goes on from the choice. Who will not is told first, so that nothing done here has to do with it.
    fn consider(&mut self) -> bool {
        let looked_around = self.trip.entered.is_some();
        self.trip.entered.get_or_insert(self.at);
        let goes_on = self.chance(0.76);
        for _ in 0..self.rng.random_range(1..4) {
            self.look_at_product();
        }
        if self.chance(0.25) {
            self.track(if self.at < COMPARISON_RENAMED { "Products Compared" } else { "Compare Opened" }, "/compare");
            self.wait(20, 200);
        }
        if self.chance(0.2) {
            // The app was built by others.
            self.track(if self.app { "wishlist_add" } else { "Wishlist Added" }, "/product/wishlist");
        }
        if self.chance(0.05) {
            self.track("Chat Opened", "/help");
            self.wait(60, 600);
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
        if self.chance(0.15) {
            self.days(2, 6);
            self.come_back();
        }
        if goes_on && looked_around && self.chance(planted::LOOKS_AGAIN) {
            self.trip.looked_again = true;
            self.trip.left_choice = Some(self.at);
            self.browse();
            self.wait(10, 60);
            self.look_at_product();
        }
        goes_on
    }

    fn come_back(&mut self) {
        self.days(0, 2);
        self.sit_down();
        self.look_at_product();
    }

    pub(super) fn look_at_product(&mut self) {
        let product = self.product();
        let path: Arc<str> = format!("/product/{}", product.0).into();
        self.web(Call::Page, path.clone(), Some(product), None);
        if self.chance(0.3) {
            self.web(Call::Track("Product Viewed"), path, Some(product), None);
        }
        self.wait(15, 240);
    }

    /// (number, price in whole euros)
    pub(super) fn product(&mut self) -> (u32, u32) {
        let number = self.rng.random_range(1..=120);
        (number, 19 + number * 37 % 900)
    }

    fn check_out(&mut self, skips: bool, costs_first: bool) -> bool {
        self.track("Checkout Started", "/checkout");
        if self.chance(0.4) {
            self.page("/checkout");
        }
        self.wait(20, 120);
        self.leave_address("/checkout");
        self.wait(10, 60);
        self.page("/checkout/delivery");
        self.wait(20, 180);
        // Back to the basket page, which who skips it never sees.
        if !skips && self.chance(0.1) {
            self.page("/cart");
            self.wait(20, 90);
            self.track("Checkout Started", "/checkout");
            self.wait(20, 90);
        }
        self.page("/checkout/pay");
        self.wait(20, 90);
        (self.trip.checked_out, self.trip.skipped, self.trip.costs_first) = (true, skips, costs_first);
        let moved = |has: bool, by: f64| if has { by } else { 0.0 };
        let pays = planted::PAYS
            + moved(skips, planted::BY_SKIPPING)
            + moved(costs_first, planted::BY_COSTS_FIRST)
            + moved(self.trip.slow, planted::BY_SLOWNESS);
        let pays = self.chance(pays);
        if self.chance(if pays { 0.1 } else { 0.3 }) {
            self.track("Payment Failed", "/checkout/pay");
            self.wait(20, 200);
        }
        let cancels = !pays && self.chance(0.2);
        if !pays && !cancels {
            return false;
        }
        self.wait(MINUTE, 3 * MINUTE);
        let order = self.order();
        let created = CrmDraft { kind: "order.created", channel: "back_office", ..self.known(&order) };
        if self.chance(0.1) {
            self.crm(CrmDraft { unfinished: true, ..created.clone() });
        }
        self.crm(created);
        if cancels {
            self.wait(HOUR, 48 * HOUR);
            self.about_order("order.cancelled", &order);
            return false;
        }
        let by_invoice = self.chance(0.2);
        if by_invoice {
            self.days(1, 7);
            self.wait(0, HOUR);
        } else {
            self.wait(2 * MINUTE, 8 * MINUTE);
            if self.chance(0.5) {
                self.page("/checkout/thanks");
            }
            self.wait(MINUTE, 3 * MINUTE);
        }
        self.trip.paid_late = self.pay(&order) && by_invoice;
        self.deliver(&order);
        true
    }

    fn order_by_phone(&mut self) -> bool {
        self.leave_address("/help/callback");
        self.wait(10 * MINUTE, 30 * HOUR);
        if self.too_late() {
            return false;
        }
        let order = self.order();
        self.trip.left_choice.get_or_insert(minute(self.at));
        self.trip.by_phone = self.call("order", Some(&order));
        if !self.chance(planted::PHONE_PAYS) {
            return false;
        }
        let (from, to) = planted::LATE_ON_PHONE;
        let late = self.chance(planted::PAYS_LATE_ON_PHONE);
        if late {
            self.wait(from * HOUR, to * HOUR);
        } else {
            self.wait(10 * MINUTE, 90 * MINUTE);
        }
        self.trip.paid_late = self.pay(&order) && late;
        self.deliver(&order);
        true
    }
}
