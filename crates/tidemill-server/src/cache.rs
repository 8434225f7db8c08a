//! Which states are known and how old they are: nothing older than the duration it is made with is given.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

struct Entry<V> {
    asked: Instant,
    value: V,
}

/// What was answered, by what was asked; pure: every time comes in.
pub(crate) struct Cache<K, V> {
    duration: Duration,
    entries_max: usize,
    entries: HashMap<K, Entry<V>>,
    by_age: VecDeque<(Instant, K)>,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    /// Returns an empty cache that gives nothing older than `duration` and keeps at most `entries_max`.
    pub(crate) fn new(duration: Duration, entries_max: usize) -> Self {
        Self { duration, entries_max, entries: HashMap::new(), by_age: VecDeque::new() }
    }

    /// Returns whether what was asked at `asked` may still be given at `now`.
    pub(crate) fn is_fresh(&self, asked: Instant, now: Instant) -> bool {
        now.saturating_duration_since(asked) < self.duration
    }

    /// Returns what is known of `key`, and when it was asked, where that is not too long ago.
    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<(Instant, V)> {
        let entry = self.entries.get(key).filter(|entry| self.is_fresh(entry.asked, now))?;
        Some((entry.asked, entry.value.clone()))
    }

    /// Keeps the answer to a question that was sent at `asked`; the state is no older than that.
    pub(crate) fn put(&mut self, key: K, value: V, asked: Instant, now: Instant) {
        if !self.is_fresh(asked, now) || self.entries.get(&key).is_some_and(|entry| entry.asked > asked) {
            return;
        }
        self.entries.insert(key.clone(), Entry { asked, value });
        self.by_age.push_back((asked, key));
        self.make_room(now);
    }

    /// Returns how many answers are kept, those too old to be given among them.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets what is too old, then the oldest of what is too much.
    fn make_room(&mut self, now: Instant) {
        while let Some((asked, _)) = self.by_age.front() {
            if self.is_fresh(*asked, now) && self.by_age.len() <= self.entries_max {
                return;
            }
            let Some((asked, key)) = self.by_age.pop_front() else { return };
            // A key that was asked anew since has a later place in the row.
            if self.entries.get(&key).is_some_and(|entry| entry.asked == asked) {
                self.entries.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    #[test]
    fn nothing_is_given_that_is_as_old_as_the_duration() {
        let start = Instant::now();
        let mut cache = Cache::new(TEN, 10);
        cache.put("pool", 1, start, start + Duration::from_secs(1));
        assert_eq!(cache.get(&"pool", start + Duration::from_nanos(9_999_999_999)), Some((start, 1)));
        assert_eq!(cache.get(&"pool", start + TEN), None);
    }

    #[test]
    fn an_answer_that_took_longer_than_the_duration_is_not_kept() {
        let start = Instant::now();
        let mut cache = Cache::new(TEN, 10);
        cache.put("pool", 1, start, start + TEN);
        assert_eq!(cache.len(), 0);
    }

    #[test]
    fn an_older_answer_does_not_replace_a_newer_one() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut cache = Cache::new(TEN, 10);
        cache.put("pool", 2, later, later);
        cache.put("pool", 1, start, later);
        assert_eq!(cache.get(&"pool", later), Some((later, 2)));
    }

    #[test]
    fn no_more_is_kept_than_was_said_and_the_oldest_goes_first() {
        let start = Instant::now();
        let mut cache = Cache::new(TEN, 3);
        for pool in 0..10_u32 {
            let asked = start + Duration::from_millis(u64::from(pool));
            cache.put(pool, pool, asked, asked);
        }
        let now = start + Duration::from_millis(10);
        assert_eq!(cache.len(), 3);
        assert!(cache.get(&6, now).is_none());
        assert!((7..10).all(|pool| cache.get(&pool, now).is_some()));
    }

    #[test]
    fn a_pool_asked_over_and_over_takes_the_room_of_one() {
        let start = Instant::now();
        let mut cache = Cache::new(TEN, 3);
        cache.put("other", 0, start + Duration::from_secs(9), start + Duration::from_secs(9));
        for second in 10..60 {
            let asked = start + Duration::from_secs(second);
            cache.put("pool", second, asked, asked);
        }
        assert!(cache.len() <= 2);
        assert!(cache.by_age.len() <= 3);
    }
}
