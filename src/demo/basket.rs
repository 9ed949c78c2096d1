//! What one person does in the basket, where most of what is planted happens. In: the story of a trip that has chosen. Out:
//! the visits there, or the sale that goes past the checkout.

use super::diary::Story;
use super::planted;
use super::record::Call;

/// What somebody does in the basket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Add,
    Costs,
    Page,
    /// Back to a product.
    Look,
}

impl Story<'_> {
    fn in_basket(&mut self, step: Step) {
        match step {
            Step::Add => {
                let product = self.product();
                self.web(Call::Track("Product Added"), "/cart".into(), Some(product), None);
            }
            Step::Costs => self.track("Delivery Costs Shown", "/cart"),
            Step::Page => self.page("/cart"),
            Step::Look => return self.look_at_product(),
        }
        self.wait(10, 100);
    }

    /// False: too late in the log to come to its end.
    pub(super) fn fill_basket(&mut self, skips: bool, costs_first: bool) -> bool {
        let slow = self.chance(planted::SLOW_BASKET);
        let back = self.chance(planted::BACK_TO_CHOICE);
        let mut steps = Vec::with_capacity(7);
        steps.extend(costs_first.then_some(Step::Costs));
        steps.push(Step::Add);
        if back {
            steps.extend([Step::Look, Step::Add]);
        }
        // Costs ahead of one product could as well be a product behind its costs: of two it is plain which moved.
        if costs_first || self.chance(0.2) {
            steps.push(Step::Add);
        }
        steps.extend((!costs_first).then_some(Step::Costs));
        steps.extend((!skips).then_some(Step::Page));
        let last = steps.len() - 1;
        for (place, step) in steps.into_iter().enumerate() {
            if slow && place == last {
                // The stock of bulky goods is confirmed by hand.
                self.days(2, 3);
                self.sit_down();
            }
            if self.too_late() {
                return false;
            }
            self.in_basket(step);
            self.trip.went_back |= step == Step::Look;
        }
        self.trip.slow = slow;
        true
    }

    pub(super) fn abandon_basket(&mut self) -> bool {
        self.in_basket(Step::Add);
        let sold = self.chance(planted::SOLD_ANYWAY);
        for step in [Step::Costs, Step::Page] {
            if !sold && self.chance(0.5) {
                return false;
            }
            self.in_basket(step);
        }
        if !sold {
            return false;
        }
        // A colleague rings up about the basket left behind and sells it at once.
        self.leave_address("/cart");
        self.days(1, 2);
        let order = self.order();
        self.trip.sold_anyway = self.pay(&order);
        self.deliver(&order);
        true
    }
}
