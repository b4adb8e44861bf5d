"""The ticks of cron schedules in a time zone, by Python's zoneinfo: what CronZoneTests compares with.

usage: zone_ticks.py ZONE FIRST_YEAR YEARS SCHEDULE...

Prints for each schedule one line: its ticks as minutes since the epoch in UTC. The rule is that of reliability-security.md,
TIM-7: a reading that the clocks leave out counts at the first instant after the gap, one that comes twice at the first;
with `*` for the hour every instant whose reading matches counts. Schedules have five fields of numbers, lists, ranges and
`*` with or without a step.
"""

import sys
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def numbers(field: str, low: int, high: int) -> list[int]:
    found = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return sorted(found)


def reading(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def instants(civil: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants that read this civil minute: one, two, or none in a gap."""
    candidates = {civil.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)}
    return sorted(instant for instant in candidates if reading(instant, zone) == civil)


def after_gap(civil: datetime, zone: ZoneInfo) -> datetime:
    """The first instant whose reading is later than one that does not exist."""
    instant = min(civil.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1))
    while reading(instant, zone) < civil:
        instant += MINUTE
    return instant


def ticks(schedule: str, zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    fields = schedule.split()
    minutes, hours, days, months, weekdays = (numbers(f, *bounds) for f, bounds in zip(fields, BOUNDS))
    found = set()
    day = first.date() - timedelta(days=2)
    while day <= last.date() + timedelta(days=2):
        if day.month in months and matches(day, days, weekdays, is_either="*" not in (fields[2], fields[4])):
            for civil in (datetime.combine(day, time(hour, minute)) for hour in hours for minute in minutes):
                existing = instants(civil, zone)
                if fields[1] == "*":
                    found.update(existing)
                else:
                    found.add(existing[0] if existing else after_gap(civil, zone))
        day += timedelta(days=1)
    return sorted(instant for instant in found if first <= instant < last)


def matches(day: date, days: list[int], weekdays: list[int], is_either: bool) -> bool:
    by_month, by_week = day.day in days, day.isoweekday() % 7 in weekdays
    return by_month or by_week if is_either else by_month and by_week


def main() -> None:
    name, year, years, *schedules = sys.argv[1:]
    first = datetime(int(year), 1, 1, tzinfo=timezone.utc)
    last = datetime(int(year) + int(years), 1, 1, tzinfo=timezone.utc)
    for schedule in schedules:
        print(*((instant - EPOCH) // MINUTE for instant in ticks(schedule, ZoneInfo(name), first, last)))


if __name__ == "__main__":
    main()
