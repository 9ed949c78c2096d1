//! Who lives together, and what they are known by. In: a place in the town and a random stream. Out: one or two people with
//! their devices and identifiers; every eighth household has two, who share a tablet.

use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Every so many households are a couple with a shared tablet.
pub(super) const COUPLE_EVERY: u32 = 8;
/// One person in so many works for the shop and looks around with a marked browser.
const STAFF_EVERY: f64 = 0.01;
/// Call-centre staff write it where a customer names no address; it joins nobody.
pub(super) const PLACEHOLDER_EMAIL: &str = "no@mail.example";

const FIRST_NAMES: [&str; 12] =
    ["anna", "boris", "clara", "dmitri", "elena", "felix", "greta", "hanna", "ivan", "jonas", "katja", "leon"];

#[derive(Clone, Debug)]
pub(super) struct Human {
    pub number: u32,
    /// Cookies of own devices, at least one; the first is a phone.
    pub devices: Vec<Arc<str>>,
    /// The household's shared tablet.
    pub tablet: Option<Arc<str>>,
    /// Whose turn with the tablet it is: people of one household use it on different days.
    pub tablet_parity: i64,
    pub user: Arc<str>,
    pub email: Arc<str>,
    /// The address as the back office types it.
    pub email_typed: Arc<str>,
    pub contact: Arc<str>,
    pub phone: Arc<str>,
    /// The same telephone as another contact's: useless alone.
    pub phone_shared: bool,
    pub staff: bool,
    /// Shops with an account, not as a guest.
    pub registers: bool,
}

/// The people of household `place`, numbered from `first`, at most `left` of them.
pub(super) fn household(place: u32, first: u32, left: u32, rng: &mut ChaCha8Rng) -> Vec<Human> {
    let couple = place % COUPLE_EVERY == COUPLE_EVERY / 2 - 1 && left >= 2;
    let mut people: Vec<Human> = (0..if couple { 2 } else { 1 }).map(|i| human(first + i, couple, rng)).collect();
    if let [a, b] = &mut people[..] {
        let tablet = cookie(rng);
        a.tablet = Some(tablet.clone());
        b.tablet = Some(tablet);
        b.tablet_parity = 1;
        if rng.random_bool(0.08) {
            b.phone = a.phone.clone();
            a.phone_shared = true;
            b.phone_shared = true;
        }
    }
    people
}

fn human(number: u32, couple: bool, rng: &mut ChaCha8Rng) -> Human {
    let name = FIRST_NAMES[rng.random_range(0..FIRST_NAMES.len())];
    let email = format!("{name}.{number}@mail.example");
    let typed = if rng.random_bool(0.2) { email.to_uppercase() } else { email.clone() };
    let own_devices = 1 + usize::from(rng.random_bool(0.4));
    Human {
        number,
        devices: (0..own_devices).map(|_| cookie(rng)).collect(),
        tablet: None,
        tablet_parity: 0,
        user: format!("u-{:05}{:03}", number, rng.random_range(0..1000)).into(),
        email: email.into(),
        email_typed: typed.into(),
        contact: format!("C-{:06}", 100_000 + number).into(),
        phone: format!("+49 30 {:04} {:04}", number / 10_000, number % 10_000).into(),
        phone_shared: false,
        staff: !couple && rng.random_bool(STAFF_EVERY),
        registers: couple || rng.random_bool(0.6),
    }
}

/// A browser's own identifier, in the usual form.
pub(super) fn cookie(rng: &mut ChaCha8Rng) -> Arc<str> {
    let (a, b) = (rng.random::<u64>(), rng.random::<u64>());
    let group = |x: u64, shift: u32, mask: u64| (x >> shift) & mask;
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        group(a, 32, 0xffff_ffff),
        group(a, 16, 0xffff),
        group(a, 0, 0xfff),
        group(b, 48, 0xfff),
        group(b, 0, 0xffff_ffff_ffff)
    )
    .into()
}
