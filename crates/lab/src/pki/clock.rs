//! The time of a run: read once, so that everything issued in it agrees.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use model::Timestamp;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    since_epoch: Duration,
}

impl Clock {
    pub(crate) fn read() -> Result<Self> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
        Ok(Self { since_epoch })
    }

    pub(crate) fn unix_milliseconds(self) -> Result<u64> {
        u64::try_from(self.since_epoch.as_millis()).context("the clock stands too far ahead")
    }

    pub(crate) fn days_from_now(self, days: i64) -> Result<Timestamp> {
        Timestamp::from_unix_seconds(self.unix_seconds(days)?).context("a time that RFC 3339 cannot say")
    }

    /// For the Validity of a certificate.
    pub(crate) fn validity(self, from_days: i64, to_days: i64) -> Result<impl FnOnce(&mut rcgen::CertificateParams)> {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let not_before = epoch + Duration::from_secs(u64::try_from(self.unix_seconds(from_days)?)?);
        let not_after = epoch + Duration::from_secs(u64::try_from(self.unix_seconds(to_days)?)?);
        Ok(move |params: &mut rcgen::CertificateParams| {
            params.not_before = not_before;
            params.not_after = not_after;
        })
    }

    fn unix_seconds(self, days: i64) -> Result<i64> {
        Ok(i64::try_from(self.since_epoch.as_secs())? + days * 86_400)
    }
}
