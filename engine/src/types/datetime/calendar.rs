//! The proleptic Gregorian calendar: days since 2000-01-01 to years, months, days, and back.
//!
//! Eras of 400 years are alike; within one, counting from March puts the leap day at the end. Years are astronomical: 0 is 1 BC.

/// Microseconds of a day.
pub(super) const DAY_US: i64 = 86_400_000_000;

/// Days from 0000-03-01 to 2000-01-01.
const EPOCH_DAYS: i64 = 730_425;

/// Days of 400 years.
const ERA_DAYS: i64 = 146_097;

/// The first date, 4714-11-24 BC: day 0 of the Julian count.
pub(super) const DATE_MIN: i32 = -2_451_545;

/// The day after the last date.
pub(super) const DATE_END: i32 = 2_145_031_949;

/// The first timestamp.
pub(super) const TIMESTAMP_MIN: i64 = DATE_MIN as i64 * DAY_US;

/// Behind the last timestamp: the year 294277.
pub(super) const TIMESTAMP_END: i64 = 9_223_371_331_200_000_000;

/// Year, month and day of so many days since 2000-01-01.
pub(super) fn civil(days: i64) -> (i64, u8, u8) {
    let since = days + EPOCH_DAYS;
    let era = since.div_euclid(ERA_DAYS);
    let day_of_era = since.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

/// Days since 2000-01-01 of a day of a month, which may be beyond the month's end.
pub(super) fn days_of(year: i64, month: u8, day: u8) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// Days of a month.
pub(super) fn month_days(year: i64, month: u8) -> u8 {
    match month {
        2 if year.rem_euclid(4) == 0
            && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) =>
        {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of the week, Sunday being 0.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 6).rem_euclid(7)
}

/// ISO 8601's year and week.
pub(super) fn iso_week(days: i64) -> (i64, i64) {
    // The week belongs to the year of its Thursday.
    let thursday = days - (weekday(days) + 6) % 7 + 3;
    let (year, ..) = civil(thursday);
    (year, (thursday - days_of(year, 1, 1)) / 7 + 1)
}
