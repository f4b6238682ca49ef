//! `weekdayRange`, `dateRange` and `timeRange`: whether the time lies between two points that are given in part.
//!
//! Ranges that end before they begin go round: over the weekend, the turn of the year, midnight. What browsers do beyond
//! that by accident is left out: they set one field of a date after the other, so that in their reading February ends
//! on the 3rd of March.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::Moment;

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// The arguments without a final `GMT`, and the time that they speak of.
fn split(arguments: &[String], moment: Moment) -> (&[String], DateTime) {
    let (arguments, seconds) = match arguments.split_last() {
        Some((last, rest)) if last == "GMT" => (rest, 0),
        _ => (arguments, moment.offset_seconds),
    };
    let offset = Offset::from_seconds(seconds).unwrap_or(Offset::UTC);
    (arguments, offset.to_datetime(moment.now.0))
}

fn between<T: PartialOrd>(first: T, now: T, last: T) -> bool {
    if first <= last { first <= now && now <= last } else { first <= now || now <= last }
}

/// `weekdayRange(day)`, `weekdayRange(first, last)`.
pub(super) fn weekday_range(arguments: &[String], moment: Moment) -> bool {
    let (arguments, now) = split(arguments, moment);
    let day = |text: &String| DAYS.iter().position(|day| day == text);
    let today = usize::from(now.weekday().to_sunday_zero_offset().unsigned_abs());
    match arguments {
        [day_alone] => day(day_alone) == Some(today),
        [first, last] => matches!((day(first), day(last)), (Some(first), Some(last)) if between(first, today, last)),
        _ => false,
    }
}

/// A part of a date: a day of the month is below 32, and what is neither that nor the name of a month is a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Year(i64),
    Month(i64),
    Day(i64),
}

impl Part {
    fn read(text: &String) -> Option<Self> {
        if let Some(month) = MONTHS.iter().zip(1..).find(|(name, _)| *name == text) {
            return Some(Self::Month(month.1));
        }
        let number = integer(text)?;
        Some(if number < 32 { Self::Day(number) } else { Self::Year(number) })
    }

    /// The same part of the date that it is.
    fn of(self, now: DateTime) -> Self {
        match self {
            Self::Year(_) => Self::Year(now.year().into()),
            Self::Month(_) => Self::Month(now.month().into()),
            Self::Day(_) => Self::Day(now.day().into()),
        }
    }
}

/// `dateRange` with one part, or with the same one to three parts twice.
pub(super) fn date_range(arguments: &[String], moment: Moment) -> bool {
    let (arguments, now) = split(arguments, moment);
    if arguments.is_empty() || arguments.len() > 6 {
        return false;
    }
    let Some(parts) = arguments.iter().map(Part::read).collect::<Option<Vec<Part>>>() else { return false };
    if let [part] = parts.as_slice() {
        return *part == part.of(now);
    }
    let (first, last) = parts.split_at(parts.len() / 2);
    // From the year down, in whatever order they are written.
    let sorted = |parts: &[Part]| {
        let mut parts = parts.to_vec();
        parts.sort_unstable();
        parts
    };
    let (first, last) = (sorted(first), sorted(last));
    let now: Vec<Part> = first.iter().map(|part| part.of(now)).collect();
    let same_parts = first.len() == last.len()
        && first.iter().zip(&last).all(|(a, b)| std::mem::discriminant(a) == std::mem::discriminant(b));
    same_parts && between(first, now, last)
}

/// `timeRange(hour)`, two hours, two times of hour and minute, two of hour, minute and second.
pub(super) fn time_range(arguments: &[String], moment: Moment) -> bool {
    let (arguments, now) = split(arguments, moment);
    let Some(numbers) = arguments.iter().map(|text| integer(text)).collect::<Option<Vec<i64>>>() else { return false };
    let (hour, minute, second) = (i64::from(now.hour()), i64::from(now.minute()), i64::from(now.second()));
    match *numbers.as_slice() {
        [one] => hour == one,
        [first, last] => between(first, hour, last),
        [first_hour, first_minute, last_hour, last_minute] => {
            between((first_hour, first_minute), (hour, minute), (last_hour, last_minute))
        }
        [h1, m1, s1, h2, m2, s2] => between((h1, m1, s1), (hour, minute, second), (h2, m2, s2)),
        _ => false,
    }
}

/// As `parseInt` reads it: leading digits.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    /// Monday the 23rd of November 2026, 22:30:15 UTC, half an hour past midnight of Tuesday in Helsinki.
    fn moment() -> Moment {
        Moment { now: Timestamp("2026-11-23T22:30:15Z".parse().unwrap()), offset_seconds: 7_200 }
    }

    fn holds(range: fn(&[String], Moment) -> bool, arguments: &str) -> bool {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        range(&arguments, moment())
    }

    #[test]
    fn days_of_the_week() {
        for (arguments, expected) in [
            ("TUE", true),
            ("MON", false),
            ("MON GMT", true),
            ("MON FRI", true),
            ("SAT TUE", true),
            ("SAT MON", false),
            ("SAT MON GMT", true),
            ("", false),
            ("GMT", false),
            ("tue", false),
            ("MON X", false),
        ] {
            assert_eq!(holds(weekday_range, arguments), expected, "{arguments}");
        }
    }

    #[test]
    fn dates() {
        for (arguments, expected) in [
            ("24", true),
            ("23", false),
            ("23 GMT", true),
            ("NOV", true),
            ("2026", true),
            ("1 24", true),
            ("25 30", false),
            ("OCT DEC", true),
            ("NOV FEB", true),
            ("DEC FEB", false),
            ("2025 2027", true),
            ("24 NOV 24 NOV", true),
            ("25 NOV 1 DEC", false),
            ("20 DEC 5 JAN", false),
            ("20 OCT 5 JAN", true),
            ("NOV 2026 DEC 2026", true),
            ("1 DEC 2025 23 NOV 2026", false),
            ("1 DEC 2025 23 NOV 2026 GMT", true),
            ("24 NOV DEC 24", true),
            ("24 NOV DEC", false),
            ("x", false),
            ("", false),
            ("1 2 3 4 5 6 7 8", false),
        ] {
            assert_eq!(holds(date_range, arguments), expected, "{arguments}");
        }
    }

    #[test]
    fn times_of_day() {
        for (arguments, expected) in [
            ("0", true),
            ("22 GMT", true),
            ("8 18", false),
            ("22 6", true),
            ("0 30 0 30", true),
            ("0 31 0 40", false),
            ("22 0 23 0 GMT", true),
            ("0 30 15 0 30 15", true),
            ("0 30 16 0 30 14", false),
            ("1 2 3", false),
            ("x", false),
            ("", false),
        ] {
            assert_eq!(holds(time_range, arguments), expected, "{arguments}");
        }
    }
}
