//! Numbers that look random and are the same for the same seed (`SplitMix64`). Whoever finds a fault
//! with them prints the seed, and finds it again with it.

/// The environment variable that replays one seed.
pub(crate) const SEED: &str = "HACTL_SIM_SEED";

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Prng(u64);

impl Prng {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).expect("below a u32")
    }

    /// Whether something that happens once in so many times happens now.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let length = u32::try_from(choices.len()).expect("few choices");
        choices[self.below(length) as usize]
    }
}

/// The seeds to try: the one of the environment, or so many from 1.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var(SEED) {
        Ok(text) => vec![text.parse().expect("HACTL_SIM_SEED is a number")],
        Err(_) => (1..=count).collect(),
    }
}
