//! Geographic sets: who is where, and when that was heard.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::pool::millis;
use super::{CacheError, RedisPool};

/// A tracked member goes with the next one heard of, so many at once: more than come, few enough for one command.
const FORGOTTEN_AT_ONCE: u32 = 20;

static TRACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/track.lua")));

/// Something near a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearby {
    /// What was added with `geo_add`.
    pub member: String,
    /// How far away it is, in metres.
    pub distance_m: f64,
}

/// Where something is, and when that was heard. Good to less than a metre: the set keeps 52 bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whereabouts {
    /// East.
    pub lon: f64,
    /// North.
    pub lat: f64,
    /// When, ms since the epoch.
    pub at_ms: i64,
}

/// When the members of a set were heard of.
fn times_of(set: &str) -> String {
    format!("{set}:heard")
}

/// Longitude and latitude, as Redis answers them.
type Degrees = (f64, f64);

impl RedisPool {
    /// Places (or moves) a member of a geographic set.
    ///
    /// # Errors
    /// Redis is away, or a position beyond ±85.05° of latitude.
    pub async fn geo_add(&self, set: &str, member: &str, lon: f64, lat: f64) -> Result<(), CacheError> {
        let key = self.key(set);
        self.run("geo_add", |mut conn| async move {
            redis::cmd("GEOADD").arg(key).arg(lon).arg(lat).arg(member).query_async::<()>(&mut conn).await
        })
        .await
    }

    /// Moves a member of a geographic set and notes when it was heard of; forgets members that were not heard of for
    /// `keep` before that.
    ///
    /// # Errors
    /// Redis is away, or a position beyond ±85.05° of latitude.
    pub async fn geo_track(
        &self,
        set: &str,
        member: &str,
        here: Whereabouts,
        keep: Duration,
    ) -> Result<(), CacheError> {
        let oldest = here.at_ms.saturating_sub(i64::try_from(millis(keep)).unwrap_or(i64::MAX));
        let args = [
            here.lon.to_string(),
            here.lat.to_string(),
            member.to_owned(),
            here.at_ms.to_string(),
            oldest.to_string(),
            FORGOTTEN_AT_ONCE.to_string(),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.script::<i64>("geo_track", &TRACK, &[set, &times_of(set)], &args).await.map(|_| ())
    }

    /// Where tracked members are, in the order they are asked for; `None` for one that is not there.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn geo_tracked(
        &self,
        set: &str,
        members: &[String],
    ) -> Result<Vec<Option<Whereabouts>>, CacheError> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let (set, times) = (self.key(set), self.key(&times_of(set)));
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("GEOPOS").arg(set).arg(members).cmd("ZMSCORE").arg(times).arg(members);
        let (places, times): (Vec<Option<Degrees>>, Vec<Option<i64>>) =
            self.run("geo_tracked", |mut conn| async move { pipe.query_async(&mut conn).await }).await?;
        let both = places.into_iter().zip(times).map(|(place, at_ms)| {
            let ((lon, lat), at_ms) = place.zip(at_ms)?;
            Some(Whereabouts { lon, lat, at_ms })
        });
        Ok(both.collect())
    }

    /// Takes a member out of a geographic set.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn geo_remove(&self, set: &str, member: &str) -> Result<(), CacheError> {
        let (set, times) = (self.key(set), self.key(&times_of(set)));
        self.run("geo_remove", |mut conn| async move {
            redis::pipe()
                .atomic()
                .cmd("ZREM")
                .arg(set)
                .arg(member)
                .cmd("ZREM")
                .arg(times)
                .arg(member)
                .query_async::<()>(&mut conn)
                .await
        })
        .await
    }

    /// Where a member of a geographic set is, as (longitude, latitude).
    ///
    /// # Errors
    /// Redis is away.
    pub async fn geo_position(&self, set: &str, member: &str) -> Result<Option<(f64, f64)>, CacheError> {
        let key = self.key(set);
        let rows: Vec<Option<(f64, f64)>> = self
            .run("geo_position", |mut conn| async move {
                redis::cmd("GEOPOS").arg(key).arg(member).query_async(&mut conn).await
            })
            .await?;
        Ok(rows.into_iter().next().flatten())
    }

    /// The members within `radius_m` metres of a point, nearest first, at most `limit`.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn geo_search(
        &self,
        set: &str,
        (lon, lat): (f64, f64),
        radius_m: f64,
        limit: usize,
    ) -> Result<Vec<Nearby>, CacheError> {
        let key = self.key(set);
        let rows: Vec<(String, f64)> = self
            .run("geo_search", |mut conn| async move {
                redis::cmd("GEOSEARCH")
                    .arg(key)
                    .arg("FROMLONLAT")
                    .arg(lon)
                    .arg(lat)
                    .arg("BYRADIUS")
                    .arg(radius_m)
                    .arg("m")
                    .arg("ASC")
                    .arg("COUNT")
                    .arg(limit.max(1))
                    .arg("WITHDIST")
                    .query_async(&mut conn)
                    .await
            })
            .await?;
        Ok(rows.into_iter().map(|(member, distance_m)| Nearby { member, distance_m }).collect())
    }
}
