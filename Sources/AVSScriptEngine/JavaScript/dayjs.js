// The commonly used part of the `dayjs` package: instants that do not change, in UTC.
(function (module, exports, require, random) {
    'use strict';

    const months = [
        'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
    ];
    const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
    const milliseconds = { millisecond: 1, second: 1000, minute: 60000, hour: 3600000, day: 86400000, week: 604800000 };
    const shortUnits = {
        ms: 'millisecond', s: 'second', m: 'minute', h: 'hour', d: 'day', D: 'date', w: 'week', M: 'month', Q: 'quarter', y: 'year',
    };
    const fields = { year: 'FullYear', month: 'Month', date: 'Date', day: 'Day', hour: 'Hours', minute: 'Minutes', second: 'Seconds', millisecond: 'Milliseconds' };
    // From the largest to the smallest: `startOf` empties what follows.
    const order = ['year', 'month', 'date', 'hour', 'minute', 'second', 'millisecond'];

    function unitOf(name) {
        const text = String(name ?? 'millisecond');
        return shortUnits[text] ?? text.toLowerCase().replace(/s$/, '');
    }

    const pad = (number, length) => (number < 0 ? '-' : '') + String(Math.abs(number)).padStart(length, '0');

    function lastDay(year, month) { return new Date(Date.UTC(year, month + 1, 0)).getUTCDate(); }

    function addMonths(date, count) {
        const total = date.getUTCFullYear() * 12 + date.getUTCMonth() + count;
        const year = Math.floor(total / 12), month = total - year * 12;
        const moved = new Date(date);
        moved.setUTCFullYear(year, month, Math.min(date.getUTCDate(), lastDay(year, month)));
        return moved;
    }

    // How many months lie between two dates, with the part of the last one, counted from the one that is later in its
    // month: a month before 31 March is the end of February, and a month after it the end of April.
    function monthsBetween(from, to) {
        if (to.getUTCDate() < from.getUTCDate()) return -monthsBetween(to, from) + 0;
        const whole = (from.getUTCFullYear() - to.getUTCFullYear()) * 12 + from.getUTCMonth() - to.getUTCMonth();
        const anchor = addMonths(to, whole);
        const next = addMonths(to, from < anchor ? whole - 1 : whole + 1);
        return -(whole + (from - anchor) / Math.abs(next - anchor)) + 0;
    }

    function parse(input) {
        if (input === undefined) return new Date();
        if (input === null) return new Date(NaN);
        if (input instanceof Dayjs) return new Date(input.valueOf());
        if (typeof input !== 'string' || /z$/i.test(input)) return new Date(input);
        // Any digits in this order count, with or without what usually stands between them; `new Date` reads the rest.
        const match = /^(\d{4})[-/]?(\d{1,2})?[-/]?(\d{0,2})[T\s]*(\d{1,2})?:?(\d{1,2})?:?(\d{1,2})?[.:]?(\d+)?$/i.exec(input);
        if (!match) return new Date(input);
        const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => part && Number(part));
        const date = new Date(0);
        date.setUTCFullYear(year, (month ?? 1) - 1, day || match[3] ? day : 1);
        date.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0, Number((match[7] ?? '0').slice(0, 3)));
        return date;
    }

    const tokens = {
        YYYY: (d) => pad(d.year(), 4), YY: (d) => pad(d.year() % 100, 2),
        M: (d) => d.month() + 1, MM: (d) => pad(d.month() + 1, 2), MMM: (d) => months[d.month()].slice(0, 3), MMMM: (d) => months[d.month()],
        D: (d) => d.date(), DD: (d) => pad(d.date(), 2),
        d: (d) => d.day(), dd: (d) => weekdays[d.day()].slice(0, 2), ddd: (d) => weekdays[d.day()].slice(0, 3), dddd: (d) => weekdays[d.day()],
        H: (d) => d.hour(), HH: (d) => pad(d.hour(), 2), h: (d) => d.hour() % 12 || 12, hh: (d) => pad(d.hour() % 12 || 12, 2),
        a: (d) => d.hour() < 12 ? 'am' : 'pm', A: (d) => d.hour() < 12 ? 'AM' : 'PM',
        m: (d) => d.minute(), mm: (d) => pad(d.minute(), 2), s: (d) => d.second(), ss: (d) => pad(d.second(), 2),
        SSS: (d) => pad(d.millisecond(), 3), Z: () => '+00:00', ZZ: () => '+0000',
    };

    class Dayjs {
        #date;
        #isUTC;

        constructor(date, isUTC) {
            this.#date = date;
            this.#isUTC = isUTC;
        }

        #made(date) { return new Dayjs(date, this.#isUTC); }

        isValid() { return !Number.isNaN(this.#date.getTime()); }
        clone() { return this.#made(new Date(this.#date)); }
        utc() { return new Dayjs(new Date(this.#date), true); }
        local() { return new Dayjs(new Date(this.#date), false); }
        isUTC() { return this.#isUTC; }
        utcOffset() { return 0; }
        locale(name) { return name ? this.clone() : 'en'; }

        // MARK: Parts

        get(name) {
            const unit = unitOf(name);
            if (unit === 'quarter') return Math.ceil((this.month() + 1) / 3);
            return unit in fields ? this.#date[`getUTC${fields[unit]}`]() : NaN;
        }

        set(name, value) {
            const unit = unitOf(name), date = new Date(this.#date), number = Number(value);
            if (unit === 'month') return this.#made(addMonths(date, number - date.getUTCMonth()));
            if (unit === 'year') return this.#made(addMonths(date, (number - date.getUTCFullYear()) * 12));
            if (unit === 'day') date.setUTCDate(date.getUTCDate() + number - date.getUTCDay());
            else if (unit in fields) date[`setUTC${fields[unit]}`](number);
            return this.#made(date);
        }

        daysInMonth() { return lastDay(this.year(), this.month()); }

        // MARK: Arithmetic

        add(count, name) {
            const unit = unitOf(name), number = Number(count);
            const inMonths = { month: 1, quarter: 3, year: 12 }[unit];
            if (inMonths) return this.#made(addMonths(this.#date, number * inMonths));
            // Days are whole: half of one is the next one.
            const days = { day: 1, week: 7 }[unit];
            const span = days ? Math.round(days * number) * milliseconds.day : number * (milliseconds[unit] ?? 1);
            return this.#made(new Date(this.#date.getTime() + span));
        }

        subtract(count, name) { return this.add(-Number(count), name); }

        startOf(name) {
            const unit = unitOf(name), date = new Date(this.#date);
            if (unit === 'week') date.setUTCDate(date.getUTCDate() - date.getUTCDay());
            if (unit === 'quarter') date.setUTCMonth(date.getUTCMonth() - date.getUTCMonth() % 3, 1);
            const kept = { week: 'date', day: 'date', quarter: 'month' }[unit] ?? unit;
            if (!order.includes(kept)) return this.clone();
            const emptied = order.slice(order.indexOf(kept) + 1);
            if (emptied.includes('date')) date.setUTCDate(1);
            if (emptied.includes('month')) date.setUTCMonth(0);
            if (emptied.includes('hour')) date.setUTCHours(0);
            if (emptied.includes('minute')) date.setUTCMinutes(0);
            if (emptied.includes('second')) date.setUTCSeconds(0);
            if (emptied.includes('millisecond')) date.setUTCMilliseconds(0);
            return this.#made(date);
        }

        endOf(name) {
            const unit = unitOf(name) === 'date' ? 'day' : unitOf(name);
            const isSpan = unit === 'quarter' || unit === 'week' || (unit !== 'millisecond' && (unit === 'day' || order.includes(unit)));
            return isSpan ? this.startOf(unit).add(1, unit).subtract(1, 'millisecond') : this.clone();
        }

        diff(other, name, isFloat = false) {
            const unit = unitOf(name), that = dayjs(other).toDate();
            const inMonths = { month: 1, quarter: 3, year: 12 }[unit];
            const difference = inMonths
                ? monthsBetween(that, this.#date) / inMonths
                : (this.#date - that) / (milliseconds[unit] ?? 1);
            return isFloat ? difference : Math.trunc(difference) + 0;
        }

        // MARK: Comparison

        isSame(other, name) {
            if (name === undefined) return this.valueOf() === dayjs(other).valueOf();
            return this.startOf(name).valueOf() === dayjs(other).startOf(name).valueOf();
        }
        isBefore(other, name) { return (name === undefined ? this : this.endOf(name)).valueOf() < dayjs(other).valueOf(); }
        isAfter(other, name) { return (name === undefined ? this : this.startOf(name)).valueOf() > dayjs(other).valueOf(); }
        isSameOrBefore(other, name) { return this.isSame(other, name) || this.isBefore(other, name); }
        isSameOrAfter(other, name) { return this.isSame(other, name) || this.isAfter(other, name); }
        isBetween(from, to, name) { return this.isAfter(from, name) && this.isBefore(to, name); }

        // MARK: Forms

        valueOf() { return this.#date.getTime(); }
        unix() { return Math.floor(this.valueOf() / 1000); }
        toDate() { return new Date(this.#date); }
        toISOString() { return this.#date.toISOString(); }
        toJSON() { return this.isValid() ? this.toISOString() : null; }
        toString() { return this.#date.toUTCString(); }

        format(pattern) {
            if (!this.isValid()) return 'Invalid Date';
            const wanted = pattern ?? (this.#isUTC ? 'YYYY-MM-DDTHH:mm:ss[Z]' : 'YYYY-MM-DDTHH:mm:ssZ');
            return wanted.replace(
                /\[([^\]]*)\]|YYYY|YY|M{1,4}|D{1,2}|d{1,4}|H{1,2}|h{1,2}|a|A|m{1,2}|s{1,2}|SSS|Z{1,2}/g,
                (token, literal) => literal ?? String(tokens[token](this)));
        }
    }

    // `d.hour()` reads, `d.hour(5)` makes another one.
    for (const name of Object.keys(fields)) {
        const access = { [name](value) { return value === undefined ? this.get(name) : this.set(name, value); } }[name];
        Object.defineProperty(Dayjs.prototype, name, { value: access, writable: true, configurable: true });
    }

    function dayjs(input) { return new Dayjs(parse(input), input instanceof Dayjs && input.isUTC()); }
    dayjs.utc = (input) => new Dayjs(parse(input), true);
    dayjs.unix = (seconds) => new Dayjs(new Date(Number(seconds) * 1000), false);
    dayjs.isDayjs = (value) => value instanceof Dayjs;
    dayjs.extend = () => dayjs;
    dayjs.locale = () => 'en';

    module.exports = dayjs;
})
