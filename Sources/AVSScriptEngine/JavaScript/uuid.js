// What the `uuid` package exports, without options: v1, v3 to v7, validate, version, parse, stringify, NIL, MAX
// (RFC 9562).
(function (module, exports, require, random) {
    'use strict';

    const NIL = '00000000-0000-0000-0000-000000000000';
    const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

    function randomBytes(count) {
        const bytes = new Uint8Array(count);
        random(bytes);
        return bytes;
    }

    function text(bytes) {
        const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
        return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20, 32)].join('-');
    }

    // Marks 16 bytes with their version and the variant.
    function marked(bytes, version) {
        bytes[6] = (bytes[6] & 0x0f) | (version << 4);
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        return text(bytes);
    }

    function validate(value) {
        return typeof value === 'string' && (pattern.test(value) || value === NIL || value.toLowerCase() === MAX);
    }

    function version(value) {
        if (!validate(value)) throw TypeError('Invalid UUID');
        return parseInt(value.slice(14, 15), 16);
    }

    function parse(value) {
        if (!validate(value)) throw TypeError('Invalid UUID');
        return Uint8Array.from(value.replace(/-/g, '').match(/../g), (pair) => parseInt(pair, 16));
    }

    function stringify(bytes, offset = 0) {
        const value = text(Array.from({ length: 16 }, (_, index) => bytes[offset + index] ?? NaN));
        if (!validate(value)) throw TypeError('Stringified UUID is invalid');
        return value;
    }

    // MARK: Time and chance

    // 100 ns since 15 October 1582; calls within one millisecond count on.
    const gregorianOffset = 122192928000000000n;
    let lastMilliseconds = -1, count = 0n, node, sequence;

    // Bytes with the last eight filled in: who made it; and the time.
    function timed() {
        if (node === undefined) {
            node = randomBytes(6);
            node[0] |= 0x01; // no network card has this bit
            const bytes = randomBytes(2);
            sequence = (bytes[0] << 8 | bytes[1]) & 0x3fff;
        }
        const now = Math.max(Date.now(), lastMilliseconds);
        count = now === lastMilliseconds ? count + 1n : 0n;
        lastMilliseconds = now;
        const time = BigInt(now) * 10000n + count + gregorianOffset;
        const bytes = new Uint8Array(16);
        const view = new DataView(bytes.buffer);
        view.setUint16(8, sequence);
        bytes.set(node, 10);
        return { time, bytes, view };
    }

    function v1() {
        const { time, bytes, view } = timed();
        view.setUint32(0, Number(time & 0xffffffffn));
        view.setUint16(4, Number((time >> 32n) & 0xffffn));
        view.setUint16(6, Number((time >> 48n) & 0x0fffn));
        return marked(bytes, 1);
    }

    // As v1 with the time from its largest part on, so that they sort.
    function v6() {
        const { time, bytes, view } = timed();
        view.setUint32(0, Number(time >> 28n));
        view.setUint16(4, Number((time >> 12n) & 0xffffn));
        view.setUint16(6, Number(time & 0x0fffn));
        return marked(bytes, 6);
    }

    function v4() { return marked(randomBytes(16), 4); }

    // Milliseconds, then a count that starts at a random number in each of them, then chance.
    let lastOfV7 = -1, countOfV7 = 0;

    function v7() {
        const bytes = randomBytes(16);
        const view = new DataView(bytes.buffer);
        const now = Math.max(Date.now(), lastOfV7);
        countOfV7 = now === lastOfV7 ? countOfV7 + 1 : view.getUint16(6) & 0x07ff;
        lastOfV7 = countOfV7 > 0x0fff ? now + 1 : now;
        countOfV7 &= 0x0fff;
        view.setUint16(0, Math.floor(lastOfV7 / 4294967296));
        view.setUint32(2, lastOfV7 % 4294967296);
        view.setUint16(6, countOfV7);
        return marked(bytes, 7);
    }

    // MARK: Names

    function utf8(string) {
        return Uint8Array.from(unescape(encodeURIComponent(string)), (character) => character.charCodeAt(0));
    }

    // The message with its padding, as words of 32 bits; both hashes read 64 bytes at a time.
    function words(bytes, isLittleEndian) {
        const length = ((bytes.length + 8 >> 6) + 1) * 64;
        const padded = new Uint8Array(length);
        padded.set(bytes);
        padded[bytes.length] = 0x80;
        const view = new DataView(padded.buffer);
        const bits = bytes.length * 8;
        view.setUint32(length - (isLittleEndian ? 8 : 4), bits >>> 0, isLittleEndian);
        view.setUint32(length - (isLittleEndian ? 4 : 8), Math.floor(bits / 4294967296), isLittleEndian);
        return Array.from({ length: length / 4 }, (_, index) => view.getUint32(index * 4, isLittleEndian));
    }

    function bytesOf(state, isLittleEndian) {
        const view = new DataView(new ArrayBuffer(state.length * 4));
        state.forEach((word, index) => view.setUint32(index * 4, word >>> 0, isLittleEndian));
        return new Uint8Array(view.buffer);
    }

    const rotate = (word, count) => word << count | word >>> 32 - count;

    // RFC 1321.
    function md5(bytes) {
        const shifts = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
        const message = words(bytes, true);
        let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
        for (let block = 0; block < message.length; block += 16) {
            let [a, b, c, d] = state;
            for (let step = 0; step < 64; step++) {
                const round = step >> 4;
                const mixed = [b & c | ~b & d, d & b | ~d & c, b ^ c ^ d, c ^ (b | ~d)][round];
                const index = [step, 5 * step + 1, 3 * step + 5, 7 * step][round] % 16;
                const constant = Math.floor(Math.abs(Math.sin(step + 1)) * 4294967296);
                const sum = a + mixed + constant + message[block + index] | 0;
                [a, d, c, b] = [d, c, b, b + rotate(sum, shifts[round][step % 4]) | 0];
            }
            state = [state[0] + a | 0, state[1] + b | 0, state[2] + c | 0, state[3] + d | 0];
        }
        return bytesOf(state, true);
    }

    // RFC 3174.
    function sha1(bytes) {
        const message = words(bytes, false);
        let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
        for (let block = 0; block < message.length; block += 16) {
            const schedule = message.slice(block, block + 16);
            for (let t = 16; t < 80; t++) {
                schedule.push(rotate(schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16], 1));
            }
            let [a, b, c, d, e] = state;
            for (let t = 0; t < 80; t++) {
                const round = Math.floor(t / 20);
                const mixed = [b & c | ~b & d, b ^ c ^ d, b & c | b & d | c & d, b ^ c ^ d][round];
                const constant = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][round];
                [a, b, c, d, e] = [rotate(a, 5) + mixed + e + constant + schedule[t] | 0, a, rotate(b, 30), c, d];
            }
            state = [state[0] + a | 0, state[1] + b | 0, state[2] + c | 0, state[3] + d | 0, state[4] + e | 0];
        }
        return bytesOf(state, false);
    }

    function named(version, hash) {
        function make(name, namespace) {
            const space = typeof namespace === 'string' ? parse(namespace) : Uint8Array.from(namespace ?? []);
            if (space.length !== 16) throw TypeError('Namespace must be array-like (16 iterable integer values, 0-255)');
            const value = typeof name === 'string' ? utf8(name) : Uint8Array.from(name);
            return marked(hash(Uint8Array.from([...space, ...value])).slice(0, 16), version);
        }
        make.DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
        make.URL = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';
        return make;
    }

    module.exports = { MAX, NIL, parse, stringify, v1, v3: named(3, md5), v4, v5: named(5, sha1), v6, v7, validate, version };
})
